"""What runs have learned, as the compiler uses it: read from bytes, merged, added to
stages. Pure."""

from __future__ import annotations

import msgspec

from jupyter_pipe.model import Effect, EffectKind, Learned, Stage

__all__ = ["decode_learned", "merge_learned", "with_learned"]

_decoder = msgspec.json.Decoder(dict[str, dict[str, Learned]])


def decode_learned(data: bytes) -> dict[str, dict[str, Learned]]:
    """Pipeline -> stage -> what was learned. Bytes that say nothing have taught
    nothing."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return {}


def merge_learned(old: Learned, new: Learned) -> Learned:
    """Both together, each name once, in order."""
    stages = sorted({*old.follows, *new.follows})
    return Learned(
        tuple(sorted({*old.mutates, *new.mutates})),
        {
            stage: tuple(
                sorted({*old.follows.get(stage, ()), *new.follows.get(stage, ())})
            )
            for stage in stages
        },
    )


def with_learned(stage: Stage, learned: Learned) -> Stage:
    """The stage with the effects and the predecessors that runs have seen."""
    known = {
        effect.name for effect in stage.effects if effect.kind is EffectKind.mutates
    }
    new = (name for name in sorted(learned.mutates) if name not in known)
    effects = tuple(Effect(name, EffectKind.mutates, learned=True) for name in new)
    follows = merge_learned(
        Learned(follows=stage.follows),
        Learned(follows=learned.follows),
    ).follows
    return msgspec.structs.replace(
        stage, effects=stage.effects + effects, follows=follows
    )
