from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jupyter_pipe.engine.execution.failures import (
    CellPlace,
    cell_failure,
    death_failure,
    timeout_failure,
)
from jupyter_pipe.engine.execution.stage_cells import prepare_notebook, source_position
from jupyter_pipe.errors import ParameterError
from jupyter_pipe.runs.report.words import omitted_text
from tests.engine.machines import stage


def cell(source: str | list[str], role: str = "cell", **meta: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"id-{role}",
        "metadata": {
            "jupyter_pipe": {"role": role, **meta},
            "tags": meta.pop("tags", []),
        },
        "outputs": [],
        "source": source,
    }


def test_inputs_and_outputs_follow_the_pipeline_not_the_package() -> None:
    notebook = {
        "cells": [cell("old", "inputs"), cell(["a\n", "b"]), cell("old", "outputs")]
    }
    of = msgspec.structs.replace(stage("s"), outputs=("y", "z"))
    made = prepare_notebook(notebook, of, inputs=["x"], literals={})
    assert [each["source"] for each in made["cells"]] == [
        '__import__("jupyter_pipe_kernel").load_inputs("x")',
        "a\nb",
        '__import__("jupyter_pipe_kernel").store_outputs("y", "z")',
    ]
    assert notebook["cells"][1]["source"] == ["a\n", "b"]


def test_inputs_come_after_replays_and_before_the_first_cell_of_the_user() -> None:
    notebook = {
        "cells": [cell("import x", "replay"), cell("n = 1", "parameters"), cell("n")]
    }
    of = msgspec.structs.replace(stage("s"), parameters=("n",))
    made = prepare_notebook(notebook, of, inputs=[], literals={"n": "2"})
    roles = [each["metadata"]["jupyter_pipe"]["role"] for each in made["cells"]]
    assert roles == ["replay", "parameters", "inputs", "cell", "outputs"]
    assert made["cells"][1]["source"] == "n = 2"


def test_a_package_without_the_parameter_is_stale() -> None:
    of = msgspec.structs.replace(stage("s"), parameters=("n",))
    with pytest.raises(ParameterError, match="no parameter n"):
        prepare_notebook({"cells": [cell("1")]}, of, inputs=[], literals={"n": "2"})


def test_a_line_of_replayed_code_is_a_line_of_the_users_cell() -> None:
    replay = cell(
        "import a\ndef f():\n    pass",
        "replay",
        source_cell="lead",
        lines=[[1, 1], [2, 10]],
    )
    assert source_position(replay, 1) == ("lead", 1)
    assert source_position(replay, 3) == ("lead", 11)


@pytest.mark.parametrize(
    ("source", "lines", "made", "made_lines"),
    [
        ("import a\nx = 1", [[1, 1], [2, 2]], "import a\nx = 1", [[1, 1], [2, 2]]),
        (
            "import a\ndef f():\n    pass\nx = 1",
            [[1, 3], [2, 5], [4, 8]],
            "#\n\nimport a\n\ndef f():\n    pass\n\nx = 1",
            [[3, 3], [5, 5], [8, 8]],
        ),
        # Two statements of one line: the second comes a line late.
        (
            "a = 1\nb = 2\nc = 3",
            [[1, 2], [2, 2], [3, 3]],
            "#\na = 1\nb = 2\nc = 3",
            [[2, 2], [3, 2], [4, 3]],
        ),
    ],
)
def test_replayed_code_runs_at_the_lines_of_the_users_cell(
    source: str, lines: list[list[int]], made: str, made_lines: list[list[int]]
) -> None:
    given = cell(source, "replay", source_cell="lead", lines=lines)
    ready = prepare_notebook({"cells": [given]}, stage("s"), inputs=(), literals={})
    replay = ready["cells"][0]
    assert replay["source"] == made
    assert replay["metadata"]["jupyter_pipe"]["lines"] == made_lines
    assert given["source"] == source


def test_a_parameters_cell_that_belongs_to_a_stage_is_edited_in_either_spelling() -> (
    None
):
    for tag in ("parameters", "pipeline-parameters"):
        own = cell("n = 1\nm = n")
        own["metadata"]["tags"] = [tag]
        of = msgspec.structs.replace(stage("s"), parameters=("n",))
        made = prepare_notebook({"cells": [own]}, of, inputs=(), literals={"n": "5"})
        assert made["cells"][1]["source"] == "n = 5\nm = n"


CELLS = [
    cell("def f(): 1 / 0", "replay", source_cell="lead", lines=[[1, 7]]),
    cell("f()", source_cell="c1"),
]


