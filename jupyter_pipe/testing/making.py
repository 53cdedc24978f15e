"""Golden files and a file of tests, made from a run that has succeeded.

Loads the values of the run, calls its stages in this process and writes beside the
notebook. Raises PipeError.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.engine import Target, open_target
from jupyter_pipe.engine.scheduling.kernel_definitions import known_definitions
from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.events import RunState
from jupyter_pipe.model import Stage
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.runs.data.files import files_of
from jupyter_pipe.runs.data.observations import read_observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.scoring.columns import to_records
from jupyter_pipe.scoring.model import ScoringRefusedError
from jupyter_pipe.scoring.notebooks import scorer_of_run
from jupyter_pipe.scoring.proving.proofs import take
from jupyter_pipe.testing.cutting import copy_file
from jupyter_pipe.testing.keeping import GOLDEN, INPUT_FILES, Golden, dump_inputs
from jupyter_pipe.testing.notebook import NotebookUnderTest
from jupyter_pipe.testing.sampling import MOST_ROWS, sample_inputs
from jupyter_pipe.testing.trying import Behaviour, Outcome, find_behaviour
from jupyter_pipe.testing.writing import Subject, text_of_tests

__all__ = ["Made", "file_of_tests", "golden_folder", "make_tests"]

# Of all files that the tests would need in the repository.
_MOST_BYTES = 20_000_000
# Rows of the table, spread evenly over it.
_SCORED_ROWS = 20


@dataclass(frozen=True)
class Made:
    """What was written. `cut` are files of which golden files hold the beginning,
    `untested` stages without a test of their own, with the reason."""

    file: Path
    golden: Path
    cut: tuple[str, ...]
    untested: Mapping[str, str]


def file_of_tests(notebook: Path) -> Path:
    """Where the tests of a notebook are: beside it."""
    return notebook.with_name(f"test_{notebook_name(notebook)}.py")


def golden_folder(notebook: Path) -> Path:
    """Where its golden files are: beside it, too."""
    return notebook.with_name(f"{notebook_name(notebook)}_golden")


def make_tests(notebook: Path, run: Run, *, cut: bool = True) -> Made:
    """Write the file of tests and the golden inputs. What must come out is accepted by
    running it.

    `cut` shortens long tables among the files that the notebook reads.
    """
    target = open_target(notebook)
    _require_usable(target, run)
    golden = golden_folder(notebook)
    if golden.is_symlink():
        raise RunError(
            f"{golden.name} is a symbolic link: golden files would be written somewhere else.",
            code="root_linked",
            hint="Remove the link.",
        )
    golden.mkdir(exist_ok=True)
    was_cut = _write_files(target, run, golden, cut=cut)
    _write_facts(target, run, golden)
    stages, untested = _try_stages(target, run, golden)
    subject = Subject(
        notebook=notebook.name,
        run_id=run.run_id,
        golden=golden.name,
        stages=stages,
        untested=untested,
        takes={
            stage.name: [each.name for each in stage.inputs]
            for stage in target.pipeline.stages
        },
        gives={stage.name: stage.outputs for stage in target.pipeline.stages},
        has_metrics=bool(run.metrics),
        has_gates=any(stage.gates for stage in run.stages),
        has_model=bool(_read_facts(golden).rows),
    )
    replace_file(file_of_tests(notebook), text_of_tests(subject).encode())
    return Made(file_of_tests(notebook), golden, was_cut, untested)


def _require_usable(target: Target, run: Run) -> None:
    """Golden is what the notebook gives as it is now, so the run must be one of it."""
    again = f"Run it, then make its tests: jupyter pipe run {target.notebook.name}"
    if run.state is not RunState.succeeded:
        raise RunError(
            f"Run {run.run_id} did not succeed.", code="run_damaged", hint=again
        )
    if (
        target.store.read_pipeline(run.run_id).source.digest
        != target.pipeline.source.digest
    ):
        message = f"{target.notebook.name} has changed since run {run.run_id}."
        raise RunError(message, code="run_outdated", hint=again)
    missing = {stage.name for stage in target.pipeline.stages} - {
        stage.name for stage in run.stages
    }
    if missing:
        message = f"Run {run.run_id} is one of some stages only; {sorted(missing)[0]} is missing."
        raise RunError(message, code="run_damaged", hint=again)


# What stages read from disk


def _write_files(
    target: Target, run: Run, golden: Path, *, cut: bool
) -> tuple[str, ...]:
    """Copy what the pipeline reads into `files`, and what a stage reads of another one
    into `STAGE/files`."""
    folder, home = target.store.folder(run.run_id), target.notebook.parent
    sources = [each.path for each in files_of(folder, run) if _is_data(home, each.path)]
    size = sum((home / name).stat().st_size for name in sources)
    if not cut and size > _MOST_BYTES:
        raise PipeError(
            f"{target.notebook.name} reads {size / 1e6:,.0f} MB from disk: too much for tests.",
            code="tests_impossible",
            hint="Give the notebook a parameter for a smaller input, and make the tests from a run with it.",
        )
    shutil.rmtree(golden / INPUT_FILES, ignore_errors=True)
    shortened = [
        name
        for name in sources
        if copy_file(home / name, golden / INPUT_FILES / name, cut=cut)
    ]
    for stage, observed in read_observations(folder, run):
        shutil.rmtree(golden / stage, ignore_errors=True)
        read = {each.path for each in observed.read if each.aspect == "content"}
        _copy_files(home, golden / stage / "files", read - {*sources})
    return tuple(shortened)


def _copy_files(home: Path, folder: Path, names: set[str]) -> None:
    for name in sorted(names):
        if _is_data(home, name):
            copy_file(home / name, folder / name, cut=False)


def _is_data(home: Path, name: str) -> bool:
    """A file below the notebook's folder that is no module: of modules, tests use those
    of today."""
    inside = not Path(name).is_absolute() and ".." not in Path(name).parts
    return inside and not name.endswith(".py") and (home / name).is_file()


# What is known of the run


def _write_facts(target: Target, run: Run, golden: Path) -> None:
    """`golden.json`: what the tests must know of the run."""
    folder, home = target.store.folder(run.run_id), target.notebook.parent
    modules = {
        each.path
        for _, observed in read_observations(folder, run)
        for each in observed.modules
        if not Path(each.path).is_absolute()
        and ".." not in Path(each.path).parts
        and (home / each.path).is_file()
    }
    facts = Golden(
        run_id=run.run_id,
        parameters={
            each.name: each.value for each in run.facts.parameters if each.changed
        },
        modules=tuple(sorted(modules)),
        rows=_rows_to_score(target, run),
    )
    text = msgspec.json.format(msgspec.json.encode(facts), indent=2)
    (golden / GOLDEN).write_bytes(text + b"\n")


def _read_facts(golden: Path) -> Golden:
    return msgspec.json.decode((golden / GOLDEN).read_bytes(), type=Golden)


def _rows_to_score(target: Target, run: Run) -> tuple[dict[str, Any], ...]:
    """Raw rows of the run, evenly spread; none where the notebook has no scorer."""
    try:
        scorer, rows = scorer_of_run(target, run)
    except ScoringRefusedError:
        return ()
    size = len(rows)
    chosen = take(
        rows, [place * size // _SCORED_ROWS for place in range(min(size, _SCORED_ROWS))]
    )
    return tuple(to_records(chosen, scorer.form))


# What stages do


def _try_stages(
    target: Target, run: Run, golden: Path
) -> tuple[dict[str, Behaviour], dict[str, str]]:
    """Write the inputs of each stage, and see what it does with them and with
    others."""
    found: dict[str, Behaviour] = {}
    untested: dict[str, str] = {}
    values = _RunValues(target, run)
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-tests-") as folder:
        notebook = NotebookUnderTest(target.notebook, golden, Path(folder))
        for stage in target.pipeline.stages:
            inputs = values.inputs(stage)
            behaviour = _try_stage(notebook, golden, stage.name, inputs)
            if behaviour.outcome.error is None:
                found[stage.name] = behaviour
            else:
                name, message = (
                    behaviour.outcome.error.__name__,
                    behaviour.outcome.message,
                )
                untested[stage.name] = (
                    f"called as a function it stops. {name}: {message}"
                )
    return found, untested


def _try_stage(
    notebook: NotebookUnderTest, golden: Path, stage: str, inputs: dict[str, Any]
) -> Behaviour:
    """With a sample of the inputs; with all of them, where the stage does not take the
    sample."""

    def call(given: dict[str, Any]) -> dict[str, Any]:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            return notebook.call(stage, **given)

    # A sample need not make sense: a position in a list may lie beyond its end.
    path = golden / stage / "inputs.pickle"
    path.parent.mkdir(parents=True, exist_ok=True)
    behaviour = Behaviour(Outcome())
    for most in (MOST_ROWS, 1_000_000):
        path.write_bytes(dump_inputs(sample_inputs(inputs, most)))
        behaviour = find_behaviour(call, lambda: notebook.inputs(stage))
        if behaviour.outcome.error is None:
            break
    return behaviour


class _RunValues:
    """The values that stages of a run handed on, loaded when they are asked for."""

    def __init__(self, target: Target, run: Run) -> None:
        self._run = run
        self._pipeline = target.store.read_pipeline(run.run_id)
        self._store = Store(target.store.state_folder)
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._loaded: dict[str, dict[str, Any]] = {}

    def inputs(self, stage: Stage) -> dict[str, Any]:
        """Raises ArtifactError for values that are not there any more."""
        return {each.name: self._find(each.from_, each.name) for each in stage.inputs}

    def _find(self, stage: str, name: str) -> Any:
        for written in self._run.stage(stage).artifacts:
            if name in written.names:
                return self._load(stage, written.artifact)[name]
        return None

    def _load(self, stage: str, artifact: str) -> dict[str, Any]:
        if artifact not in self._loaded:
            definitions = known_definitions(self._pipeline, self._pipeline.stage(stage))
            self._loaded[artifact] = self._store.load(
                artifact, definitions=definitions, namespace=self._names
            )
        return self._loaded[artifact]
