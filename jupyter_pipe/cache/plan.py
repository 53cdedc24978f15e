"""What would run and why: the decision for one stage, and the forecast for all of them.

`StageCache.decide` is asked when a stage's inputs are known; `plan_run` asks for every
stage in order, following the inputs as far as they are known without running anything.
A result serves if the key finds it and everything is still as it says that its stage
saw it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import ObservedPath, StageResult
from jupyter_pipe.artifacts.store import FORMAT_VERSION
from jupyter_pipe.cache.code import read_stage_code
from jupyter_pipe.cache.demands import answer_demands
from jupyter_pipe.cache.files import (
    add_named,
    files_read,
    files_written,
    module_digests,
    note_files,
)
from jupyter_pipe.cache.fingerprint import Fingerprint, explain, in_short
from jupyter_pipe.cache.store import Cache, CacheEntry, Latest, latest_of, references
from jupyter_pipe.compiler.graph import topological
from jupyter_pipe.file_names import is_file
from jupyter_pipe.model import EffectKind, Pipeline, Stage
from jupyter_pipe.observe.comparison import compare, compare_left, find_newcomers
from jupyter_pipe.observe.digests import FILE, MISSING, file_digest
from jupyter_pipe.observe.left import FilesLeft
from jupyter_pipe.observe.present import Present
from jupyter_pipe.observe.words import (
    age_text,
    change_of_path,
    contact_phrases,
    duration_text,
)

if TYPE_CHECKING:
    from jupyter_pipe.contracts import Contract

__all__ = [
    "Around",
    "Computed",
    "Decision",
    "Forcing",
    "Plan",
    "PlannedStage",
    "StageCache",
    "StageInputs",
    "around_of",
    "plan_run",
]


class StageInputs(Struct, frozen=True):
    """What a stage is about to receive: content digests of values, ambient components
    and generator states."""

    values: dict[str, str] = {}
    ambient: dict[str, str] = {}
    generators: dict[str, str] = {}


class Around(Struct, frozen=True):
    """What the other stages of the run mean for one: `left` are the files that earlier
    stages left, as its notebook would find them, `emptied` the folders that they
    emptied, `later` the stages further down, which may have gone on from its own files.
    `others` are all other stages, `makers` the earlier ones that can write their files
    again (path -> stage). With `remade` it must write its files again."""

    left: Mapping[str, ObservedPath] = {}
    emptied: Mapping[str, ObservedPath] = {}
    later: tuple[Stage, ...] = ()
    others: tuple[Stage, ...] = ()
    makers: Mapping[str, str] = {}
    remade: bool = False


ALONE = Around()


class Decision(Struct, frozen=True):
    """`entry` is the result to reuse, if there is one; `reason` explains either way.
    Where there is none, `awaited` says whether that of another run would serve once it
    is there, and `named` are the files, as they are before the stage runs, that its
    code and tags say it reads. `touched` says that the entry's observations are newer
    than those that are kept. `newcomers` are files that are new in folders that it
    empties, and that a later stage is expected to write (path -> stage). `remake` are
    earlier stages that must write their files again before this one runs (stage ->
    file), `around` is what was asked with."""

    fingerprint: Fingerprint
    reason: str
    entry: CacheEntry | None = None
    awaited: bool = False
    named: tuple[ObservedPath, ...] = ()
    touched: bool = False
    newcomers: dict[str, str] = {}
    remake: dict[str, str] = {}
    around: Around = ALONE


class Computed(Struct, frozen=True):
    """The result of a stage that has run: in which run, how many seconds it took, its
    executed notebook."""

    result: StageResult
    run_id: str
    seconds: float
    executed: Path


class _Candidate(Struct, frozen=True):
    """An entry, and all that speaks against it."""

    entry: CacheEntry
    problems: tuple[str, ...] = ()
    touched: bool = False
    newcomers: dict[str, str] = {}


class Forcing(Struct, frozen=True):
    """What the user asked to run regardless: everything, or some stages; `ignore_cache`
    neither reads nor trusts earlier results; `reuse_uncached` lets `resume` reuse
    `cache:off` stages that succeeded in the run it continues."""

    everything: bool = False
    stages: frozenset[str] = frozenset()
    ignore_cache: bool = False
    reuse_uncached: frozenset[str] = frozenset()


class Surroundings(Struct, frozen=True):
    """What all stages of one notebook have in common: the folder in which they run, the
    numbers of its cells by id, what of its kernel counts, and the contracts of its
    values."""

    folder: Path
    numbers: Mapping[str, int | None] = {}
    settings: Mapping[str, str] = {}
    contracts: Mapping[str, Contract] = {}


class PlannedStage(Struct, frozen=True):
    """`action` is what is expected; `saved_seconds` what a reuse saves. `contacts` are
    what a reused result was in touch with and nobody can compare, `created` is when
    that was (UTC seconds)."""

    name: str
    action: Literal["run", "reuse", "skip"]
    reason: str
    saved_seconds: float = 0.0
    contacts: tuple[str, ...] = ()
    created: float = 0.0


class Plan(Struct, frozen=True):
    """The forecast for each selected stage, in notebook order."""

    stages: tuple[PlannedStage, ...]


class StageCache:
    """Decides for the stages of one package with one set of parameter values.

    `pipeline` is its name: the graph itself may change in a run, so stages are passed
    in. `literals` are the parameter values as Python source, `versions` gives the
    distributions that a stage imports with their versions in the kernel's interpreter,
    `has_artifact` asks the store, `present` says what the stage's kernel would be given
    now, `contracts` what values must look like.
    """

    def __init__(
        self,
        cache: Cache,
        pipeline: str,
        *,
        package: Path,
        surroundings: Callable[[Stage], Surroundings],
        literals: Mapping[str, str],
        versions: Callable[[Stage], Mapping[str, str]],
        has_artifact: Callable[[str], bool],
        forcing: Forcing = Forcing(),  # noqa: B008 - frozen
        present: Callable[[Stage], Present] | None = None,
    ) -> None:
        self.cache = cache
        self.pipeline = pipeline
        self.forcing = forcing
        self._package = package
        self._surroundings = surroundings
        self._literals = literals
        self._versions = versions
        self._has_artifact = has_artifact
        self._present = present or (lambda stage: Present(surroundings(stage).folder))

    def fingerprint(self, stage: Stage, inputs: StageInputs) -> Fingerprint:
        """What the stage's result depends on and is known before it runs."""
        around = self._surroundings(stage)
        return Fingerprint(
            code=read_stage_code(self._package, stage, around.numbers),
            parameters={
                # Named as the notebook does, whether it runs alone or with others:
                # `train.weeks` is `weeks`.
                name.rpartition(".")[2]: self._literals[name]
                for name in stage.parameters
            },
            inputs=inputs.values,
            modules=module_digests(stage.imports, around.folder),
            versions=dict(self._versions(stage)),
            ambient=inputs.ambient,
            settings={
                **around.settings,
                "serialiser": str(FORMAT_VERSION),
                # A result with fewer outputs cannot serve a stage that now has to hand
                # on more.
                "outputs": ", ".join(sorted(stage.outputs)) or "none",
            },
        )

    def decide(
        self, stage: Stage, inputs: StageInputs, around: Around = ALONE
    ) -> Decision:
        """Reuse a result, or say why the stage runs."""
        decision = self._decide(stage, inputs, around)
        return replace(
            decision if decision.entry else self._to_run(stage, decision, around),
            around=around,
        )

    def _decide(self, stage: Stage, inputs: StageInputs, around: Around) -> Decision:
        fingerprint = self.fingerprint(stage, inputs)
        forced = self._forced(stage) or (
            "its files were overwritten" if around.remade else ""
        )
        if forced:
            return Decision(fingerprint, forced)
        found = self._best(
            stage, self.cache.candidates(fingerprint.key, inputs.generators), around
        )
        if found is None:
            reason, unseeded = self._why(stage, fingerprint)
            return Decision(fingerprint, reason, awaited=not unseeded)
        if found.problems:
            return Decision(fingerprint, in_short(found.problems), awaited=True)
        return Decision(
            fingerprint,
            _unchanged(found.entry),
            found.entry,
            touched=found.touched,
            newcomers=found.newcomers,
        )

    def _to_run(self, stage: Stage, decision: Decision, around: Around) -> Decision:
        present = self._present(stage)
        remake = self._overwritten(stage, around, present) if around.makers else {}
        return replace(
            decision, named=note_files(files_read(stage), present), remake=remake
        )

    def _overwritten(
        self, stage: Stage, around: Around, present: Present
    ) -> dict[str, str]:
        """Earlier stages whose files are not as they left them, of those files that
        this stage uses."""
        latest = self.cache.latest(self.pipeline, stage.name)
        known = {*latest.written, *latest.received} if latest else set()
        used = {
            path
            for path in (*known, *files_read(stage), *files_written(stage))
            if path in around.makers
        }
        gone = [
            path
            for path in sorted(used)
            if isinstance(compare_left(around.left[path], present), str)
        ]
        return {around.makers[path]: path for path in gone}

    def _best(
        self, stage: Stage, entries: Sequence[CacheEntry], around: Around
    ) -> _Candidate | None:
        """The newest entry that serves, else the one with the least against it."""
        best: _Candidate | None = None
        present = replace(
            self._present(stage), left=around.left, emptied=around.emptied
        )
        for entry in entries:
            found = self._judge(stage, entry, present, around)
            if not found.problems:
                return found
            if best is None or len(found.problems) < len(best.problems):
                best = found
        return best

    def _judge(
        self, stage: Stage, entry: CacheEntry, present: Present, around: Around
    ) -> _Candidate:
        """Whether the entry still holds: each problem found, or the entry refreshed to
        what is there now."""
        observed = entry.result.observed
        left = [self._compare_left(one, present, around) for one in observed.written]
        new = {
            path: by
            for one in observed.emptied
            for path, by in self._newcomers(one, present, around)
        }
        compared = compare(observed, present)
        problems = [*compared.differences]
        # What was not noted may have changed as well.
        if not observed.complete:
            problems.append("it touched more than could be noted")
        problems += _changes_left(left, new)
        problems += self._too_old(stage, entry) or self._damage(entry)
        answered = answer_demands(
            stage, entry.result, self._surroundings(stage).contracts
        )
        if isinstance(answered, str):
            problems.append(answered)
        if problems or isinstance(answered, str):
            return _Candidate(entry, tuple(dict.fromkeys(problems)))
        written = tuple(found for found in left if isinstance(found, ObservedPath))
        now = replace(compared.fresher or observed, written=written)
        fresh = replace(entry, result=replace(answered, observed=now))
        return _Candidate(fresh, touched=now != observed, newcomers=new)

    def reused(self, stage: Stage, decision: Decision) -> None:
        """The stage's result was reused: what runs next is compared with this, not with
        whatever was computed last."""
        if decision.entry is None:
            return
        if decision.touched:
            self.cache.freshen(decision.entry)
        kept = latest_of(
            replace(decision.entry, fingerprint=decision.fingerprint),
            decision.around.left,
        )
        if self.cache.latest(self.pipeline, stage.name) != kept:
            self.cache.remember(self.pipeline, stage.name, kept)

    def record(
        self,
        stage: Stage,
        decision: Decision,
        inputs: StageInputs,
        computed: Computed,
        *,
        created: float,
    ) -> CacheEntry | None:
        """Keep the result of a stage that succeeded, unless nobody could ever reuse it.
        `decision` was that it runs, `created` is now (UTC seconds). Returns what was
        kept."""
        result = computed.result
        unseeded = [
            component
            for component in result.drawn
            if component not in inputs.generators
        ]
        if unseeded and not _carried(result, unseeded):
            latest = Latest(decision.fingerprint, computed.seconds, tuple(unseeded))
            self.cache.remember(self.pipeline, stage.name, latest)
            return None
        made = note_files(files_written(stage), self._present(stage))
        entry = CacheEntry(
            fingerprint=decision.fingerprint,
            result=replace(
                result, observed=add_named(result.observed, decision.named, made)
            ),
            run_id=computed.run_id,
            seconds=computed.seconds,
            executed="",
            created=created,
            generators={
                c: d for c, d in inputs.generators.items() if c in result.drawn
            },
        )
        return self.cache.record(
            entry,
            pipeline=self.pipeline,
            stage=stage.name,
            executed=computed.executed,
            left=decision.around.left,
        )

    def _forced(self, stage: Stage) -> str:
        if self.forcing.everything or stage.name in self.forcing.stages:
            return "forced"
        if self.forcing.ignore_cache:
            return "cache not used"
        if (
            stage.options.cache_seconds == 0
            and stage.name not in self.forcing.reuse_uncached
        ):
            return "cache:off"
        return ""

    def _too_old(self, stage: Stage, entry: CacheEntry) -> list[str]:
        limit = stage.options.cache_seconds
        age = time.time() - entry.created
        if not limit or age <= limit:
            return []
        return [f"older than {duration_text(limit)}: made {age_text(age)}"]

    def _why(self, stage: Stage, fingerprint: Fingerprint) -> tuple[str, bool]:
        """Why there is no result to reuse, and whether there never will be one."""
        if self.cache.is_foreign(fingerprint.key):
            root = shlex.quote(str(self.cache.folder.absolute().parent.parent))
            return (
                f"its result is not signed by you; to use it: jupyter pipe trust {root}",
                False,
            )
        latest = self.cache.latest(self.pipeline, stage.name)
        if latest is None:
            return "never ran", False
        if latest.unseeded and latest.fingerprint.key == fingerprint.key:
            return f"{', '.join(latest.unseeded)}, unseeded", True
        sources = {value.name: value.from_ for value in stage.inputs}
        numbers = self._surroundings(stage).numbers
        found = explain(
            latest.fingerprint, fingerprint, cell_numbers=numbers, sources=sources
        )
        # All components agree, so only the generators can differ, which the key leaves
        # out.
        return found or "random state changed", False

    def _damage(self, entry: CacheEntry) -> list[str]:
        # Every one is asked about, since asking removes what is damaged.
        missing = [
            ref
            for ref in references(entry.result)
            if not self._has_artifact(ref.artifact)
        ]
        if missing:
            return ["a stored value is missing or damaged"]
        if not self.cache.executed_path(entry).is_file():
            return ["the executed notebook is missing"]
        return []

    def _compare_left(
        self, one: ObservedPath, present: Present, around: Around
    ) -> ObservedPath | str:
        """A file that the stage wrote, or what of it is not as the stage left it; a
        later stage may have gone on from there, if it is as that one left it. What a
        program probably wrote may have been any other stage's."""
        found = compare_left(one, present)
        if isinstance(found, ObservedPath):
            return found
        stages = around.others if one.guessed else around.later
        digests = {self._would_leave(stage, one.path) for stage in stages} - {""}
        now = (
            {file_digest(present.path(one.path)), present.presence(one.path)}
            if digests
            else set()
        )
        return one if digests & now else found

    def _newcomers(
        self, folder: ObservedPath, present: Present, around: Around
    ) -> Iterator[tuple[str, str]]:
        """What has come into a folder that the stage emptied, with the stage further
        down that left it there and may do so again; empty if there is none."""
        for name in find_newcomers(folder, present):
            # Folders are listed with a slash at the end.
            path = f"{folder.path}/{name.rstrip('/')}"
            now = {file_digest(present.path(path)), present.presence(path)}
            writers = [
                stage.name
                for stage in around.later
                if self._last_left(stage, path) in now
            ]
            yield path, writers[-1] if writers else ""

    def _last_left(self, stage: Stage, path: str) -> str:
        """The digest of what the stage left at a path, whatever code it had; empty if
        it left nothing."""
        latest = self.cache.latest(self.pipeline, stage.name)
        return latest.written.get(path, "") if latest is not None else ""

    def _would_leave(self, stage: Stage, path: str) -> str:
        """The digest of what the stage left at a path; empty if it left nothing, or has
        other code by now."""
        latest = self.cache.latest(self.pipeline, stage.name)
        if latest is None or path not in latest.written:
            return ""
        code = read_stage_code(self._package, stage, self._surroundings(stage).numbers)
        same = [*code.values()] == [*latest.fingerprint.code.values()]
        return latest.written[path] if same else ""


