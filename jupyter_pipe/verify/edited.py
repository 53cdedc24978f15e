"""The pipeline with its cache beside fresh runs of the notebook, while what the
notebook reads is edited.

Works on two copies of the notebook's folder, one for either, which take the same place
in turn, so that what the notebook prints about paths is the same. The notebook's own
folder is only read.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from jupyter_pipe.engine import RunRequest, run_pipeline
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.targets import Target, open_target
from jupyter_pipe.errors import CompileError, RunError
from jupyter_pipe.events import RunState, StageState
from jupyter_pipe.model import Pipeline
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.runs.model import Run, RunOptions
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.verify.boundaries import read_observations
from jupyter_pipe.verify.edits import Edit, inputs_of, random_edit
from jupyter_pipe.verify.model import Divergence, Refusal, Verdict, Watcher
from jupyter_pipe.verify.outputs import Outputs, cell_outputs, describe_difference
from jupyter_pipe.verify.whole import run_whole

__all__ = ["EditedRuns", "copy_folder"]

# Two copies are made, and a disk has to hold both.
_LARGEST_BYTES = 4 << 30
_LEFT_OUT = (
    ".jupyter_pipe",
    "__pycache__",
    ".ipynb_checkpoints",
    ".git",
    "node_modules",
)
_CAUSE = (
    "an earlier result was reused though something that the cell depends on has changed, and was not noted: "
    "declare it with reads:PATH, or do not reuse the stage (cache:off)"
)


def copy_folder(source: Path, target: Path) -> None:
    """A copy without what tools keep there. Raises RunError if the folder is too large
    to be copied."""
    total = 0
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if not _is_left_out(folder, name)]
        # `lstat`: links are copied as links, and their targets take no space.
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in files)
        if total > _LARGEST_BYTES:
            raise RunError(
                f"The folder {source} holds more than {_LARGEST_BYTES >> 30} GB: too much to copy for edits.",
                hint="Copy the notebook and a part of its data into another folder, and verify it there.",
            )

    def left_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if _is_left_out(folder, name)]

    shutil.copytree(source, target, symlinks=True, ignore=left_out)


def _is_left_out(folder: str, name: str) -> bool:
    # A virtual environment is known by this file, whatever it is called.
    return name in _LEFT_OUT or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


class EditedRuns:
    """`unstable` are cells that the notebook itself does not repeat."""

    def __init__(
        self,
        path: Path,
        scratch: Path,
        workers: int | None,
        watcher: Watcher,
        unstable: set[str],
    ) -> None:
        self._name = path.name
        self._scratch = scratch
        self._here = scratch / "edited"
        self._options = RunOptions(workers=workers)
        self._watcher = watcher
        self._unstable = unstable
        # The same hashes on both sides, or sets would print in other orders.
        self._environment = {**os.environ, "PYTHONHASHSEED": "0"}
        self._folders = {
            name: scratch / f"edited-{name}" for name in ("whole", "parts")
        }
        self._runs = 0
        for folder in self._folders.values():
            copy_folder(path.resolve().parent, folder)

    def verdicts(self, edits: int, seed: int) -> Iterator[Verdict]:
        """One for each edit, which are made one after the other."""
        # A sequence of its own: the groupings of the same seed stay what they are.
        chance = random.Random(f"{seed}/edits")  # noqa: S311 - no secret
        self._watcher.begins("the notebook and its pipeline in a copy of the folder")
        target, run = self._pipeline()
        # The pipeline's copy has run once; so has the notebook's now, with the files
        # that a run leaves.
        self._whole(target.pipeline)
        for number in range(1, edits + 1):
            with self._in_place("parts") as folder:
                observed = read_observations(
                    _folder_of(target, run), target.pipeline.stages
                )
                edit = random_edit(inputs_of(observed), folder, chance)
            # Nothing that the notebook read can be edited.
            if edit is None:
                return
            self._watcher.begins(f"edit {number} of {edits}: {edit.text}")
            self._make(edit)
            try:
                target, run = self._pipeline()
            except CompileError as error:
                yield Verdict(
                    0, 0, refusal=Refusal(("compile",), error.message), edit=edit.text
                )
                return
            found = self._outputs(target, run)
            divergence = self._compare(target, run, found)
            # What was reused is `cached`.
            ran = sum(stage.state is StageState.succeeded for stage in run.stages)
            yield Verdict(
                0, len(run.stages), divergence=divergence, edit=edit.text, reran=ran
            )

    def _make(self, edit: Edit) -> None:
        for folder in self._folders.values():
            edit.make(folder)
        for name, value in edit.variables.items():
            self._environment.pop(name, None)
            if value is not None:
                self._environment[name] = value

    @contextmanager
    def _in_place(self, name: str) -> Iterator[Path]:
        self._folders[name].rename(self._here)
        try:
            yield self._here
        finally:
            self._here.rename(self._folders[name])

    def _pipeline(self) -> tuple[Target, Run]:
        with self._in_place("parts") as folder:
            target = open_target(folder / self._name)
            request = RunRequest(
                target, self._options, environment=self._environment, trigger="verify"
            )
            return target, _not_cancelled(run_pipeline(request))

    def _outputs(self, target: Target, run: Run) -> dict[str, Outputs]:
        with self._in_place("parts"):
            return _executed_outputs(_folder_of(target, run), target.pipeline)

    def _whole(self, pipeline: Pipeline) -> Mapping[str, Outputs] | None:
        """What the cells of a fresh run showed, None if it fails."""
        self._runs += 1
        with self._in_place("whole") as folder:
            try:
                return run_whole(
                    read_notebook(folder / self._name),
                    _without_values(pipeline),
                    folder=self._scratch / f"edited-run-{self._runs}",
                    workdir=folder,
                    environment=self._environment,
                    watcher=self._watcher,
                ).outputs
            except StageFailure:
                return None

    def _compare(
        self, target: Target, run: Run, found: Mapping[str, Outputs]
    ) -> Divergence | None:
        """Where the incremental run parts from the whole notebook; None if they agree
        or fail alike."""
        expected = self._whole(target.pipeline)
        failed = run.state is not RunState.succeeded
        if expected is None or failed:
            # Failing on both sides is agreement: the edit broke what the notebook
            # needs.
            return None if (expected is None) == failed else _failure(run, failed)
        parting = self._first(target.pipeline, expected, found)
        if parting is None:
            return self._missing_file(target)
        # A cell that differs from itself, as one that prints the time, proves nothing.
        again = self._whole(target.pipeline) or {}
        self._unstable.update(
            cell for cell in expected if again.get(cell) != expected[cell]
        )
        parting = self._first(target.pipeline, expected, found)
        return (
            _divergence(self._numbers(), parting, expected, found) if parting else None
        )

    def _first(
        self,
        pipeline: Pipeline,
        expected: Mapping[str, Outputs],
        found: Mapping[str, Outputs],
    ) -> tuple[str, str] | None:
        owners = {cell: stage.name for stage in pipeline.stages for cell in stage.cells}
        for cell, shown in expected.items():
            if (
                cell in owners
                and cell not in self._unstable
                and found.get(cell, ()) != shown
            ):
                return owners[cell], cell
        return None

    def _missing_file(self, target: Target) -> Divergence | None:
        whole, parts = (_names(self._folders[name]) for name in ("whole", "parts"))
        # One way only: the pipeline may leave more, such as a file that a stage had
        # made before the edit.
        missing = sorted(whole - parts)
        if not missing:
            return None
        last = target.pipeline.stages[-1].name
        return Divergence(last, f"{missing[0]} is there", "it is missing", _CAUSE)

    def _numbers(self) -> dict[str, int | None]:
        cells = read_notebook(self._folders["whole"] / self._name).code_cells
        return {cell.id: cell.number for cell in cells}


def _folder_of(target: Target, run: Run) -> Path:
    return target.store.folder(run.run_id).path


def _not_cancelled(run: Run) -> Run:
    if run.state is RunState.cancelled:
        # The run took the signal; the command has to end as if it had come to it.
        raise KeyboardInterrupt
    return run


def _without_values(pipeline: Pipeline) -> Pipeline:
    """Nothing is stored where its stages end: only what cells show is compared."""
    return replace(
        pipeline, stages=tuple(replace(stage, outputs=()) for stage in pipeline.stages)
    )


def _executed_outputs(folder: Path, pipeline: Pipeline) -> dict[str, Outputs]:
    found: dict[str, Outputs] = {}
    for stage in pipeline.stages:
        path = RunFolder(folder).executed(stage.name)
        if path.exists():
            found.update(cell_outputs(json.loads(path.read_bytes())))
    return found


def _names(folder: Path) -> set[str]:
    found = set()
    for path, names, files in os.walk(folder):
        names[:] = [name for name in names if not _is_left_out(path, name)]
        found |= {os.path.relpath(os.path.join(path, name), folder) for name in files}
    return found


def _failure(run: Run, failed: bool) -> Divergence:
    if not failed:
        last = run.stages[-1].name
        return Divergence(last, "the notebook fails", "the pipeline succeeds", _CAUSE)
    broken = next(
        (stage for stage in run.stages if stage.failure is not None), run.stages[-1]
    )
    failure = broken.failure
    shown = f"{failure.ename}: {failure.evalue}" if failure else broken.state.value
    return Divergence(
        broken.name, "(no error)", shown, "the stage fails, and the notebook does not"
    )


def _divergence(
    numbers: Mapping[str, int | None],
    parting: tuple[str, str],
    expected: Mapping[str, Outputs],
    found: Mapping[str, Outputs],
) -> Divergence:
    stage, cell = parting
    before, after = describe_difference(expected[cell], found.get(cell, ()))
    return Divergence(
        stage, before, after, _CAUSE, cell_id=cell, cell=numbers.get(cell)
    )
