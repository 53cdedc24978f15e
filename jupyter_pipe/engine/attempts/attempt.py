"""Runs one attempt at one stage: the one entry for every executor, local or far away.

`StageWork` is all that an attempt needs, as data that can be sent to another process.
What the attempt leaves lies in its own folder, `stages/STAGE/attempts/N/`; whoever
asked for it publishes one attempt's files (`publish_attempt`), so that an attempt that
was given up cannot interfere.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.artifacts.context_file import encode_context, sources_digest
from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.protocol import (
    ArtifactRef,
    InputPayload,
    Observations,
    ProfileRequest,
    StageContext,
    StageResult,
)
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.engine.attempts.attempt_folder import attempt_folder
from jupyter_pipe.engine.attempts.passed_on import hide_passed_on
from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.execution.papermill_engine import (
    Execution,
    StageInterrupted,
    execute,
)
from jupyter_pipe.engine.execution.stage_cells import first_number, prepare_notebook
from jupyter_pipe.engine.scheduling import stage_inputs as flow
from jupyter_pipe.engine.scheduling.kernel_definitions import known_definitions
from jupyter_pipe.errors import PipeError
from jupyter_pipe.events import Event, FailureKind
from jupyter_pipe.model import PACKAGES, EffectKind, Pipeline, Stage, to_json
from jupyter_pipe.observe.present import Present, today
from jupyter_pipe.observe.settling import settle
from jupyter_pipe.runs.masking import masked
from jupyter_pipe.runs.model import Failure
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

if TYPE_CHECKING:
    from jupyter_pipe.engine.kernels.lifecycle import KernelSource

__all__ = [
    "StageOutcome",
    "StageWork",
    "input_refs",
    "run_stage",
    "stage_notebook",
    "write_context",
]


class StageWork(Struct, frozen=True):
    """One attempt. Paths are absolute; `literals` are parameters that differ from the
    notebook's (name -> Python source), `numbers` the cells' numbers, `environment` all
    variables of the kernel. `secrets` are values that the attempt may come across, by
    name: nothing that it leaves shows them; `hidden` are the names of all secrets,
    `salt` is the key of the digests of variables. `profiled` says what contracts ask of
    the profiles of outputs.
    `url` is the run's root, if that is a URL: inputs that `store` lacks are fetched
    from there.
    """

    run_id: str
    pipeline: Pipeline
    stage: str
    attempt: int
    package: str
    run_folder: str
    store: str
    workdir: str
    given: flow.Given
    protect: tuple[str, ...] = ()
    literals: dict[str, str] = {}
    numbers: dict[str, int | None] = {}
    environment: dict[str, str] = {}
    secrets: dict[str, str] = {}
    hidden: frozenset[str] = frozenset()
    salt: str = ""
    profiled: dict[str, ProfileRequest] = {}
    allow_secret_values: bool = False
    strict: bool = False
    trust: bool = False
    url: str = ""

    @property
    def folder(self) -> Path:
        """Where the kernel runs; paths that the stage touches are told as `workdir` has
        them."""
        return Path(self.workdir, self.pipeline.folder_of(self.stage))


class StageOutcome(Struct, frozen=True):
    """How the attempt ended: with a result, with a failure, or, with neither, stopped.
    `observed` is what a stage that failed had touched."""

    seconds: float
    result: StageResult | None = None
    failure: Failure | None = None
    observed: Observations = Observations()


def run_stage(
    work: StageWork,
    report: Callable[[Event], None] = lambda event: None,
    stop: StopSignal | None = None,
    kernels: KernelSource | None = None,
) -> StageOutcome:
    """Run the attempt to its end, whatever that is. `report` is called from this
    thread; the kernel comes from `kernels` (default: a fresh one)."""
    outcome = _run_to_its_end(work, report, stop or StopSignal(), kernels)
    # A result was masked by the kernel side; what failed may come from before it began.
    if outcome.failure is None:
        return outcome
    return replace(outcome, failure=masked(outcome.failure, Masker(work.secrets)))


def _run_to_its_end(
    work: StageWork,
    report: Callable[[Event], None],
    stop: StopSignal,
    kernels: KernelSource | None,
) -> StageOutcome:
    began = time.monotonic()
    present = Present(
        Path(work.workdir), work.environment, work.hidden, work.salt, today()
    )
    try:
        # That of one of several notebooks may not have come along with the package.
        if work.pipeline.folder_of(work.stage):
            work.folder.mkdir(parents=True, exist_ok=True)
        result = _run(work, report, stop, kernels)
        if work.allow_secret_values:
            result = hide_passed_on(
                result, Masker(work.secrets), Store(Path(work.store).parent)
            )
    # Neither result nor failure: a stage that somebody stopped is not at fault.
    except StageInterrupted:
        return StageOutcome(time.monotonic() - began)
    except StageFailure as broken:
        observed = settle(broken.observed, present)
        return StageOutcome(
            time.monotonic() - began, failure=broken.failure, observed=observed
        )
    except PipeError as error:
        failure = Failure(
            type(error).__name__,
            error.message,
            kind=FailureKind.worker,
            hint=error.hint,
        )
        return StageOutcome(time.monotonic() - began, failure=failure)
    # Of the worker's own files, such as a full disk. What the notebook's code raises
    # arrives as StageFailure.
    except OSError as error:
        failure = Failure(
            type(error).__name__,
            f"{error.strerror}: {error.filename}",
            kind=FailureKind.worker,
        )
        return StageOutcome(time.monotonic() - began, failure=failure)
    settled = replace(result, observed=settle(result.observed, present))
    _keep(work, settled)
    return StageOutcome(time.monotonic() - began, result=settled)


def _keep(work: StageWork, settled: StageResult) -> None:
    """In the place of what the kernel wrote: whoever asks later which content was read
    needs the digests."""
    folder = attempt_folder(Path(work.run_folder), work.stage, work.attempt)
    # A full disk is told of when something is lost, and the result itself is not.
    with contextlib.suppress(OSError):
        replace_file(folder / "result.json", to_json(settled))


def _run(
    work: StageWork,
    report: Callable[[Event], None],
    stop: StopSignal,
    kernels: KernelSource | None,
) -> StageResult:
    stage = work.pipeline.stage(work.stage)
    if work.url:
        _fetch_inputs(work)
    folder = attempt_folder(Path(work.run_folder), stage.name, work.attempt)
    folder.mkdir(parents=True, exist_ok=True)
    notebook = stage_notebook(work)
    context, result = write_context(work, notebook)
    execution = Execution(
        stage=stage.name,
        folder=work.folder,
        scratch=folder,
        executed=folder / "executed.ipynb",
        context=context,
        numbers=work.numbers,
        environment=work.environment,
        secrets=work.secrets,
        timeout_seconds=stage.options.timeout_seconds,
        cell_timeout_seconds=stage.options.cell_timeout_seconds,
        report=report,
        stop=stop,
        # None starts a fresh kernel, which imports what `pip install` has just put
        # there.
        kernels=None if _meets_installation(stage) else kernels,
        imports=stage.imports,
    )
    execute(notebook, work.pipeline.kernel_of(work.stage), execution)
    return _read_result(result)


def _meets_installation(stage: Stage) -> bool:
    """Whether packages may be installed before the stage or in it: a warm kernel may
    have imported what was there before."""
    return any(effect.name == PACKAGES for effect in stage.effects)


def stage_notebook(work: StageWork) -> dict[str, Any]:
    """What the attempt executes: the stage's notebook with the run's parameters. Raises
    StageFailure."""
    stage = work.pipeline.stage(work.stage)
    notebook = _read_notebook(Path(work.package) / stage.notebook)
    return prepare_notebook(
        notebook, stage, inputs=work.given.names, literals=work.literals
    )


def write_context(work: StageWork, notebook: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write what the kernel needs to know into the attempt's folder. Returns the file,
    and the one where the kernel is to leave its result."""
    folder = attempt_folder(Path(work.run_folder), work.stage, work.attempt)
    folder.mkdir(parents=True, exist_ok=True)
    context, result = folder / "context.json", folder / "result.json"
    cells = notebook["cells"]
    made = replace(
        _context(work, work.pipeline.stage(work.stage), result),
        sources=sources_digest(cells),
        first_cell=first_number(cells, work.numbers),
    )
    replace_file(context, encode_context(made))
    return context, result


