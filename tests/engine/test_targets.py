"""What a run that continues another takes over from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.engine import RunRequest
from jupyter_pipe.engine.targets import (
    Target,
    open_earlier,
    open_target,
    options_to_resume,
    request_to_resume,
)
from jupyter_pipe.errors import NotebookError, ParameterError, RunError, UntrustedError
from jupyter_pipe.events import StageState
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs import (
    ParameterValue,
    Run,
    RunFacts,
    RunOptions,
    RunStore,
    StageRun,
)
from jupyter_pipe.runs.parameters import resumed_parameters
from jupyter_pipe.trust.signatures import unsigned
from tests.engine.packages import Package

# a -> b -> c, and d by itself
FLOW = (
    Package()
    .stage("a", "x = 1", binds="x")
    .stage("b", "y = x", reads="x", binds="y")
    .stage("c", "y", reads="y")
    .stage("d", "1")
)


def earlier(
    options: RunOptions, *, ended: str, stages: str = "a b c d", **facts: str
) -> Run:
    """A run of `stages`, of which those in `ended` succeeded."""
    done = {
        name: StageState.succeeded if name in ended.split() else StageState.failed
        for name in "abcd"
    }
    return Run(
        run_id="r",
        stages=tuple(StageRun(name, state=done[name]) for name in stages.split()),
        facts=RunFacts(options=options, **facts),
    )


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(strict=True),
        RunOptions(workers=3, kernels="fresh"),
        RunOptions(executor="dask", scheduler="tcp://s:1"),
        RunOptions(keep_going=True),
    ],
)
def test_how_a_run_was_asked_to_run_stays(options: RunOptions) -> None:
    assert options_to_resume(FLOW.pipeline, earlier(options, ended="a")) == options


def test_trust_was_for_that_once() -> None:
    assert not options_to_resume(
        FLOW.pipeline, earlier(RunOptions(trust=True), ended="a")
    ).trust


@pytest.mark.parametrize(
    ("options", "ended", "again"),
    [
        (RunOptions(force=("a", "c")), "a", ("c",)),
        (RunOptions(from_=("b",)), "a", ("b", "c")),
        (RunOptions(from_=("b",)), "a b", ("c",)),
        (RunOptions(from_=("b",), force=("d",)), "a b c", ("d",)),
        (RunOptions(from_=("gone",)), "a", ()),
        (RunOptions(force_all=True), "a b", ("c", "d")),
        (RunOptions(use_cache=False), "a d", ("b", "c")),
    ],
)
def test_only_what_was_not_finished_runs_regardless_again(
    options: RunOptions, ended: str, again: tuple[str, ...]
) -> None:
    resumed = options_to_resume(FLOW.pipeline, earlier(options, ended=ended))
    assert resumed == RunOptions(force=again)


def test_the_same_stages_take_part() -> None:
    resumed = options_to_resume(
        FLOW.pipeline, earlier(RunOptions(targets=("b",)), ended="a", stages="a b")
    )
    assert resumed.targets == ("a", "b")


def test_place_and_results_come_from_the_earlier_run(tmp_path: Path) -> None:
    run = earlier(RunOptions(), ended="a b", workdir=str(tmp_path))
    request = RunRequest(
        Target(FLOW.pipeline, tmp_path / "p.ipynb", RunStore(tmp_path))
    )
    resumed = request_to_resume(request, run)
    assert (resumed.workdir, resumed.resumed_from) == (tmp_path, "r")
    assert resumed.resumed_stages == ("a", "b")


def test_a_record_that_does_not_say_what_ran(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.create(FLOW.pipeline, RunFacts(), run_id="r").close()  # signed
    with pytest.raises(RunError, match="does not say what it ran"):
        open_earlier(Run(run_id="r"), store)


def test_a_record_of_somebody_else_is_followed_only_if_trusted(tmp_path: Path) -> None:
    facts = RunFacts(notebook=str(tmp_path / "absent.ipynb"))
    store = RunStore(tmp_path)
    store.create(FLOW.pipeline, facts, run_id="r").close()
    record = store.folder("r").summary
    record.write_bytes(unsigned(record.read_bytes()))
    with pytest.raises(UntrustedError, match="not signed by you"):
        open_earlier(Run(run_id="r", facts=facts), store)
    with pytest.raises(NotebookError, match="absent"):
        open_earlier(Run(run_id="r", facts=facts), store, trust=True)


def test_a_folder_that_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"without pipeline\.json"):
        open_target(tmp_path)


def declared(type_: str = "any") -> Parameter:
    return Parameter("n", type_, default=1, literal="1")


@pytest.mark.parametrize(
    ("type_", "literal"),
    [
        ("int", "2"),
        ("float", 'float("inf")'),
        ("float", 'float("-inf")'),
        ("tuple", "(1, 2)"),
        ("set", "set()"),
        ("bytes", "b'x'"),
        ("any", "{'a': [1, None]}"),
    ],
)
def test_values_are_those_of_the_earlier_run(type_: str, literal: str) -> None:
    before = ParameterValue("n", literal, None, "command line", "1", type_)
    (resumed,) = resumed_parameters([declared(type_)], [before])
    assert (resumed.literal, resumed.origin) == (literal, "command line")


def test_the_notebook_is_read_anew() -> None:
    before = ParameterValue("n", "7", 7, "notebook", "7", "int")
    (resumed,) = resumed_parameters([declared()], [before])
    assert (resumed.literal, resumed.origin) == ("1", "notebook")


@pytest.mark.parametrize(
    "literal",
    [
        "__import__('os').system('true')",
        "1 + open('x')",
        "1\nimport os",
        "[" * 100_000,
        "",
        'float("1")',
        "'a'",
    ],
)
def test_a_record_is_never_evaluated(literal: str) -> None:
    before = ParameterValue("n", literal, None, "command line", "1", "int")
    with pytest.raises(ParameterError, match="'n' is of type int"):
        resumed_parameters([declared("int")], [before])
