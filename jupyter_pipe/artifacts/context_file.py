"""The file that tells a stage's kernel what to do:
`stages/STAGE/attempts/N/context.json`.

The runner writes it and the kernel reads it a moment later. It is signed for whoever
comes back to it, as `debug` does: it names values to load and holds code to execute.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.protocol import StageContext
from jupyter_pipe.trust.records import read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["encode_context", "read_context", "sources_digest"]

_decoder = msgspec.json.Decoder(StageContext)


def encode_context(context: StageContext) -> bytes:
    """The file's content."""
    name = _name(context.run_id, context.stage, context.attempt)
    # The name is signed, too: else the context of another attempt could be put in its
    # place.
    return sign("context", name, msgspec.json.encode(context))


def read_context(
    path: Path, run_id: str, stage: str, attempt: int, *, trust: bool = False
) -> StageContext:
    """What that attempt was told. Raises UnsignedError if the user's keys did not sign
    it, unless `trust`; OSError and ValueError if it cannot be read."""
    data = read_record(path, "context", _name(run_id, stage, attempt), trust=trust)
    return _decoder.decode(data)


def sources_digest(cells: Iterable[Mapping[str, Any]]) -> str:
    """The sha256 of the sources of a notebook's code cells, in order."""
    sources = [
        _text(cell.get("source", ""))
        for cell in cells
        if cell.get("cell_type") == "code"
    ]
    return hashlib.sha256(msgspec.json.encode(sources)).hexdigest()


def _text(source: object) -> str:
    # nbformat allows a source as one text and as a list of lines.
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _name(run_id: str, stage: str, attempt: int) -> str:
    return f"{run_id}/{stage}/{attempt}"
