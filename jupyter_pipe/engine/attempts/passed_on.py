"""Secrets that a run lets cross, in the result of a stage that has no tag for them and
so cannot hide them.

Its kernel does not know them; the runner does, and looks before anything of the result
is shown or kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from jupyter_pipe.artifacts.masking import Masker, masked_result
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.artifacts.store import Store

__all__ = ["hide_passed_on"]

_CHUNK_BYTES = 8 << 20


def hide_passed_on(result: StageResult, masker: Masker, values: Store) -> StageResult:
    """The result with secrets hidden in its texts, and in `secret_values` the outputs
    whose files hold one. Raises OSError."""
    if not masker:
        return result
    hidden = msgspec.convert(
        masked_result(msgspec.to_builtins(result), masker), StageResult
    )
    held = dict.fromkeys(result.secret_values)
    for payload in result.outputs:
        path = values.path(payload.ref)
        if any(
            masker.names_in_memory(piece)
            for piece in _pieces(path, masker.longest_in_memory)
        ):
            held.update(dict.fromkeys(payload.names))
    return replace(hidden, secret_values=tuple(held))


def _pieces(path: Path, overlap: int) -> Iterator[bytes]:
    """The file's bytes; what lies across two pieces is whole in the second."""
    with path.open("rb") as file:
        tail = b""
        while data := file.read(_CHUNK_BYTES):
            yield tail + data
            tail = data[-overlap:]
