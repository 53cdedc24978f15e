"""Runs a notebook whole and as a pipeline, and names the first place where they part.

The notebook runs twice, under different hash seeds: what differs between these two (times, memory
addresses, unseeded draws) cannot be compared with anything, and is listed. The pipeline runs from
nothing, in a store of its own. Nothing is left behind but what the notebook itself writes.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.compiler import Compiled, compile_notebook
from jupyter_pipe.engine import RunRequest, run_pipeline
from jupyter_pipe.engine.failures import StageFailure
from jupyter_pipe.errors import CompileError, RunError
from jupyter_pipe.events import RunState
from jupyter_pipe.model import Pipeline, from_json
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.runs.model import Run
from jupyter_pipe.verify.groupings import random_grouping
from jupyter_pipe.verify.outputs import Outputs, cell_outputs, describe_difference
from jupyter_pipe.verify.whole import WholeRun, run_whole

__all__ = ["Divergence", "Refusal", "Verdict", "Verification", "verify"]

_SEEDS = (0, 4711)


class Divergence(Struct, frozen=True):
    """Where pipeline and notebook part: a cell's outputs, or a variable at the end of a stage.

    `expected` is what the notebook has, `found` what the pipeline has, both shortened.
    """

    stage: str
    expected: str
    found: str
    cause: str
    cell_id: str | None = None
    cell: int | None = None
    variable: str | None = None


class Refusal(Struct, frozen=True):
    """The compiler does not accept the grouping, and says why."""

    codes: tuple[str, ...]
    message: str


class Verdict(Struct, frozen=True):
    """One grouping: equal if neither `divergence` nor `refusal`. `grouping` is 0 for the notebook's
    own stages."""

    grouping: int
    stages: int
    divergence: Divergence | None = None
    refusal: Refusal | None = None


class Verification(Struct, frozen=True):
    """`not_comparable` are numbers of cells whose outputs differ between two runs of the notebook;
    `compared` is the number of cells whose outputs were compared."""

    notebook: str
    seed: int
    compared: int
    not_comparable: tuple[int, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def is_equal(self) -> bool:
        """Whether the pipeline computes what the notebook computes. A refused random grouping is no
        difference: the compiler said so."""
        return all(verdict.divergence is None for verdict in self.verdicts)


def verify(
    path: Path,
    *,
    groupings: int = 0,
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Verification:
    """Compare the notebook at `path` with its pipeline, and with `groupings` random regroupings.

    Raises NotebookError, CompileError (for the notebook's own stages), KernelError, and RunError
    where the notebook itself fails.
    """
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-verify-") as scratch:
        return _Comparison(path, Path(scratch), workers, progress).all(groupings, seed)


class _Comparison:
    def __init__(
        self, path: Path, scratch: Path, workers: int | None, progress: Callable[[str], None]
    ) -> None:
        self.path = path
        self.scratch = scratch
        self.workers = workers
        self.progress = progress
        self.content = path.read_bytes()
        self.notebook = read_notebook(path, self.content)
        self.whole: WholeRun | None = None
        self.unstable: frozenset[str] = frozenset()
        self.unstable_values: frozenset[tuple[str, str]] = frozenset()

    def all(self, groupings: int, seed: int) -> Verification:
        compiled = compile_notebook(self.path, content=self.content)
        first = self._run_whole(compiled.pipeline, 0)
        second = self._run_whole(compiled.pipeline, 1)
        self.whole = first
        self.unstable = frozenset(
            cell_id for cell_id, outputs in first.outputs.items() if second.outputs.get(cell_id) != outputs
        )
        self.unstable_values = frozenset(
            (stage, name)
            for stage, digests in first.digests.items()
            for name, digest in digests.items()
            if second.digests.get(stage, {}).get(name) != digest
        )
        verdicts = [self._compare(0, compiled, first), *self._regrouped(groupings, seed)]
        numbers = {cell.id: cell.number for cell in self.notebook.code_cells}
        return Verification(
            str(self.path),
            seed,
            len(first.outputs) - len(self.unstable),
            tuple(sorted(number for cell_id in self.unstable if (number := numbers.get(cell_id)))),
            tuple(verdicts),
        )

    def _regrouped(self, groupings: int, seed: int) -> Iterator[Verdict]:
        for number in range(1, groupings + 1):
            content = random_grouping(self.content, random.Random(f"{seed}/{number}"))  # noqa: S311 - no secret
            try:
                compiled = compile_notebook(self.path, content=content)
            except CompileError as error:
                codes = tuple(sorted({found.code for found in error.diagnostics}))
                first = error.diagnostics[0].message if error.diagnostics else error.message
                yield Verdict(number, 0, refusal=Refusal(codes, first))
                continue
            yield self._compare(number, compiled, None)

    def _run_whole(self, pipeline: Pipeline, number: int) -> WholeRun:
        self.progress(f"running the notebook top to bottom, PYTHONHASHSEED={_SEEDS[number]}")
        try:
            return run_whole(
                self.notebook,
                pipeline,
                folder=self.scratch / f"whole-{number}",
                workdir=self.path.resolve().parent,
                hash_seed=_SEEDS[number],
                environment=os.environ,
            )
        except StageFailure as error:
            failure = error.failure
            raise RunError(
                f"The notebook itself does not run top to bottom: {failure.ename}: {failure.evalue} "
                f"(cell {self._number(failure.cell_id)}, line {failure.line}).",
                code="notebook_fails",
                hint="Make it run with Restart & Run All first.",
                cell_id=failure.cell_id,
            ) from None

    def _number(self, cell_id: str | None) -> int | None:
        return next((cell.number for cell in self.notebook.code_cells if cell.id == cell_id), None)

    def _compare(self, grouping: int, compiled: Compiled, whole: WholeRun | None) -> Verdict:
        stages = len(compiled.pipeline.stages)
        name = f"grouping {grouping}" if grouping else "the pipeline"
        self.progress(f"running {name}: {stages} stages")
        run = self._run_pipeline(grouping, compiled)
        root = self.scratch / f"pipeline-{grouping}"
        return Verdict(grouping, stages, divergence=self._divergence(compiled.pipeline, run, root, whole))

    def _run_pipeline(self, grouping: int, compiled: Compiled) -> Run:
        return run_pipeline(
            RunRequest(
                pipeline=compiled.pipeline,
                files=compiled.files,
                notebook=self.path.resolve(),
                root=self.scratch / f"pipeline-{grouping}",
                workers=self.workers,
                use_cache=False,
                environment={**os.environ, "PYTHONHASHSEED": str(_SEEDS[0])},
                trigger="verify",
            )
        )

    def _divergence(
        self, pipeline: Pipeline, run: Run, root: Path, whole: WholeRun | None
    ) -> Divergence | None:
        folder = root / ".jupyter_pipe" / "runs" / run.run_id
        pipeline = from_json((folder / "pipeline.json").read_bytes(), Pipeline)
        found = _executed_outputs(folder, pipeline)
        owners = {cell_id: stage.name for stage in pipeline.stages for cell_id in stage.cells}
        assert self.whole is not None
        for cell_id, expected in self.whole.outputs.items():
            if cell_id in owners and cell_id not in self.unstable and found.get(cell_id) != expected:
                return self._output_divergence(cell_id, owners[cell_id], expected, found.get(cell_id), run)
        if run.state is not RunState.succeeded:
            return _failure_divergence(run)
        return self._value_divergence(run, folder, whole) if whole else None

    def _output_divergence(
        self, cell_id: str, stage: str, expected: Outputs, found: Outputs | None, run: Run
    ) -> Divergence:
        failure = run.stage(stage).failure
        if found is None or (failure and failure.cell_id == cell_id):
            cause = f"stage {stage} {run.stage(stage).state.value}"
            if failure:
                cause += f" with {failure.ename}: {failure.evalue}"
        else:
            cause = "a value that reaches this cell is not the notebook's: see the inputs of its stage"
        before, after = describe_difference(expected, found or ())
        return Divergence(stage, before, after, cause, cell_id=cell_id, cell=self._number(cell_id))

    def _value_divergence(self, run: Run, folder: Path, whole: WholeRun) -> Divergence | None:
        for stage, digests in whole.digests.items():
            stored = _stored_digests(folder, stage)
            for name, expected in digests.items():
                if (stage, name) in self.unstable_values or name not in stored:
                    continue
                if stored[name] != expected:
                    cause = (
                        "the content of the variable when the stage ends differs, though all outputs agree"
                    )
                    return Divergence(stage, expected, stored[name], cause, variable=name)
        return None


def _executed_outputs(folder: Path, pipeline: Pipeline) -> dict[str, Outputs]:
    found: dict[str, Outputs] = {}
    for stage in pipeline.stages:
        path = folder / "stages" / stage.name / "executed.ipynb"
        if path.exists():
            found.update(cell_outputs(json.loads(path.read_bytes())))
    return found


def _stored_digests(folder: Path, stage: str) -> dict[str, str]:
    result = json.loads((folder / "stages" / stage / "result.json").read_bytes())
    return {name: payload["ref"]["digest"] for payload in result["outputs"] for name in payload["names"]}


def _failure_divergence(run: Run) -> Divergence | None:
    for stage in run.stages:
        if stage.failure is not None and stage.failure.kind != "gate":
            failure = stage.failure
            cause = f"the stage fails: {failure.hint}" if failure.hint else "the stage fails"
            return Divergence(
                stage.name, "(no error)", f"{failure.ename}: {failure.evalue}", cause, cell_id=failure.cell_id
            )
    return None
