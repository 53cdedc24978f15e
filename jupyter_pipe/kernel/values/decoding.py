"""From a payload to its values."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..errors import PayloadError
from .decoder import Decoder
from .kinds import table  # noqa: F401 - what the functions in a stream are marked in

if TYPE_CHECKING:
    from ..definitions import Definitions
    from ..payloads.payload_file import PayloadFile

__all__ = ["decode"]


def decode(
    payload: PayloadFile, definitions: Definitions, namespace: dict[str, Any]
) -> dict[str, Any]:
    """All members of the payload, by name. Raises PayloadError, DefinitionError or what
    the classes of the values raise."""
    written_by = payload.manifest.get("python", "")
    if written_by != f"{sys.version_info[0]}.{sys.version_info[1]}":
        raise PayloadError(
            f"The stored value {payload.path} was written by Python {written_by}, "
            f"this kernel runs {sys.version_info[0]}.{sys.version_info[1]}."
        )
    for name, digest in sorted(payload.manifest.get("definitions", {}).items()):
        definitions.require(name, digest, ", ".join(payload.manifest["names"]))
    members: dict[str, Any] = Decoder(payload, definitions, namespace).load()
    return members
