"""What the server says of values of runs. Blocks; knows nothing of HTTP. Raises
PipeError."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.context_file import read_context
from jupyter_pipe.artifacts.protocol import ArtifactRef, StageContext
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.compiler.codegen.requirements import (
    find_interpreter,
    kernel_environment,
)
from jupyter_pipe.errors import ArtifactError, KernelError, RunError
from jupyter_pipe.events import ArtifactWritten
from jupyter_pipe.runs.data.profiles import ValueProfile, read_profiles
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.server.operations.data import value_shown
from jupyter_pipe.server.operations.payloads import ValueShown
from jupyter_pipe.server.runs.service import RunService
from jupyter_pipe.server.values.loading import Limits, Order, load_value
from jupyter_pipe.server.values.payloads import KnownValue, LoadedValue, ValuesAnswer
from jupyter_pipe.trust.records import UNREADABLE, read_record, read_regular_file
from jupyter_pipe.trust.signatures import unsigned

__all__ = ["ValueService"]

# Of a long history, so many runs are looked through for the one before that left the
# same value.
_MOST_EARLIER = 50
_LIMITS = Limits()


class ValueService:
    """The values of the runs that `runs` serves."""

    def __init__(self, runs: RunService, limits: Limits = _LIMITS) -> None:
        self._runs = runs
        self._limits = limits

    def known(self, root: str, run_id: str, stage: str) -> ValuesAnswer:
        """What records say of the values of a stage."""
        folder = self._runs.stage_folder(root, run_id, stage)
        store = self._runs.store(root)
        run = store.read(run_id)
        profiles = _profiles(folder, run, stage)
        earlier = _EarlierValues(store, run, stage)
        return ValuesAnswer(
            tuple(
                earlier.compared(_known(written, stage, name, profiles.get(name)))
                for written in run.stage(stage).artifacts
                for name in written.names
            )
        )

    def load(self, root: str, run_id: str, stage: str, name: str) -> LoadedValue:
        """Load a value of a stage, in a process of its own, and say what it is."""
        self._runs.stage_folder(root, run_id, stage)
        store = self._runs.store(root)
        run = _signed_run(store, run_id)
        written = _find_value(run, stage, name)
        values = Store(store.state_folder)
        path = values.path(written.artifact)
        if not path.is_file():
            raise ArtifactError(
                f"The file of '{name}' is not here any more.",
                code="artifact_unusable",
                hint=f"Run the stage that made it again, with --force {stage}.",
            )
        contexts = list(_contexts(store, run, stage))
        secrets = {secret for context in contexts for secret in context.secrets}
        kernel = store.read_pipeline(run_id).kernel
        environment = kernel_environment(kernel, os.environ)
        _require_hidden(
            name,
            _read_result(store.folder(run_id), stage),
            secrets - environment.keys(),
        )
        order = Order(
            store=str(values.folder),
            artifact=written.artifact,
            name=name,
            definitions=_definitions(contexts),
            folder=str(self._folder(store, run)),
            secrets=tuple(secrets),
            bytes=self._limits.memory_bytes + path.stat().st_size,
            seconds=self._limits.seconds,
        )
        found = load_value(order, _interpreter(kernel), environment)
        shown = value_shown(
            ValueProfile(stage, name, found.profile), None, is_watched=False
        )
        return LoadedValue(**{**msgspec.structs.asdict(found), "profile": shown})

    def _folder(self, store: RunStore, run: Run) -> Path:
        """Where the notebook's kernel runs: modules beside the notebook are imported
        from there."""
        folder = Path(run.facts.workdir or Path(run.facts.notebook).parent)
        # A run of another machine names a folder that is not here.
        return folder if folder.is_dir() else store.root


def _known(
    written: ArtifactWritten, stage: str, name: str, profile: ValueShown | None
) -> KnownValue:
    return KnownValue(
        stage=stage,
        name=name,
        summary=written.summary.get(name, ""),
        bytes=written.bytes,
        together=tuple(other for other in written.names if other != name),
        profile=profile,
    )


def _profiles(folder: RunFolder, run: Run, stage: str) -> dict[str, ValueShown]:
    # Of the stage alone: a run of a thousand stages has as many files to read.
    found = read_profiles(
        folder, msgspec.structs.replace(run, stages=(run.stage(stage),))
    )
    return {each.name: value_shown(each, None, is_watched=False) for each in found}


def _signed_run(store: RunStore, run_id: str) -> Run:
    """The run as a summary says that the user signed: what names a value decides which
    code is run."""
    store.require_own(run_id)
    try:
        data = read_record(store.folder(run_id).summary, "run", run_id)
        return msgspec.json.decode(data, type=Run)
    except UNREADABLE as error:
        raise RunError(
            f"The record of run {run_id} cannot be read: {error}.", code="run_damaged"
        ) from error


def _find_value(run: Run, stage: str, name: str) -> ArtifactWritten:
    """The file that holds the value. Raises RunError if the stage left none of this
    name."""
    stages = {each.name: each for each in run.stages}
    artifacts = stages[stage].artifacts if stage in stages else ()
    for written in artifacts:
        if name in written.names:
            return written
    names = ", ".join(name for written in artifacts for name in written.names)
    raise RunError(
        f"Stage '{stage}' left no value '{name[:80]}' in run {run.run_id}.",
        code="value_missing",
        hint=f"It left: {names}."
        if names
        else "A stage leaves what later stages, metrics or gates read.",
    )


def _interpreter(kernel: str) -> Path:
    interpreter = find_interpreter(kernel)
    if interpreter is None:
        raise KernelError(
            f"The kernel '{kernel[:80]}' of the run is not installed here, and loads its values.",
            code="kernel_missing",
            hint="Those that are installed: jupyter kernelspec list",
        )
    return interpreter


def _contexts(store: RunStore, run: Run, stage: str) -> Iterator[StageContext]:
    """What attempts of the run were told, that of the stage itself first, as far as the
    user signed it. For a reused stage those of the run that computed it."""
    # False sorts first: the stage itself.
    order = sorted(run.stages, key=lambda each: each.name != stage)
    for each in order:
        for run_id in filter(None, (run.run_id, each.cached_from)):
            found = _last_context(store.folder(run_id), each)
            if found is not None:
                yield found
                break


def _last_context(folder: RunFolder, stage: StageRun) -> StageContext | None:
    attempts = folder.stage(stage.name) / "attempts"
    for attempt in range(max(stage.attempts, 1), 0, -1):
        try:
            return read_context(
                attempts / str(attempt) / "context.json",
                folder.run_id,
                stage.name,
                attempt,
            )
        except UNREADABLE:
            continue
    return None


def _definitions(contexts: list[StageContext]) -> dict[str, dict[str, Any]]:
    """The notebook's classes and functions; as the stage itself has them, where several
    have them."""
    found: dict[str, dict[str, Any]] = {}
    # The stage's own come last, and so they win.
    for context in reversed(contexts):
        found.update(context.definitions)
    return found


class _Result(Struct, frozen=True):
    """Of a `StageResult` only what is compared here."""

    class Output(Struct, frozen=True):
        ref: ArtifactRef
        names: tuple[str, ...]

    outputs: tuple[Output, ...] = ()
    secret_values: tuple[str, ...] = ()


def _read_result(folder: RunFolder, stage: str) -> _Result:
    """An empty one if it cannot be read."""
    try:
        data = unsigned(read_regular_file(folder.result(stage), follow=False))
        return msgspec.json.decode(data, type=_Result)
    except UNREADABLE:
        return _Result()


def _require_hidden(name: str, result: _Result, unknown: Set[str]) -> None:
    """Raises ArtifactError for a value that holds a secret while there are `unknown`
    ones, those that the kernel's environment does not have: what to hide is not
    known."""
    if name in result.secret_values and unknown:
        raise ArtifactError(
            f"'{name}' holds a secret of the run, which cannot be hidden here: JupyterLab's environment does "
            f"not have {', '.join(sorted(unknown))}.",
            code="value_unloadable",
            hint="Start JupyterLab with the secret in its environment, or look at the value in a notebook.",
        )


class _EarlierValues:
    """The values of a stage in the last run before that left any, to be compared by
    content."""

    def __init__(self, store: RunStore, run: Run, stage: str) -> None:
        self._now = _digests(store.folder(run.run_id), stage)
        self._run_id, self._before = next(_digests_before(store, run, stage), ("", {}))

    def compared(self, value: KnownValue) -> KnownValue:
        """The value, and whether it has changed."""
        before, now = self._before.get(value.name), self._now.get(value.name)
        if before is None or now is None:
            return value
        return msgspec.structs.replace(
            value, earlier=self._run_id, changed=before != now
        )


def _digests_before(
    store: RunStore, run: Run, stage: str
) -> Iterator[tuple[str, dict[str, str]]]:
    # Ids sort as runs began.
    earlier = (run_id for run_id in store.ids() if run_id < run.run_id)
    for run_id in islice(earlier, _MOST_EARLIER):
        found = _digests(store.folder(run_id), stage)
        if (
            found
            and Path(store.read(run_id).facts.notebook).name
            == Path(run.facts.notebook).name
        ):
            yield run_id, found


def _digests(folder: RunFolder, stage: str) -> dict[str, str]:
    """Of each value the digest of its content, as the stage's result says; nothing if
    that cannot be read."""
    outputs = _read_result(folder, stage).outputs
    return {name: output.ref.digest for output in outputs for name in output.names}
