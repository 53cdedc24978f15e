"""Runs several notebooks one after another, each from top to bottom in a kernel of its
own, and as the one pipeline that they are; names the first cell where they part.

As with a single notebook, what differs between two runs of the notebooks themselves is
listed and not compared, and a difference is believed only after the notebooks, run once
more, have repeated their side of it. What cells show is compared, and what stages hand
on. Shared values go from kernel to kernel as pickles, which have nothing in common with
what the pipeline does. Nothing is left behind but what the notebooks write.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.compiler.notebook_list import NotebookList
from jupyter_pipe.compiler.several import compile_several
from jupyter_pipe.engine import Target
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import RunState
from jupyter_pipe.model import JoinedNotebook, Notebook, Pipeline
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.runs.model import Failure, Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.verify.boundaries import Difference, Expected, read_stored
from jupyter_pipe.verify.model import (
    Divergence,
    JoinedVerification,
    Silence,
    Watcher,
)
from jupyter_pipe.verify.outputs import Outputs, cell_outputs, describe_difference
from jupyter_pipe.verify.pipelines import (
    SEEDS,
    already_different,
    failure_divergence,
    run_anew,
    value_divergence,
)
from jupyter_pipe.verify.whole import run_whole

__all__ = ["verify_together"]

_MANNERS = (
    "one after another",
    "again, with another order of sets",
    "once more, to look closer",
)
Cells = dict[tuple[str, str], Outputs]
"""By notebook and the cell's id, which other notebooks may have as well."""


class _Whole(Struct, frozen=True):
    """One run of all notebooks. `digests` by stage and variable, of the values when the
    stage's last cell has run; `differences` from what the pipeline stored."""

    cells: Cells
    digests: dict[tuple[str, str], str]
    differences: tuple[Difference, ...]


