"""Runs a notebook whole and as a pipeline, and names the first place where they part.

The notebook runs twice, under different hash seeds: what differs between these two
(times, memory addresses, unseeded draws) cannot be compared with anything, and is
listed. The pipeline runs from nothing, in a store of its own. A difference is believed
only after the notebook, run once more, has repeated its side of it. Nothing is left
behind but what the notebook itself writes.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from jupyter_pipe.compiler import Compiled, compile_notebook
from jupyter_pipe.engine import Target
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.errors import CompileError, RunError
from jupyter_pipe.events import FailureKind, RunState
from jupyter_pipe.model import Pipeline, Severity, from_json
from jupyter_pipe.notebook import read_content, read_notebook
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.verify.boundaries import Expected, read_digests, read_stored
from jupyter_pipe.verify.edited import EditedRuns
from jupyter_pipe.verify.groupings import random_grouping
from jupyter_pipe.verify.model import (
    Divergence,
    Refusal,
    Silence,
    Verdict,
    Verification,
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
from jupyter_pipe.verify.whole import WholeRun, run_whole

__all__ = ["verify"]

_LATE = frozenset({FailureKind.effect, FailureKind.cannot_travel})
"""Kinds and names of failures by which a run refuses what the compiler could not know:
they say why."""
_ELSEWHERE = (
    "every value that the stages hand on is the notebook's: look at what else the cell sees, such as "
    "files, random generators, options, the working directory, or state inside of modules"
)


def verify(
    path: Path,
    *,
    groupings: int = 0,
    edits: int = 0,
    seed: int | None = None,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> Verification:
    """Compare the notebook at `path` with its pipeline, and with `groupings` random
    regroupings.

    After each of `edits` random edits of what it reads, in a copy of its folder, the
    pipeline with its cache is compared with a fresh run of the notebook.

    Raises NotebookError, CompileError (for the notebook's own stages), KernelError,
    RunError where the notebook itself fails, and KeyboardInterrupt.
    """
    # Drawn anew each time, and told, so that what is found can be repeated.
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-verify-") as scratch:
        return _Comparison(path, Path(scratch), workers, watcher or Silence()).all(
            groupings, edits, seed
        )


class _Comparison:
    """`unstable` are cells, `unstable_values` stages and variables that the notebook
    does not repeat."""

    def __init__(
        self, path: Path, scratch: Path, workers: int | None, watcher: Watcher
    ) -> None:
        self.path = path
        self.scratch = scratch
        self.workers = workers
        self.watcher = watcher
        self.content = read_content(path)
        self.notebook = read_notebook(path, self.content)
        self.numbers = {cell.id: cell.number for cell in self.notebook.code_cells}
        self.whole = WholeRun({}, {})
        self.unstable: set[str] = set()
        self.unstable_values: set[tuple[str, str]] = set()

    def all(self, groupings: int, edits: int, seed: int) -> Verification:
        compiled = compile_notebook(self.path, content=self.content)
        self.whole = self._run_whole(compiled.pipeline, "top to bottom", SEEDS[0])
        again = self._run_whole(
            compiled.pipeline, "again, with another order of sets", SEEDS[1]
        )
        self._note_unstable(again)
        self.unstable_values.update(
            (stage, name)
            for stage, digests in self.whole.digests.items()
            for name, digest in digests.items()
            # Under another order of sets, or drawn anew.
            if again.digests[stage].get(name) != digest
        )
        verdicts = []
        for verdict in chain(
            self._verdicts(compiled, groupings, seed), self._after_edits(edits, seed)
        ):
            self.watcher.decided(verdict)
            verdicts.append(verdict)
        return Verification(
            str(self.path),
            seed,
            len(self.whole.outputs) - len(self.unstable),
            tuple(
                sorted(
                    number for one in self.unstable if (number := self.numbers.get(one))
                )
            ),
            tuple(verdicts),
        )

    def _after_edits(self, edits: int, seed: int) -> Iterator[Verdict]:
        if edits:
            runs = EditedRuns(
                self.path, self.scratch, self.workers, self.watcher, self.unstable
            )
            yield from runs.verdicts(edits, seed)

    def _note_unstable(self, again: WholeRun) -> None:
        outputs = self.whole.outputs
        self.unstable.update(
            one for one in outputs if again.outputs.get(one) != outputs[one]
        )

    def _note_chance(
        self, pipeline: Pipeline, found: dict[str, Outputs], again: WholeRun
    ) -> None:
        """Outputs that agree in all runs of the notebook by chance: they depend on a
        value that does not."""
        once = self._run_whole(
            pipeline, "once more, to see which values it repeats", SEEDS[0]
        )
        self._note_unstable(once)
        loose = {
            (stage, name)
            for stage, digests in again.digests.items()
            for name, digest in digests.items()
            if once.digests.get(stage, {}).get(name) != digest
        }
        for stage in pipeline.stages:
            if any((value.from_, value.name) in loose for value in stage.inputs):
                loose.update((stage.name, name) for name in stage.outputs)
                self.unstable.update(
                    cell
                    for cell in stage.cells
                    if found.get(cell) != self.whole.outputs.get(cell)
                )
        self.unstable_values.update(loose)

    def _verdicts(
        self, compiled: Compiled, groupings: int, seed: int
    ) -> Iterator[Verdict]:
        yield self._compare("its pipeline", 0, compiled)
        for number in range(1, groupings + 1):
            content = random_grouping(self.content, random.Random(f"{seed}/{number}"))  # noqa: S311 - no secret
            try:
                regrouped = compile_notebook(self.path, content=content)
            except CompileError as error:
                yield Verdict(number, 0, refusal=_refusal(error))
                # A refusal is an answer: the compiler says why this grouping cannot
                # keep its promise.
                continue
            yield self._compare(f"grouping {number} of {groupings}", number, regrouped)

    def _run_whole(
        self, pipeline: Pipeline, manner: str, seed: int, stored: Expected | None = None
    ) -> WholeRun:
        self.watcher.begins(f"the notebook, {manner}")
        try:
            return run_whole(
                self.notebook,
                pipeline,
                folder=Path(tempfile.mkdtemp(prefix="whole-", dir=self.scratch)),
                workdir=self.path.resolve().parent,
                environment={**os.environ, "PYTHONHASHSEED": str(seed)},
                watcher=self.watcher,
                stored=stored,
            )
        except StageFailure as error:
            failure = error.failure
            line = f", line {failure.line}" if failure.line is not None else ""
            when = " a second time" if self.whole.outputs else ""
            raise RunError(
                f"The notebook itself does not run top to bottom{when}: {failure.ename}: {failure.evalue} "
                f"(cell {self.numbers.get(failure.cell_id or '')}{line}).",
                code="notebook_fails",
                hint="Make it run with Restart & Run All first"
                + (
                    ", and do so twice: a file that its first run left may be in the way."
                    if when
                    else "."
                ),
                cell_id=failure.cell_id,
            ) from None

    def _compare(self, name: str, grouping: int, compiled: Compiled) -> Verdict:
        """The verdict over one grouping of cells; raises KeyboardInterrupt if its run
        was cancelled."""
        root = self.scratch / f"pipeline-{grouping}"
        stages = len(compiled.pipeline.stages)
        self.watcher.begins(f"{name}, {stages} {'stage' if stages == 1 else 'stages'}")
        run = self._run_pipeline(root, compiled)
        if run.state is RunState.cancelled:
            raise KeyboardInterrupt
        failures = (one.failure for one in run.stages if one.failure)
        refused = next(
            (
                one
                for one in failures
                # A random grouping may ask for what a run has to refuse; the notebook's
                # own must not.
                if one.kind in _LATE or one.ename == "DefinitionError"
            ),
            None,
        )
        if grouping and refused is not None:
            return Verdict(
                grouping, stages, refusal=Refusal((refused.ename,), refused.evalue)
            )
        return Verdict(grouping, stages, divergence=self._divergence(run, root))

    def _run_pipeline(self, root: Path, compiled: Compiled) -> Run:
        target = Target(
            compiled.pipeline,
            self.path.resolve(),
            RunStore(root),
            files=compiled.files,
        )
        return run_anew(target, workers=self.workers, watcher=self.watcher)

    def _divergence(self, run: Run, root: Path) -> Divergence | None:
        """The first difference that a second run of the notebook does not show as well;
        None without one."""
        folder = root / ".jupyter_pipe" / "runs" / run.run_id
        # The guard may have fixed the graph on the way.
        pipeline = from_json((folder / "pipeline.json").read_bytes(), Pipeline)
        found = _executed_outputs(folder, pipeline)
        parting = self._first_cell(pipeline, found)
        if (
            parting is None
            and run.state is RunState.succeeded
            and not self._values_differ(folder)
        ):
            return None
        stored = read_stored(root, folder, pipeline.stages)
        again = self._run_whole(pipeline, "once more, to look closer", SEEDS[0], stored)
        self._note_unstable(again)
        parting = self._first_cell(pipeline, found)
        # Outputs of stages that received such a value differ by chance, not by our
        # fault.
        if parting is not None and again.differences:
            self._note_chance(pipeline, found, again)
            parting = self._first_cell(pipeline, found)
        if parting is not None:
            stage, cell_id = parting
            warned = _warnings(pipeline, cell_id)
            return self._output_divergence(
                stage, cell_id, found.get(cell_id), run, again, warned
            )
        if run.state is not RunState.succeeded:
            return failure_divergence(run)
        return value_divergence(again.differences, self.unstable_values)

    def _first_cell(
        self, pipeline: Pipeline, found: dict[str, Outputs]
    ) -> tuple[str, str] | None:
        """Stage and cell where outputs first differ."""
        owners = {
            cell_id: stage.name for stage in pipeline.stages for cell_id in stage.cells
        }
        for cell_id, expected in self.whole.outputs.items():
            if (
                cell_id in owners
                and cell_id not in self.unstable
                and found.get(cell_id) != expected
            ):
                return owners[cell_id], cell_id
        return None

    def _values_differ(self, folder: Path) -> bool:
        """Whether a value at the end of one of the notebook's own stages has another
        digest."""
        return any(
            (stage, name) not in self.unstable_values
            # A name that the pipeline did not store is not compared.
            and stored.get(name, digest) != digest
            for stage, digests in self.whole.digests.items()
            for stored in [read_digests(folder / "stages" / stage / "result.json")]
            for name, digest in digests.items()
        )

    def _output_divergence(
        self,
        stage: str,
        cell_id: str,
        found: Outputs | None,
        run: Run,
        again: WholeRun,
        warned: str,
    ) -> Divergence:
        """Explains an output that differs: a stage that failed or never ran, or the
        first variable."""
        before, after = describe_difference(self.whole.outputs[cell_id], found or ())
        made = partial(
            Divergence,
            stage,
            before,
            after,
            cell_id=cell_id,
            cell=self.numbers.get(cell_id),
        )
        first = next(iter(again.differences), None)
        failure = run.stage(stage).failure
        if failure is not None and (not found or failure.cell_id == cell_id):
            return made(f"stage {stage} failed with {failure.ename}: {failure.evalue}")
        if found is None:
            return made(
                f"stage {stage} was {run.stage(stage).state.value}{_first_failure(run)}"
            )
        if first is None:
            return made(warned or _ELSEWHERE)
        return made(already_different(first), variable=first.path)


def _refusal(error: CompileError) -> Refusal:
    errors = [found for found in error.diagnostics if found.severity is Severity.error]
    codes = tuple(sorted({found.code for found in errors}))
    return Refusal(codes, errors[0].message if errors else error.message)


def _warnings(pipeline: Pipeline, cell_id: str) -> str:
    """What the compiler had said about the cell."""
    found = (one for one in pipeline.diagnostics if one.cell_id == cell_id)
    return "; ".join(f"the compiler warned, {one.code}: {one.message}" for one in found)


def _executed_outputs(folder: Path, pipeline: Pipeline) -> dict[str, Outputs]:
    found: dict[str, Outputs] = {}
    for stage in pipeline.stages:
        path = folder / "stages" / stage.name / "executed.ipynb"
        if path.exists():
            found.update(cell_outputs(json.loads(path.read_bytes())))
    return found


def _first_failure(run: Run) -> str:
    found = (
        (stage.name, stage.failure) for stage in run.stages if stage.failure is not None
    )
    return next(
        (
            f", since {name} failed with {one.ename}: {one.evalue}"
            for name, one in found
        ),
        "",
    )
