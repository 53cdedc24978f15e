"""What a stage's kernel is told about the notebook's classes and functions. Pure.

A payload may hold an instance of any of them; the kernel then executes the definition
first, and the constants that it reads as they were where it stands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from jupyter_pipe.model import Pipeline, Replay, ReplayKind, Stage

__all__ = ["known_definitions"]

_KINDS = frozenset({ReplayKind.function, ReplayKind.class_, ReplayKind.import_})


def known_definitions(pipeline: Pipeline, stage: Stage) -> dict[str, dict[str, Any]]:
    """The notebook's classes and functions that a payload may refer to, and the imports
    that they need: what other stages replay from this stage's cells, and what it
    replays itself."""
    later = _needed_later(pipeline, stage)
    cells = frozenset(stage.cells)
    made_here = [
        replay
        for other in pipeline.beside(stage.name)
        for replay in other.replays
        if replay.cell_id in cells
    ]
    replays = [*made_here, *stage.replays]
    constants = [replay for replay in replays if replay.kind is ReplayKind.constant]

    found: dict[str, dict[str, Any]] = {}
    for replay in replays:
        if replay.kind not in _KINDS:
            continue
        for name in replay.names:
            source = _with_earlier(name, replay, replays)
            above = source.count("\n") - replay.source.count("\n")
            found[name] = {
                "source": source,
                "digest": replay.digest,
                "cell_id": replay.cell_id,
                # Of the first line of `source`, if there is room above for the rest.
                "line": max(1, replay.line - above),
                "later": name in later,
                **_constants(replay, replays, constants),
            }
    return found


def _needed_later(pipeline: Pipeline, stage: Stage) -> set[str]:
    """The names that stages after this one replay."""
    stages = pipeline.beside(stage.name)
    order = [other.name for other in stages]
    found: set[str] = set()
    for other in stages[order.index(stage.name) + 1 :]:
        for replay in other.replays:
            if replay.needed:
                found.update(replay.names)
    return found


def _with_earlier(name: str, definition: Replay, replays: Sequence[Replay]) -> str:
    """The definition's code, after that of the same name that it is made from (`class
    A(A)`) or that it may leave standing (`if NEW: class A`)."""
    if name not in _names_in(definition.source) and not _may_not_bind(
        definition.source
    ):
        return definition.source
    above = replays[: replays.index(definition)]
    earlier = next(
        (one for one in reversed(above) if name in one.names and one.kind in _KINDS),
        None,
    )
    return (
        f"{_with_earlier(name, earlier, above)}\n{definition.source}"
        if earlier
        else definition.source
    )


def _constants(
    definition: Replay, replays: Sequence[Replay], constants: Sequence[Replay]
) -> dict[str, dict[str, str] | str]:
    """The code of the constants above the definition that it may read, if there are
    any."""
    if not constants:
        return {}
    above = [
        replay
        for replay in constants
        if replays.index(replay) < replays.index(definition)
    ]
    names = _closure(_names_in(definition.source), above)
    needed = [replay.source for replay in above if names.intersection(replay.names)]
    return {"constants": "\n".join(dict.fromkeys(needed))} if needed else {}


def _closure(names: set[str], constants: Iterable[Replay]) -> set[str]:
    found = set(names)
    for replay in reversed(list(constants)):
        if found.intersection(replay.names):
            found |= _names_in(replay.source)
    return found


def _may_not_bind(source: str) -> bool:
    return any(
        isinstance(statement, (ast.If, ast.Try)) for statement in ast.parse(source).body
    )


def _names_in(source: str) -> set[str]:
    return {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
    }
