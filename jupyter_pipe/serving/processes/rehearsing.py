"""`python -m jupyter_pipe.serving.processes.rehearsing`: loads one version and ends.

What to load comes as JSON on standard input. Exit code 0 if this process is still there
afterwards, whether the version can be used or not: that is for whoever loads it next to
say.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from pathlib import Path

import msgspec

from jupyter_pipe.serving.live.models import load_model
from jupyter_pipe.serving.live.rehearsal import Part
from jupyter_pipe.serving.sources import Release

__all__ = ["main"]


def main(text: bytes) -> None:
    """Load the version that `text` names."""
    part = msgspec.json.decode(text, type=Part)
    warnings.simplefilter("ignore")
    release = Release(part.name, part.version, Path(part.folder), part.digest)
    # An error is no crash. A version that calls `sys.exit` is one: it would end a
    # worker, too.
    with contextlib.suppress(Exception):
        load_model(release, trust=part.trust)


if __name__ == "__main__":
    main(sys.stdin.buffer.read())
