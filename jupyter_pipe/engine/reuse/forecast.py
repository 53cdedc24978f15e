"""The cache as the runner's source of results, and the forecast that `plan` shows.

Values and ambient state reach the fingerprint by content digest. Generators' states do
not: they count only for stages that draw from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.cache.plan import (
    Around,
    Computed,
    Decision,
    Forcing,
    Plan,
    StageCache,
    StageInputs,
    Surroundings,
    around_of,
    plan_run,
)
from jupyter_pipe.cache.store import Cache, references
from jupyter_pipe.cache.versions import find_versions, python_of
from jupyter_pipe.compiler.codegen.requirements import find_interpreter
from jupyter_pipe.engine.request import PreparedRun, prepare
from jupyter_pipe.engine.reuse.results import Checked
from jupyter_pipe.engine.scheduling.messages import Reuse
from jupyter_pipe.engine.scheduling.stage_inputs import Given, given_to
from jupyter_pipe.engine.targets import RunRequest
from jupyter_pipe.errors import RunError
from jupyter_pipe.model import Pipeline, Stage
from jupyter_pipe.observe.left import FilesLeft
from jupyter_pipe.observe.present import Present, today
from jupyter_pipe.runs.locks import Holder, free_lock, take_lock
from jupyter_pipe.runs.processes import is_alive

if TYPE_CHECKING:
    from jupyter_pipe.engine.remote.publishing import Mirror

__all__ = ["CachedResults", "forecast"]


class CachedResults:
    """Reads and fills `.jupyter_pipe/cache/` for one run.

    Of several runs that need the same result at once, one holds the lock of its
    fingerprint and computes it. Who holds a lock waits for no other, so that runs
    cannot wait for each other.

    `explain` is told if results under a root that is a URL cannot be looked up; without
    it that is raised.
    """

    def __init__(
        self,
        prepared: PreparedRun,
        package: Path,
        run_id: str,
        mirror: Mirror | None = None,
        explain: Callable[[str, str], None] | None = None,
    ) -> None:
        self._run_id = run_id
        self._mirror = mirror
        self._store = prepared.store
        self._locks: dict[str, Path] = {}
        self._pipeline = prepared.pipeline
        self._cache, self._decides = _caches(prepared, package, explain)
        self._asked: dict[str, tuple[Decision, StageInputs]] = {}
        self._files = FilesLeft([stage.name for stage in prepared.taking_part.stages])

    def check(
        self, pipeline: Pipeline, stage: str, given: Given, *, remade: bool = False
    ) -> Checked:
        """The result of an earlier run, or why there is none."""
        self.give_up(stage)
        self._files.forget(stage)
        inputs = _stage_inputs(pipeline.stage(stage), given)
        around = self._around(pipeline, stage, remade)
        decision = self._decides.decide(pipeline.stage(stage), inputs, around)
        self._asked[stage] = decision, inputs
        if decision.awaited:
            holder = self._lock(stage, decision.fingerprint.key)
            if holder:
                return Checked(f"waiting for run {holder}", waits=True)
            # Another run may have published the result before we had the lock.
            decision = self._decides.decide(pipeline.stage(stage), inputs, around)
            self._asked[stage] = decision, inputs
        entry = decision.entry
        if entry is None:
            return Checked(decision.reason, remake=tuple(decision.remake))
        self._files.note(stage, entry.result.observed, ran=False)
        self.give_up(stage)
        self._decides.reused(pipeline.stage(stage), decision)
        reuse = Reuse(entry.result, entry.run_id, entry.seconds, decision.newcomers)
        return Checked(decision.reason, reuse, self._cache.executed_path(entry))

    def record(
        self,
        pipeline: Pipeline,
        stage: str,
        computed: Computed,
    ) -> None:
        """Keep a result. One that is about to be run again, since it changed its input,
        is kept for the graph as it is now."""
        decision, inputs = self._asked[stage]
        self._files.note(stage, computed.result.observed, ran=True)
        found = pipeline.stage(stage)
        kept = self._decides.record(
            found, decision, inputs, computed, created=time.time()
        )
        if self._mirror is not None and kept is not None:
            self._mirror.result(
                tuple(references(computed.result)), self._cache.files_of(kept)
            )
        self.give_up(stage)

    def _around(self, pipeline: Pipeline, stage: str, remade: bool) -> Around:
        return around_of(stage, pipeline.stages, self._files, remade=remade)

    def give_up(self, stage: str) -> None:
        """Let other runs compute the stage."""
        lock = self._locks.pop(stage, None)
        if lock is not None:
            free_lock(lock)

    def close(self) -> None:
        """Hold nothing any more."""
        for stage in tuple(self._locks):
            self.give_up(stage)

    def _lock(self, stage: str, key: str) -> str:
        """Take the lock of a result. Returns the other run that has it, empty if there
        is none."""
        path = self._cache.folder / "locks" / f"{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = take_lock(path, self._run_id, is_held=self._is_held)
        if holder is None:
            self._locks[stage] = path
            return ""
        # Two stages of this run may be the same to the letter: neither waits for the
        # other.
        return holder.run_id if holder.run_id != self._run_id else ""

    def _is_held(self, holder: Holder) -> bool:
        """A lock is held while the run goes on, and its process lives."""
        try:
            run = self._store.read(holder.run_id)
        except RunError:
            return False
        return not run.is_final and is_alive(
            holder, self._store.folder(holder.run_id).summary
        )

    def durations(self) -> dict[str, float]:
        """Seconds that each stage took when it last ran."""
        found = {
            stage.name: self._cache.latest(self._pipeline.name, stage.name)
            for stage in self._pipeline.stages
        }
        return {
            name: latest.seconds for name, latest in found.items() if latest is not None
        }


def forecast(request: RunRequest) -> Plan:
    """What a run would do, without running anything. Raises what `prepare` raises."""
    prepared, target = prepare(request), request.target
    if target.package is not None:
        return _forecast(prepared, target.package)
    import tempfile

    # Fingerprints read the code of stages from files, which lie in a folder for a
    # moment.
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-") as folder:
        for name, data in target.files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return _forecast(prepared, Path(folder))


def _forecast(prepared: PreparedRun, package: Path) -> Plan:
    _, decides = _caches(prepared, package)

    def inputs_of(stage: Stage, results: Mapping[str, StageResult]) -> StageInputs:
        return _stage_inputs(stage, given_to(prepared.taking_part, stage.name, results))

    return plan_run(decides, prepared.pipeline, prepared.selected, inputs_of)


def _caches(
    prepared: PreparedRun,
    package: Path,
    explain: Callable[[str, str], None] | None = None,
) -> tuple[Cache, StageCache]:
    """The results under the run's root, and who decides about them. Those of a root
    that is a URL may be there only; `explain` is told if they cannot be looked up."""
    store, trust = prepared.store, prepared.request.options.trust
    folder = store.state_folder / "cache"
    if not store.url:
        cache = Cache(folder, trust=trust)
        return cache, _stage_cache(
            prepared, package, cache, Store(store.state_folder, trust=trust).is_sound
        )
    from jupyter_pipe.engine.remote.discovery import Elsewhere

    elsewhere = Elsewhere(store, explain, trust=trust)
    cache = Cache(folder, bring=elsewhere.bring, trust=trust)
    return cache, _stage_cache(prepared, package, cache, elsewhere.has_value)


def _stage_cache(
    prepared: PreparedRun,
    package: Path,
    cache: Cache,
    has_artifact: Callable[[str], bool],
) -> StageCache:
    request, pipeline, facts = prepared.request, prepared.pipeline, prepared.facts
    kernels = _Kernels(prepared, cache.folder)
    salt, day = prepared.store.salt(), today()

    def present(stage: Stage) -> Present:
        environment = prepared.environment_of(stage, "")
        return Present(
            Path(facts.workdir), environment, frozenset(prepared.secrets), salt, day
        )

    return StageCache(
        cache,
        pipeline.name,
        package=package,
        surroundings=kernels.surroundings,
        literals={value.name: value.literal for value in facts.parameters},
        versions=kernels.versions,
        has_artifact=has_artifact,
        forcing=Forcing(
            everything=request.options.force_all,
            stages=prepared.forced,
            ignore_cache=not request.options.use_cache,
            reuse_uncached=frozenset(request.resumed_stages),
        ),
        present=present,
    )


class _Kernels:
    """The interpreters of a pipeline's stages: one, unless it has several notebooks."""

    def __init__(self, prepared: PreparedRun, folder: Path) -> None:
        self._prepared = prepared
        pipeline = prepared.pipeline
        modules: dict[str, set[str]] = {}
        for stage in pipeline.stages:
            modules.setdefault(pipeline.kernel_of(stage.name), set()).update(
                stage.imports
            )
        self._interpreters = {kernel: find_interpreter(kernel) for kernel in modules}
        self._installed = {
            kernel: find_versions(self._interpreters[kernel], names, folder)
            for kernel, names in modules.items()
        }
        self._surroundings: dict[str, Surroundings] = {}

    def versions(self, stage: Stage) -> dict[str, str]:
        """The distributions that the stage imports, as its kernel has them."""
        installed = self._installed[self._prepared.pipeline.kernel_of(stage.name)]
        return {
            name: version
            for module in stage.imports
            for name, version in installed.get(module, {}).items()
        }

    def surroundings(self, stage: Stage) -> Surroundings:
        """Of the stage's notebook; looked up for every stage, made once."""
        notebook = self._prepared.facts.notebook_of(stage.name)
        if notebook not in self._surroundings:
            self._surroundings[notebook] = self._make(stage.name)
        return self._surroundings[notebook]

    def _make(self, stage: str) -> Surroundings:
        prepared = self._prepared
        kernel, folder = (
            prepared.pipeline.kernel_of(stage),
            prepared.pipeline.folder_of(stage),
        )
        interpreter = self._interpreters[kernel]
        settings = {
            "kernel": str(interpreter or kernel),
            "Python": python_of(interpreter),
            "hash seed": str(prepared.facts.hash_seed),
        }
        if folder:
            # What was touched is told relative to the folder of the pipeline.
            settings["folder"] = folder
        return Surroundings(
            prepared.folder_of(stage),
            prepared.numbers_of(stage),
            settings,
            prepared.contracts_of(stage),
        )


def _stage_inputs(stage: Stage, given: Given) -> StageInputs:
    """Digests of what the stage would be given; generators apart: only stages that draw
    depend on them."""
    digests = {
        name: payload.ref.digest for payload in given.inputs for name in payload.names
    }
    digests.update(
        {value.name: "unbound" for value in stage.inputs if value.name not in digests}
    )
    ambient = {value.component: value.ref.digest for value in given.ambient}
    generators = {
        name: digest for name, digest in ambient.items() if _is_generator(name)
    }
    others = {
        name: digest for name, digest in ambient.items() if name not in generators
    }
    return StageInputs(values=digests, ambient=others, generators=generators)


def _is_generator(component: str) -> bool:
    # `random`, `numpy.random`, `torch.random`: what plug-ins call generators ends in
    # this word.
    return component.rpartition(".")[2] == "random"
