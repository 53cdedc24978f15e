"""What a version came from: run, commit, parameters, cells and files, signed with the
version's name.

`lineage.json` travels beside the bundle. Its signature binds the bundle to the name: a
bundle of ours cannot stand in for another model. Raises UntrustedError and
RegistryError.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from msgspec import Struct

from jupyter_pipe.errors import RegistryError, UntrustedError
from jupyter_pipe.model import from_json, to_json
from jupyter_pipe.registry.mlflow_names import LINEAGE
from jupyter_pipe.runs.data.files import SourceFile
from jupyter_pipe.scoring.model import Place
from jupyter_pipe.trust.records import (
    UNREADABLE,
    UnsignedError,
    read_record,
    read_regular_file,
)
from jupyter_pipe.trust.signatures import sign, unsigned

__all__ = ["Lineage", "bundle_digest", "read_lineage", "write_lineage"]

_PURPOSE = "lineage"


class Lineage(Struct, frozen=True):
    """`lineage.json`.

    `bundle` is the digest of the bundle's description. `cells` are the places of the
    notebook that the scorer was made of, `files` what the stages of the run read.
    `metric` is what `promote:` names; with it, rows that the notebook scored count as
    unseen, since the tag says that it set them aside. `digests` are those of the files
    beside this one.
    """

    version: int
    name: str
    bundle: str
    run_id: str
    notebook: str
    notebook_digest: str
    rows: str
    score: str
    targets: tuple[str, ...]
    keys: tuple[str, ...]
    git: dict[str, Any]
    parameters: dict[str, Any]
    metrics: dict[str, float | int | bool | str]
    gates: dict[str, bool]
    files: tuple[SourceFile, ...]
    cells: tuple[Place, ...]
    distributions: dict[str, str]
    python: str
    metric: str = ""
    digests: dict[str, str] = {}


def bundle_digest(bundle: Path) -> str:
    """The digest of a bundle's description, which holds those of its files; the
    signature is not part of it."""
    return hashlib.sha256(
        unsigned(read_regular_file(bundle / "bundle.json", follow=False))
    ).hexdigest()


def write_lineage(path: Path, lineage: Lineage) -> None:
    """Write and sign the record."""
    path.write_bytes(sign(_PURPOSE, lineage.name, to_json(lineage)))


def read_lineage(bundle: Path, name: str) -> Lineage:
    """What the version whose bundle lies here came from. Raises UntrustedError for a
    record of somebody else, of another model, or of another bundle; RegistryError for
    one that is missing or damaged."""
    path = bundle.parent / LINEAGE
    try:
        lineage = from_json(read_record(path, _PURPOSE, name), Lineage)
    except UnsignedError:
        raise UntrustedError(
            f"Nobody whom you trust has signed that this is a version of '{name}': {path.parent}.",
            code="scorer_untrusted",
            hint="Register it anew from its notebook, or accept the key of whoever did: jupyter pipe trust",
        ) from None
    except UNREADABLE as error:
        raise RegistryError(
            f"What the version came from cannot be read: {error}.",
            code="version_unusable",
        ) from None
    # A record is signed by name; only this ties it to the bundle beside it.
    if lineage.bundle != bundle_digest(bundle):
        raise UntrustedError(
            f"The bundle in {bundle} is not the one that was registered as '{name}'.",
            code="scorer_untrusted",
            hint="Register it anew from its notebook.",
        )
    return lineage