def _unchanged(entry: CacheEntry) -> str:
    """Why a result is reused, and what nobody can compare."""
    touched = contact_phrases(entry.result.observed.contacts)
    if not touched:
        return "unchanged"
    return f"unchanged; {', '.join(touched)} {age_text(time.time() - entry.created)}"


def _carried(result: StageResult, components: Collection[str]) -> bool:
    """Whether the stage seeded these generators itself, so that their states are
    results."""
    return set(components) <= {value.component for value in result.ambient}


def _waiting_for(
    stage_cache: StageCache,
    pipeline: Pipeline,
    name: str,
    results: Mapping[str, StageResult],
) -> list[str]:
    """The stages that give something to `name`, and of which no result is known."""
    unknown = [earlier for earlier in pipeline.upstream(name) if earlier not in results]
    return [
        earlier for earlier in unknown if _gives(stage_cache, pipeline, earlier, name)
    ]


def plan_run(
    stage_cache: StageCache,
    pipeline: Pipeline,
    selected: Collection[str],
    inputs_of: Callable[[Stage, Mapping[str, StageResult]], StageInputs],
) -> Plan:
    """The forecast for the selected stages. A stage behind one that runs cannot be
    judged yet: it runs unless what it receives turns out to be the same."""
    results: dict[str, StageResult] = {}
    planned: dict[str, PlannedStage] = {}
    order = [stage for stage in pipeline.stages if stage.name in selected]
    files = FilesLeft([stage.name for stage in order])
    for stage in topological(pipeline):
        name = stage.name
        if name not in selected:
            planned[name] = PlannedStage(name, "skip", "not selected")
            continue
        waiting = _waiting_for(stage_cache, pipeline, name, results)
        if waiting:
            reason = f"after {', '.join(waiting)}: runs if what it receives changes"
            planned[name] = PlannedStage(name, "run", reason)
            continue
        around = around_of(name, order, files)
        decision = stage_cache.decide(stage, inputs_of(stage, results), around)
        planned[name] = _planned(name, decision)
        if decision.entry is not None:
            results[name] = decision.entry.result
            files.note(name, decision.entry.result.observed, ran=False)
        for maker, path in decision.remake.items():
            planned[maker] = PlannedStage(
                maker, "run", f"{path} must be written again for {name}"
            )
    return Plan(tuple(planned[stage.name] for stage in pipeline.stages))


