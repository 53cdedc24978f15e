"""Figures of matplotlib come out of a payload as they went in."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import TransformNode

from tests.artifacts.stages import Stages

DRAW = """
import io
from matplotlib.figure import Figure
fig = Figure()
ax = fig.subplots()
ax.plot([0, 1, 2], [0, 1, 0], label="line")
ax.legend()
ax.axis("equal")
fig.savefig(io.BytesIO())
"""


def _transforms(figure: Figure) -> list[TransformNode]:
    """Those that a figure's artists use, with all their parents."""
    found: dict[int, TransformNode] = {}
    artists: list[Artist] = figure.findobj()
    waiting: list[Any] = [artist.get_transform() for artist in artists]
    while waiting:
        node = waiting.pop()
        if isinstance(node, TransformNode) and id(node) not in found:
            found[id(node)] = node
            waiting += [
                *vars(node).values(),
                *(parent() for parent in vars(node)["_parents"].values()),
            ]
    return list(found.values())


def _picture(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, metadata={"Software": None})
    return file.getvalue()


def test_transforms_know_their_parents_by_the_ids_of_this_process(
    stages: Stages,
) -> None:
    """With those of another one, a new object could take the place of a parent."""
    stages.run("A", DRAW, "fig")
    received = stages.run("B", inputs={"A": "fig"})["fig"]
    nodes = _transforms(received)
    links = [
        (key, parent())
        for node in nodes
        for key, parent in vars(node)["_parents"].items()
    ]
    assert len(links) > 100
    assert [key for key, parent in links if key != id(parent)] == []


def test_a_received_figure_is_drawn_after_changes_as_where_it_was_made(
    stages: Stages,
) -> None:
    change = "ax.set_xlim(0, 5); ax.grid(True, which='both'); ax.minorticks_on()"
    made = stages.run("A", DRAW, "fig ax")
    received = stages.run("B", change, inputs={"A": "fig ax"})
    exec(change, made)
    assert _picture(received["fig"]) == _picture(made["fig"])


def test_a_figure_that_a_stage_only_receives_is_unchanged(stages: Stages) -> None:
    """Though pickling it once more counts its callbacks on."""
    stages.run("A", DRAW, "fig")
    for code, changed in [("pass", []), ("fig.axes[0].set_title('new')", [("fig",)])]:
        stages.run("B", code, inputs={"A": "fig"}, protect=("fig",))
        assert [each.names for each in stages.results["B"].changed] == changed
