"""Makes effects of what the tags `reads:` and `writes:` declare. Pure.

A declared path is a name of the graph like a path in the code, and a folder stands for
all that is in it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from jupyter_pipe.file_names import FILE
from jupyter_pipe.model import Effect, EffectKind, Stage

__all__ = ["declare_files"]

# What `glob` reads as other than itself; in the names of the graph one `*` stands for
# each of them.
_WILD = re.compile(r"\*+|\?|\[[^\]]*\]")


def declare_files(stage: Stage) -> Stage:
    """The stage with the effects that its tags declare."""
    declared = [
        *((name, EffectKind.reads) for name in _names(stage.options.reads)),
        # A file may have been there before: `may_bind` keeps what others wrote of it in
        # the order.
        *((name, EffectKind.may_bind) for name in _names(stage.options.writes)),
    ]
    known = {(effect.name, effect.kind) for effect in stage.effects}
    new = tuple(
        Effect(name, kind, declared=True)
        for name, kind in declared
        if (name, kind) not in known
    )
    return replace(stage, effects=stage.effects + new) if new else stage


def _names(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        name = FILE + _WILD.sub("*", posixpath.normpath(path))
        yield name
        # `writes: out` may be a folder as well as a file.
        if "*" not in name:
            yield f"{name}/*"
