"""What the notebook defines, and what an import gives: it travels by its name.

A class or function of the notebook is replayed by every stage that needs it. Its value
is the definition there, and what the notebook changed about it since.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

from ...definition_state import Path, apply_changes
from ..decoder import Decoder, restores
from .kind import Kind, Pairs

if TYPE_CHECKING:
    from ...definitions import Definitions
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["Code", "digest_definition", "is_global", "is_importable", "refer_to"]


class Code(Kind):
    """Classes, functions and modules: for people, code does not differ."""

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        return iter(())


def is_global(value: Any) -> bool:
    """Whether an import of the module of a class or function gives that very object."""
    qualname = getattr(value, "__qualname__", None)
    found: Any = _module_of(value)
    for part in qualname.split(".") if isinstance(qualname, str) else ():
        found = getattr(found, part, None)
    return found is value


def is_importable(definitions: Definitions, value: Any) -> bool:
    """Not what the notebook made: that is found in `__main__` only where a stage has
    bound it."""
    return is_global(value) and not definitions.is_local(value)


def _module_of(value: Any) -> types.ModuleType | None:
    """The module that a class or function says it is from. A package may hand out what
    one of its modules is said to hold before that is imported: `numpy.recarray` is
    `numpy.rec.recarray`."""
    name = getattr(value, "__module__", None)
    if not isinstance(name, str):
        return None
    if name not in sys.modules and name.partition(".")[0] in sys.modules:
        # whatever a module may raise while it is imported
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    return sys.modules.get(name)


def refer_to(encoder: Encoder, value: Any) -> Any:
    """The reduction of what the notebook defines; None for all else."""
    name = encoder.definitions.name_of(value)
    if name is None:
        return None
    encoder.by_reference.add(id(value))
    # `Model.Inner` comes with `Model`: the digest is that of the whole statement
    root = name.split(".", 1)[0]
    encoder.used[root] = encoder.definitions.digest_of(root)
    changed = encoder.definitions.changes(name)
    if not changed:
        return definition, (name,)
    return definition, (name,), changed, None, None, change_definition


def digest_definition(walk: Walk, value: Any) -> bool:
    """Feeds what the notebook defines; False for all else."""
    name = walk.definitions.name_of(value)
    if name is None:
        return False
    root = name.split(".", 1)[0]
    walk.tagged(b"definition", name, walk.definitions.digest_of(root))
    if name in walk.changed:
        walk.tagged(b"again", name)
        return True
    changes = walk.definitions.changes(name)
    if changes:
        walk.changed.add(name)
    walk.feed(changes)
    return True


@restores
def definition(decoder: Decoder, name: str) -> Any:
    return decoder.definitions.find(name)


@restores
def change_definition(decoder: Decoder, value: Any, changed: dict[Path, Any]) -> None:
    apply_changes(value, changed)