def _gives(
    stage_cache: StageCache, pipeline: Pipeline, earlier: str, later: str
) -> bool:
    """Whether the later stage may find something else when the earlier one has run, and
    does not just have to wait until that has read what it is about to write."""
    names = {
        name
        for edge in pipeline.edges
        if (edge.from_, edge.to) == (earlier, later)
        for name in edge.names
    }
    if not names or not all(map(is_file, names)):
        return True
    latest = stage_cache.cache.latest(pipeline.name, earlier)
    effects = pipeline.stage(earlier).effects
    writes = any(
        is_file(effect.name) and effect.kind is not EffectKind.reads
        for effect in effects
    )
    return writes or latest is None or bool(latest.written)


def around_of(
    name: str, order: Sequence[Stage], files: FilesLeft, *, remade: bool = False
) -> Around:
    """What the stages of a run, in notebook order, mean for one of them."""
    place = next(place for place, stage in enumerate(order) if stage.name == name)
    later = tuple(order[place + 1 :])
    others = tuple(other for other in order if other.name != name)
    return Around(
        files.before(name),
        files.emptied(name),
        later,
        others,
        files.makers(name),
        remade,
    )


def _planned(name: str, decision: Decision) -> PlannedStage:
    entry = decision.entry
    if entry is None:
        return PlannedStage(name, "run", decision.reason)
    contacts = contact_phrases(entry.result.observed.contacts)
    return PlannedStage(
        name, "reuse", decision.reason, entry.seconds, contacts, entry.created
    )


def _changes_left(
    left: Sequence[ObservedPath | str], newcomers: Mapping[str, str]
) -> list[str]:
    """What changed in files that the stage wrote, and what nobody known put into
    folders that it emptied."""
    changed = [found for found in left if isinstance(found, str)]
    return changed + [
        change_of_path(path, MISSING, FILE) for path, by in newcomers.items() if not by
    ]
