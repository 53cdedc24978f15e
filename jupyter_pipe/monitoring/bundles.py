"""The bundles that went live here, by digest: what monitoring compares with. Loads none
of them."""

from __future__ import annotations

import functools
from pathlib import Path

from jupyter_pipe.monitoring.watching import Find
from jupyter_pipe.scoring.bundle import Manifest, read_manifest

__all__ = ["kept_bundles"]


def kept_bundles(folder: Path, *, trust: bool = False) -> Find:
    """Finds the manifest of a digest in the folder of a served model; each is read
    once. Raises UntrustedError and PipeError when it is asked for one that is not as it
    should be."""

    @functools.cache
    def find(digest: str) -> Manifest | None:
        place = folder / "bundles" / digest
        # A log that somebody else wrote names what it likes.
        return (
            read_manifest(place, trust=trust)
            if digest.isalnum() and place.is_dir()
            else None
        )

    return find
