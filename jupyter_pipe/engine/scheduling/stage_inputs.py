"""What a stage is given: payloads, ambient state, and what its kernel must look after.

Pure functions of the pipeline and of the results of earlier stages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import AmbientValue, InputPayload, StageResult
from jupyter_pipe.engine.scheduling.priorities import Neighbours
from jupyter_pipe.events import WarningRaised
from jupyter_pipe.model import EffectKind, Pipeline, Stage

__all__ = [
    "Given",
    "given_to",
    "mutated_names",
    "protected_names",
    "pure_names",
    "seeded_components",
    "written_components",
]

Results = Mapping[str, StageResult]


class Given(Struct, frozen=True):
    """What a stage starts with. `conflicts` are ambient components that two of its
    ancestors left in different states, neither after the other."""

    inputs: tuple[InputPayload, ...] = ()
    ambient: tuple[AmbientValue, ...] = ()
    conflicts: tuple[WarningRaised, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that are bound before the first cell."""
        return tuple(sorted(name for payload in self.inputs for name in payload.names))


def given_to(pipeline: Pipeline, name: str, results: Results) -> Given:
    """What stage `name` receives from the stages that have ended."""
    stage = pipeline.stage(name)
    ambient, conflicts = _ambient(pipeline, name, results)
    return Given(_inputs(stage, results), ambient, conflicts)


def _inputs(stage: Stage, results: Results) -> tuple[InputPayload, ...]:
    """One entry a payload: names that travel together stay together.

    A name that its definer left unbound is in none of its payloads, and so is not
    bound.
    """
    found: dict[str, InputPayload] = {}
    for wanted in stage.inputs:
        result = results.get(wanted.from_)
        for payload in result.outputs if result else ():
            if wanted.name in payload.names:
                known = found.get(payload.ref.artifact)
                names = (*known.names, wanted.name) if known else (wanted.name,)
                found[payload.ref.artifact] = InputPayload(
                    payload.ref, names, wanted.from_
                )
    return tuple(found.values())


def _ambient(
    pipeline: Pipeline, name: str, results: Results
) -> tuple[tuple[AmbientValue, ...], tuple[WarningRaised, ...]]:
    """Each component as the last ancestor in notebook order that changed it left it."""
    if not any(result.ambient for result in results.values()):
        return (
            (),
            (),
        )  # so it is in most notebooks, and looking at the graph takes longer
    neighbours = Neighbours(pipeline)
    ancestors = neighbours.ancestors(name)
    writers: dict[str, list[AmbientValue]] = {}
    # A notebook's settings end with its kernel: the next one starts without.
    for stage in pipeline.beside(name):
        if stage.name in ancestors and stage.name in results:
            for value in results[stage.name].ambient:
                mine = msgspec.structs.replace(value, from_stage=stage.name)
                writers.setdefault(value.component, []).append(mine)
    conflicts = [
        _conflict(name, values[-1], rival)
        for values in writers.values()
        for rival in values[:-1]
        if rival.from_stage not in neighbours.ancestors(values[-1].from_stage)
        and rival.ref.digest != values[-1].ref.digest
    ]
    return tuple(values[-1] for values in writers.values()), tuple(conflicts)


def _conflict(name: str, winner: AmbientValue, rival: AmbientValue) -> WarningRaised:
    return WarningRaised(
        stage=name,
        code="ambient_conflict",
        message=(
            f"{winner.component} was changed by {rival.from_stage} and by {winner.from_stage}, side by "
            f"side; {name} starts with what {winner.from_stage} left, which is later in the notebook. "
            f"To make it certain, tag {winner.from_stage} with after:{rival.from_stage}."
        ),
    )


def protected_names(
    pipeline: Pipeline, name: str, given: Given, results: Results
) -> tuple[str, ...]:
    """The members of the received payloads whose received value a later stage reads as
    well, and those that the stage must not change."""
    members = {
        (payload.from_stage, member)
        for payload in given.inputs
        for stored in results[payload.from_stage].outputs
        if stored.ref.artifact == payload.ref.artifact
        for member in stored.names
    }
    later = pipeline.stages[[stage.name for stage in pipeline.stages].index(name) + 1 :]
    read = {(value.from_, value.name) for stage in later for value in stage.inputs}
    frozen = pipeline.stage(name).frozen
    return tuple(
        sorted(
            {
                member
                for source, member in members
                if (source, member) in read or member in frozen
            }
        )
    )


def mutated_names(stage: Stage) -> tuple[str, ...]:
    """The inputs that the stage is expected to change; where it must not, it is not
    expected."""
    return tuple(
        name for name in _names(stage, EffectKind.mutates) if name not in stage.frozen
    )


def pure_names(stage: Stage) -> tuple[str, ...]:
    """The inputs that a tag declares unchanged."""
    return _names(stage, EffectKind.pure)


def seeded_components(stages: Iterable[Stage]) -> tuple[str, ...]:
    """The ambient components that the graph of a notebook with these stages knows of,
    such as `numpy.random`; a generator that nobody seeds is not among them."""
    effects = (effect.name for stage in stages for effect in stage.effects)
    return tuple(sorted({name[1:] for name in effects if name.startswith("@")}))


def written_components(stage: Stage) -> tuple[str, ...]:
    """The ambient components that the stage's own code may set."""
    writes = (
        effect
        for effect in stage.effects
        if effect.kind not in {EffectKind.reads, EffectKind.pure}
    )
    return tuple(
        sorted({effect.name[1:] for effect in writes if effect.name.startswith("@")})
    )


def _names(stage: Stage, kind: EffectKind) -> tuple[str, ...]:
    names: Collection[str] = {
        effect.name for effect in stage.effects if effect.kind is kind
    }
    return tuple(sorted(name for name in names if not name.startswith(("@", "file:"))))