def input_refs(work: StageWork) -> Iterator[ArtifactRef]:
    """The stored values that the attempt begins with."""
    yield from (payload.ref for payload in work.given.inputs)
    # Ambient state counts as well: without the generator's state a worker elsewhere
    # would draw other numbers.
    yield from (value.ref for value in work.given.ambient)


def _fetch_inputs(work: StageWork) -> None:
    # fsspec takes long to import, and most roots are folders.
    from jupyter_pipe.runs.remote import RemoteRoot, fetch_values

    store = RunStore(Path(work.store).parent.parent)
    fetch_values(RemoteRoot(work.url, trust=work.trust), store, input_refs(work))


def _context(work: StageWork, stage: Stage, result: Path) -> StageContext:
    """What the kernel side must know: where to read and write, what to give, store,
    watch and hide."""
    effects = stage.effects
    return StageContext(
        run_id=work.run_id,
        stage=stage.name,
        attempt=work.attempt,
        store=work.store,
        result=str(result),
        workdir=work.workdir,
        inputs=tuple(_sorted(payload) for payload in work.given.inputs),
        ambient=work.given.ambient,
        outputs=stage.outputs,
        optional=tuple(
            sorted({one.name for one in effects if one.kind is EffectKind.may_bind})
        ),
        protect=work.protect,
        mutates=flow.mutated_names(stage),
        pure=flow.pure_names(stage),
        metrics=tuple(metric.name for metric in stage.metrics),
        gates=tuple(gate.expression for gate in stage.gates),
        definitions=known_definitions(work.pipeline, stage),
        code_cells={
            name: number for name, number in work.numbers.items() if number is not None
        },
        seeded=flow.seeded_components(work.pipeline.beside(stage.name)),
        written=flow.written_components(stage),
        secrets=stage.options.secrets,
        allow_secret_values=work.allow_secret_values,
        strict=work.strict,
        trust=work.trust,
        salt=work.salt,
        profiled=work.profiled,
        schemas=stage.options.schemas,
    )


def _sorted(payload: InputPayload) -> InputPayload:
    # The order in which stages ended must not reach what the kernel is told.
    return replace(payload, names=tuple(sorted(payload.names)))


def _read_notebook(path: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = json.loads(read_regular_file(path))
    except UNREADABLE as error:
        failure = Failure(
            "PackageError",
            f"The stage notebook {path} cannot be read: {error}.",
            kind=FailureKind.worker,
            hint="Compile the notebook again: jupyter pipe compile NOTEBOOK",
        )
        raise StageFailure(failure) from error
    return notebook


def _read_result(path: Path) -> StageResult:
    try:
        return msgspec.json.decode(read_regular_file(path), type=StageResult)
    except UNREADABLE as error:
        failure = Failure(
            "StageError",
            f"The kernel left no result that can be read: {error}",
            kind=FailureKind.internal,
        )
        raise StageFailure(failure) from error