def verify_together(
    listed: NotebookList,
    *,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> JoinedVerification:
    """Compare the notebooks with their pipeline. Raises NotebookError, CompileError,
    KernelError, RunError where a notebook itself fails, and KeyboardInterrupt."""
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-verify-") as scratch:
        return _Comparison(listed, Path(scratch), workers, watcher or Silence()).all()


class _Comparison:
    """`unstable` are cells, `unstable_values` stages and variables that the notebooks
    do not repeat."""

    def __init__(
        self, listed: NotebookList, scratch: Path, workers: int | None, watcher: Watcher
    ) -> None:
        self.listed = listed
        self.scratch = scratch
        self.workers = workers
        self.watcher = watcher
        self.compiled = compile_several(listed)
        self.notebooks = {
            each.name: read_notebook(each.path) for each in listed.notebooks
        }
        self.unstable: set[tuple[str, str]] = set()
        self.unstable_values: set[tuple[str, str]] = set()

    @property
    def pipeline(self) -> Pipeline:
        return self.compiled.pipeline

    def all(self) -> JoinedVerification:
        """The verdict, with the cells that could not be compared."""
        whole = self._run_notebooks(0)
        again = self._run_notebooks(1)
        self._note_unstable(whole, again)
        self.unstable_values.update(
            value
            for value, digest in whole.digests.items()
            if again.digests.get(value) != digest
        )
        divergence, where = self._judge(whole), ""
        if divergence is not None:
            notebook = divergence.stage.partition(".")[0]
            where = self._place(notebook, divergence.cell_id)
        compared = [cell for cell in whole.cells if cell not in self.unstable]
        return JoinedVerification(
            tuple(str(each.path) for each in self.listed.notebooks),
            len(self.pipeline.stages),
            len(compared),
            tuple(self._place(*cell) for cell in whole.cells if cell in self.unstable),
            divergence,
            where,
        )

    def _judge(self, whole: _Whole) -> Divergence | None:
        """Run the pipeline. A cell that shows something else says more than a stage
        that fails, and that more than a value that nobody sees."""
        run, found, stored = self._run_pipeline()
        parting = self._first_difference(whole, found)
        differences: tuple[Difference, ...] = ()
        if parting is not None or self._values_differ(whole, stored):
            once = self._run_notebooks(2, stored)
            self._note_unstable(whole, once)
            parting = self._first_difference(whole, found)
            differences = once.differences
        if parting is not None:
            stage, cell = parting
            return self._divergence(stage, cell, whole, found, run, differences)
        return failure_divergence(run) or value_divergence(
            differences, self.unstable_values
        )

    def _run_notebooks(self, number: int, stored: Expected | None = None) -> _Whole:
        """Each in its own folder, with what earlier ones left for it."""
        left = Path(tempfile.mkdtemp(prefix="left-", dir=self.scratch))
        cells: Cells = {}
        digests: dict[tuple[str, str], str] = {}
        differences: list[Difference] = []
        for joined, each in zip(
            self.pipeline.notebooks, self.listed.notebooks, strict=True
        ):
            self.watcher.begins(f"{each.path.name}, {_MANNERS[number]}")
            try:
                run = run_whole(
                    self.notebooks[each.name],
                    replace(
                        self.pipeline, stages=self.pipeline.beside(f"{each.name}.")
                    ),
                    folder=Path(tempfile.mkdtemp(prefix="whole-", dir=self.scratch)),
                    workdir=each.folder,
                    environment={
                        **os.environ,
                        "PYTHONHASHSEED": str(SEEDS[number % 2]),
                    },
                    watcher=self.watcher,
                    stored=stored,
                    before=_taking(joined, left),
                    after=_leaving(joined, left),
                )
            except StageFailure as error:
                raise self._cannot_run(each.name, error.failure) from None
            cells |= {(each.name, cell): shown for cell, shown in run.outputs.items()}
            for stage, named in run.digests.items():
                digests |= {(stage, name): digest for name, digest in named.items()}
            differences += run.differences
        return _Whole(cells, digests, tuple(differences))

    def _cannot_run(self, notebook: str, failure: Failure) -> RunError:
        line = f", line {failure.line}" if failure.line is not None else ""
        return RunError(
            f"The notebooks themselves do not run one after another: {failure.ename}: {failure.evalue} "
            f"({self._place(notebook, failure.cell_id)}{line}).",
            code="notebook_fails",
            hint="Make each run with Restart & Run All first, in their order. Shared values have to be "
            "such that pickle can carry them.",
        )

    def _run_pipeline(self) -> tuple[Run, Cells, Expected]:
        """From nothing, in a store of its own."""
        stages = len(self.pipeline.stages)
        self.watcher.begins(f"their pipeline, {stages} stages")
        root = self.scratch / "pipeline"
        store = RunStore(root)
        target = Target(
            self.pipeline, self.listed.path, store, files=self.compiled.files
        )
        run = run_anew(target, workers=self.workers, watcher=self.watcher)
        if run.state is RunState.cancelled:
            raise KeyboardInterrupt
        found: Cells = {}
        for stage in self.pipeline.stages:
            path = store.folder(run.run_id).executed(stage.name)
            if path.exists():
                shown = cell_outputs(json.loads(path.read_bytes()))
                notebook = stage.name.partition(".")[0]
                # Stages are called `train.fit`, and cells belong to notebooks.
                found |= {(notebook, cell): each for cell, each in shown.items()}
        folder = store.folder(run.run_id).path
        return run, found, read_stored(root, folder, self.pipeline.stages)

    def _note_unstable(self, whole: _Whole, again: _Whole) -> None:
        self.unstable.update(
            cell
            for cell, shown in whole.cells.items()
            if again.cells.get(cell) != shown
        )

    def _values_differ(self, whole: _Whole, stored: Expected) -> bool:
        """Whether what a stage handed on has another digest than in its notebook."""
        for (stage, name), digest in whole.digests.items():
            ref = stored.stages[stage].get(name)
            is_compared = (stage, name) not in self.unstable_values
            if is_compared and ref is not None and ref.digest != digest:
                return True
        return False

    def _first_difference(
        self, whole: _Whole, found: Cells
    ) -> tuple[str, tuple[str, str]] | None:
        """The stage and the cell, in the order in which the notebooks would be run."""
        owners = {
            (stage.name.partition(".")[0], cell): stage.name
            for stage in self.pipeline.stages
            for cell in stage.cells
        }
        for cell, expected in whole.cells.items():
            is_compared = cell in owners and cell not in self.unstable
            if is_compared and found.get(cell) != expected:
                return owners[cell], cell
        return None

    def _divergence(
        self,
        stage: str,
        cell: tuple[str, str],
        whole: _Whole,
        found: Cells,
        run: Run,
        differences: tuple[Difference, ...],
    ) -> Divergence:
        expected, got = describe_difference(whole.cells[cell], found.get(cell, ()))
        ran = run.stage(stage)
        cause = "look at what the cell sees: files, values that other notebooks share, the environment"
        if ran.failure is not None:
            cause = (
                f"stage {stage} failed with {ran.failure.ename}: {ran.failure.evalue}"
            )
        elif cell not in found:
            cause = f"stage {stage} was {ran.state.value}"
        elif differences:
            cause = already_different(differences[0])
        return Divergence(stage, expected, got, cause, cell_id=cell[1])

    def _place(self, notebook: str, cell_id: str | None) -> str:
        """`train.ipynb, cell 3`."""
        read: Notebook = self.notebooks[notebook]
        name = Path(read.path).name
        numbers = {cell.id: cell.number for cell in read.code_cells}
        number = numbers.get(cell_id or "")
        return f"{name}, cell {number}" if number is not None else name


def _taking(joined: JoinedNotebook, left: Path) -> str:
    """Code that binds what earlier notebooks left; names share objects as they did
    there."""
    taken: dict[str, list[str]] = {}
    for name, notebook in joined.takes.items():
        taken.setdefault(notebook, []).append(name)
    return "\n".join(
        f"globals().update({{n: v for n, v in __import__('pickle').load(open({str(left / notebook)!r}, 'rb'))"
        f".items() if n in {names!r}}})"
        for notebook, names in taken.items()
    )


def _leaving(joined: JoinedNotebook, left: Path) -> str:
    """Code that keeps the shared values as they are at the notebook's end."""
    if not joined.shares:
        return ""
    return (
        f"__import__('pickle').dump({{n: globals()[n] for n in {list(joined.shares)!r}}}, "
        f"open({str(left / joined.name)!r}, 'wb'))"
    )
