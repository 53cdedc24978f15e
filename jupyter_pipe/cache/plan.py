"""What would run and why: the decision for one stage, and the forecast for all of them.

`StageCache.decide` is asked when a stage's inputs are known; `plan_run` asks for every stage in
order, following the inputs as far as they are known without running anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.code import read_stage_code
from jupyter_pipe.cache.files import MISSING, file_digest, files_read, files_written, module_digests
from jupyter_pipe.cache.fingerprint import Fingerprint, explain
from jupyter_pipe.cache.store import Cache, CacheEntry, Latest, references
from jupyter_pipe.compiler.graph import topological
from jupyter_pipe.model import Pipeline, Stage

__all__ = ["Decision", "Forcing", "Plan", "PlannedStage", "StageCache", "StageInputs", "plan_run"]

SERIALISER = "2"
"""How payloads are written: another word makes every stage run again."""


class StageInputs(Struct, frozen=True):
    """What a stage is about to receive: content digests of values, ambient components and
    generator states."""

    values: dict[str, str] = {}
    ambient: dict[str, str] = {}
    generators: dict[str, str] = {}


class Decision(Struct, frozen=True):
    """`entry` is the result to reuse, if there is one; `reason` explains either way. Where there is
    none, `awaited` says whether that of another run would serve once it is there."""

    fingerprint: Fingerprint
    reason: str
    entry: CacheEntry | None = None
    awaited: bool = False


class Forcing(Struct, frozen=True):
    """What the user asked to run regardless: everything, or some stages; `ignore_cache` neither
    reads nor trusts earlier results; `reuse_uncached` lets `resume` reuse `cache:off` stages that
    succeeded in the run it continues."""

    everything: bool = False
    stages: frozenset[str] = frozenset()
    ignore_cache: bool = False
    reuse_uncached: frozenset[str] = frozenset()


class PlannedStage(Struct, frozen=True):
    """`action` is what is expected; `saved_seconds` what a reuse saves."""

    name: str
    action: Literal["run", "reuse", "skip"]
    reason: str
    saved_seconds: float = 0.0


class Plan(Struct, frozen=True):
    """The forecast for each selected stage, in notebook order."""

    stages: tuple[PlannedStage, ...]


class StageCache:
    """Decides for the stages of one package with one set of parameter values.

    `pipeline` is its name: the graph itself may change in a run, so stages are passed in.
    `literals` are the parameter values as Python source, `versions` gives the distributions that a
    stage imports with their versions in the kernel's interpreter, `has_artifact` asks the store.
    """

    def __init__(
        self,
        cache: Cache,
        pipeline: str,
        *,
        package: Path,
        workdir: Path,
        literals: Mapping[str, str],
        versions: Callable[[Stage], Mapping[str, str]],
        has_artifact: Callable[[str], bool],
        numbers: Mapping[str, int | None],
        settings: Mapping[str, str],
        forcing: Forcing = Forcing(),  # noqa: B008 - frozen
    ) -> None:
        self.cache = cache
        self.pipeline = pipeline
        self.forcing = forcing
        self._package = package
        self._workdir = workdir
        self._literals = literals
        self._versions = versions
        self._has_artifact = has_artifact
        self._numbers = dict(numbers)
        self._settings = dict(settings)

    def fingerprint(self, stage: Stage, inputs: StageInputs) -> Fingerprint:
        """Everything that the stage's result depends on but the generators' states."""
        return Fingerprint(
            code=read_stage_code(self._package, stage, self._numbers),
            parameters={name: self._literals[name] for name in stage.parameters},
            inputs=inputs.values,
            modules=module_digests(stage.imports, self._workdir),
            files=files_read(stage, self._workdir),
            versions=dict(self._versions(stage)),
            ambient=inputs.ambient,
            settings={
                **self._settings,
                "serialiser": SERIALISER,
                "outputs": ", ".join(sorted(stage.outputs)) or "none",
            },
        )

    def decide(self, stage: Stage, inputs: StageInputs) -> Decision:
        """Reuse a result, or say why the stage runs."""
        fingerprint = self.fingerprint(stage, inputs)
        forced = self._forced(stage)
        if forced:
            return Decision(fingerprint, forced)
        entry = self.cache.find(fingerprint.key, inputs.generators)
        if entry is None:
            reason, unseeded = self._why(stage, fingerprint)
            return Decision(fingerprint, reason, awaited=not unseeded)
        damage = self._damage(entry)
        if damage:
            return Decision(fingerprint, damage, awaited=True)
        return Decision(fingerprint, "unchanged", entry)

    def reused(self, stage: Stage, decision: Decision) -> None:
        """The stage's result was reused: what runs next is compared with this, not with whatever
        was computed last."""
        latest = self.cache.latest(self.pipeline, stage.name)
        if decision.entry is not None and (latest is None or latest.fingerprint != decision.fingerprint):
            kept = Latest(decision.fingerprint, decision.entry.seconds)
            self.cache.remember(self.pipeline, stage.name, kept)

    def record(
        self,
        stage: Stage,
        fingerprint: Fingerprint,
        inputs: StageInputs,
        result: StageResult,
        *,
        run_id: str,
        seconds: float,
        executed: Path,
        created: float,
    ) -> CacheEntry | None:
        """Keep the result of a stage that succeeded, unless nobody could ever reuse it. Returns what
        was kept."""
        unseeded = [component for component in result.drawn if component not in inputs.generators]
        if unseeded and not _carried(result, unseeded):
            latest = Latest(fingerprint, seconds, tuple(unseeded))
            self.cache.remember(self.pipeline, stage.name, latest)
            return None
        entry = CacheEntry(
            fingerprint=fingerprint,
            result=result,
            run_id=run_id,
            seconds=seconds,
            executed="",
            created=created,
            generators={c: d for c, d in inputs.generators.items() if c in result.drawn},
            written=files_written(stage, self._workdir),
        )
        return self.cache.record(entry, pipeline=self.pipeline, stage=stage.name, executed=executed)

    def _forced(self, stage: Stage) -> str:
        if self.forcing.everything or stage.name in self.forcing.stages:
            return "forced"
        if self.forcing.ignore_cache:
            return "cache not used"
        if not stage.options.cache and stage.name not in self.forcing.reuse_uncached:
            return "cache:off"
        return ""

    def _why(self, stage: Stage, fingerprint: Fingerprint) -> tuple[str, bool]:
        """Why there is no result to reuse, and whether there never will be one."""
        latest = self.cache.latest(self.pipeline, stage.name)
        if latest is None:
            return "never ran", False
        if latest.unseeded and latest.fingerprint.key == fingerprint.key:
            return f"{', '.join(latest.unseeded)}, unseeded", True
        sources = {value.name: value.from_ for value in stage.inputs}
        found = explain(latest.fingerprint, fingerprint, cell_numbers=self._numbers, sources=sources)
        return found or "random state changed", False

    def _damage(self, entry: CacheEntry) -> str:
        # Every one is asked about, since asking removes what is damaged.
        missing = [ref for ref in references(entry.result) if not self._has_artifact(ref.artifact)]
        if missing:
            return "a stored value is missing or damaged"
        if not self.cache.executed_path(entry).exists():
            return "the executed notebook is missing"
        for path, digest in entry.written.items():
            now = file_digest(self._workdir / path)
            if now != digest:
                return f"file {path} {'is missing' if now == MISSING else 'changed'}"
        return ""


def _carried(result: StageResult, components: Collection[str]) -> bool:
    """Whether the stage seeded these generators itself, so that their states are results."""
    return set(components) <= {value.component for value in result.ambient}


def plan_run(
    stage_cache: StageCache,
    pipeline: Pipeline,
    selected: Collection[str],
    inputs_of: Callable[[Stage, Mapping[str, StageResult]], StageInputs],
) -> Plan:
    """The forecast for the selected stages. A stage behind one that runs cannot be judged yet: it
    runs unless what it receives turns out to be the same."""
    results: dict[str, StageResult] = {}
    planned: list[PlannedStage] = []
    for stage in topological(pipeline):
        if stage.name not in selected:
            planned.append(PlannedStage(stage.name, "skip", "not selected"))
            continue
        waiting = [name for name in pipeline.upstream(stage.name) if name not in results]
        if waiting:
            reason = f"after {', '.join(waiting)}: runs if what it receives changes"
            planned.append(PlannedStage(stage.name, "run", reason))
            continue
        decision = stage_cache.decide(stage, inputs_of(stage, results))
        if decision.entry is None:
            planned.append(PlannedStage(stage.name, "run", decision.reason))
        else:
            results[stage.name] = decision.entry.result
            planned.append(
                PlannedStage(stage.name, "reuse", decision.reason, saved_seconds=decision.entry.seconds)
            )
    place = {stage.name: position for position, stage in enumerate(pipeline.stages)}
    return Plan(tuple(sorted(planned, key=lambda stage: place[stage.name])))