def test_a_failure_tells_of_the_users_code_alone() -> None:
    report = {
        "frames": [
            {"cell": 1, "line": 1, "function": "<module>", "source": "f()"},
            {"cell_id": "made", "line": 3, "function": "fit", "source": "return f()"},
            {"cell": 0, "line": 1, "function": "f", "source": "def f(): 1 / 0"},
        ]
    }
    content = {
        "ename": "ZeroDivisionError",
        "evalue": "\x1b[31mdivision by zero\x1b[0m",
    }
    failure = cell_failure(CellPlace("s", CELLS, 1), content, report)
    assert failure.traceback == (
        "s, cell 1 of 1, line 1\n    f()\n"
        "cell made, line 3, in fit\n    return f()\n"
        "cell lead, line 7, in f\n    def f(): 1 / 0\n"
        "ZeroDivisionError: division by zero"
    )
    assert (failure.cell_id, failure.line, failure.position) == ("c1", 1, 1)


def test_without_frames_there_is_still_a_cell() -> None:
    failure = cell_failure(CellPlace("s", CELLS, 1), {"ename": "Odd", "evalue": ""}, {})
    assert (failure.cell_id, failure.traceback) == ("c1", "s, cell 1 of 1\nOdd")


def test_a_frame_in_another_cell_does_not_move_the_failure() -> None:
    report = {
        "frames": [
            {"cell": 0, "line": 1, "function": "__repr__", "source": "def f(): 1 / 0"}
        ]
    }
    failure = cell_failure(
        CellPlace("s", CELLS, 1), {"ename": "E", "evalue": ""}, report
    )
    assert (failure.cell_id, failure.position, failure.line) == ("c1", 1, None)
    assert "cell lead, line 7, in __repr__" in failure.traceback


@pytest.mark.parametrize(
    ("depth", "shown", "omitted"),
    [(12, 12, 0), (13, 12, 1), (70, 12, 58), (990, 12, 978)],
)
def test_of_a_recursion_the_beginning_and_the_end_are_shown(
    depth: int, shown: int, omitted: int
) -> None:
    frame = {"cell": 1, "line": 1, "function": "f", "source": "f()"}
    report = {"frames": [{**frame, "line": number} for number in range(depth)]}
    failure = cell_failure(
        CellPlace("s", CELLS, 1), {"ename": "RecursionError", "evalue": ""}, report
    )
    assert [found.omitted for found in failure.frames if found.omitted] == [omitted][
        : bool(omitted)
    ]
    assert len(failure.frames) == shown
    assert failure.line == depth - 1
    assert failure.traceback.count("… ") == bool(omitted)
    assert f"… {omitted} more" in failure.traceback or not omitted
    assert omitted_text(failure.frames[5]) == (f"… {omitted} more" if omitted else "")


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([1, *[2] * 900], [(1, 0), (2, 899)]),
        ([1, *[2, 3] * 300, 4], [(1, 0), (2, 0), (3, 598), (4, 0)]),
        ([1, 2, 2, 3], [(1, 0), (2, 0), (2, 0), (3, 0)]),
        (
            [*range(20), *[50] * 900],
            [
                *[(line, 0) for line in range(5)],
                (5, 9),
                *[(n, 0) for n in range(15, 20)],
                (50, 899),
            ],
        ),
    ],
    ids=[
        "one function",
        "a circle of two",
        "twice is no recursion",
        "behind a long way",
    ],
)
def test_the_frames_of_a_recursion_are_shown_once(
    lines: list[int], shown: list[tuple[int, int]]
) -> None:
    frames = [
        {"cell": 1, "line": line, "function": "f", "source": "f()"} for line in lines
    ]
    failure = cell_failure(
        CellPlace("s", CELLS, 1),
        {"ename": "RecursionError", "evalue": ""},
        {"frames": frames},
    )
    assert [(frame.line, frame.omitted) for frame in failure.frames] == shown
    assert len(shown) + sum(omitted for _, omitted in shown) == len(lines)


def test_very_long_messages_are_cut() -> None:
    content = {"ename": "E", "evalue": "x" * 100_000}
    failure = cell_failure(CellPlace("s", CELLS, 1), content, {})
    assert failure.evalue.endswith("x… (100,000 characters)")


@pytest.mark.parametrize(
    ("status", "memory", "kind", "words"),
    [
        (3, False, "kernel_died", "ended with status 3 in s, cell 1 of 1"),
        (-11, False, "kernel_died", "ended by signal 11 (SIGSEGV)"),
        (-9, True, "out_of_memory", "because memory ran out"),
    ],
)
def test_how_a_kernel_died(status: int, memory: bool, kind: str, words: str) -> None:
    failure = death_failure(CellPlace("s", CELLS, 1), status, memory_ran_out=memory)
    assert failure.kind.value == kind
    assert words in failure.evalue


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (90, "1 min 30 s"), (7500, "2 h 5 min")]
)
def test_how_long_was_too_long(seconds: float, text: str) -> None:
    failure = timeout_failure(CellPlace("s", CELLS, 1), seconds, None)
    assert failure.evalue == f"s, cell 1 of 1 was still running after {text}"
