"""What an object calls when it changes does not travel with it: an object that is
watched is refused."""

from __future__ import annotations

import pytest

from tests.artifacts.stages import Stages

TRAITS = """
import traitlets
class Thermometer(traitlets.HasTraits):
    degrees = traitlets.Int(0)
    @traitlets.observe("degrees")
    def _rise(self, change):
        self.highest = max(getattr(self, "highest", 0), change["new"])
t, other, seen = Thermometer(), Thermometer(), []
"""
FIGURE = """
from matplotlib.figure import Figure
fig = Figure()
ax = fig.subplots()
seen = []
"""


@pytest.mark.parametrize(
    ("connect", "name"),
    [
        ("t.observe(lambda change: seen.append(change.new), 'degrees')", "<lambda>"),
        ("t.observe(seen.append, 'degrees')", "append"),
        ("t.observe(seen.append)", "append"),
        ("link = traitlets.dlink((t, 'degrees'), (other, 'degrees'))", "_update"),
        ("link = traitlets.link((other, 'degrees'), (t, 'degrees'))", "_update_"),
    ],
)
def test_watched_traits_are_refused(connect: str, name: str, stages: Stages) -> None:
    stages.run("A", TRAITS + connect, "t")
    refused = next(iter(stages.results["A"].untransportable))
    assert (refused.name, refused.type_name) == ("t", "Thermometer")
    assert refused.reason.startswith(f"it calls '{name}")
    assert refused.reason.endswith("connect it in the stage that uses it")


@pytest.mark.parametrize(
    "connect",
    [
        "",
        "f = lambda change: None\nt.observe(f, 'degrees')\nt.unobserve(f, 'degrees')",
        "t.degrees = 3",
    ],
)
def test_what_watches_itself_travels(connect: str, stages: Stages) -> None:
    stages.run("A", TRAITS + connect, "t")
    received = stages.run("B", "t.degrees = 7", inputs={"A": "t"})
    assert received["t"].highest == 7


@pytest.mark.parametrize(
    ("connect", "name"),
    [
        (
            "cid = ax.callbacks.connect('xlim_changed', lambda ax: seen.append(1))",
            "<lambda>",
        ),
        ("cid = ax.callbacks.connect('ylim_changed', seen.append)", "append"),
        ("cid = fig.canvas.mpl_connect('draw_event', seen.append)", "append"),
        (
            "import types, sys\nmodule = sys.modules['jp_tool'] = types.ModuleType('jp_tool')\n"
            "exec('def note(ax): pass', vars(module))\n"
            "cid = ax.callbacks.connect('xlim_changed', module.note)",
            "note",
        ),
    ],
)
def test_a_figure_that_calls_the_notebook_when_it_is_drawn_is_refused(
    connect: str, name: str, stages: Stages
) -> None:
    stages.run("A", FIGURE + connect, "fig")
    refused = next(iter(stages.results["A"].untransportable))
    assert refused.name == "fig"
    assert refused.reason.startswith(f"it calls '{name}'")


@pytest.mark.parametrize(
    "connect",
    [
        "cid = fig.canvas.mpl_connect('button_press_event', seen.append)",
        "image = ax.imshow([[1, 2]])\nbar = fig.colorbar(image)",
        "cid = ax.callbacks.connect('xlim_changed', seen.append)\nax.callbacks.disconnect(cid)",
        "twin = ax.twinx()\nax.sharex(fig.add_subplot())",
    ],
)
def test_a_figure_that_waits_for_people_or_for_its_own_parts_travels(
    connect: str, stages: Stages
) -> None:
    stages.run("A", FIGURE + connect, "fig")
    received = stages.run("B", "fig.axes[0].set_xlim(0, 5)", inputs={"A": "fig"})
    assert received["fig"].axes[0].get_xlim() == (0, 5)
