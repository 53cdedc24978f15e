"""Seals generated files with a digest of their own content, and tells whether the seal
is intact.

Pure. Python files and `requirements.txt` carry the seal in their header, JSON files
under a key; line endings do not count, since version control may change them.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import msgspec

from jupyter_pipe.model import Pipeline, to_json

__all__ = ["is_intact", "is_ours", "sealed_notebook", "sealed_pipeline", "sealed_text"]

_SEAL_LINE = re.compile(r"^# sha256:([0-9a-f]{64})$", re.MULTILINE)
_BLANK = "0" * 64


def sealed_text(header: str, body: str) -> bytes:
    """`header` (comment lines without the `#`), the seal, and `body`."""
    comments = "".join(f"# {line}\n" for line in header.splitlines())
    text = f"{comments}# sha256:{_BLANK}\n\n{body}"
    # The digest is of the text with zeros in its place, so it can be inside.
    return text.replace(f"# sha256:{_BLANK}", f"# sha256:{_digest(text)}", 1).encode()


def sealed_notebook(notebook: dict[str, Any]) -> bytes:
    """The notebook as JupyterLab lays it out on disk, with the seal in its metadata."""
    metadata = {**notebook["metadata"]["jupyter_pipe"], "digest": _BLANK}
    blank = {**notebook, "metadata": {**notebook["metadata"], "jupyter_pipe": metadata}}
    text = (
        msgspec.json.format(
            msgspec.json.encode(blank, order="sorted"), indent=1
        ).decode()
        + "\n"
    )
    # From the right: a cell's source may hold 64 zeros, and our key sorts behind the
    # cells.
    head, _, tail = text.rpartition(_BLANK)
    return f"{head}{_digest(text)}{tail}".encode()


def sealed_pipeline(pipeline: Pipeline) -> bytes:
    """`pipeline.json` with the seal as its last key."""
    text = to_json(pipeline).decode()
    body = text.rstrip().removesuffix("}").rstrip()
    blank = f'{body},\n  "sha256": "{_BLANK}"\n}}\n'
    return f'{body},\n  "sha256": "{_digest(blank)}"\n}}\n'.encode()


def is_ours(name: str, data: bytes) -> bool:
    """Whether the file called `name` carries a seal, intact or not."""
    return _find_seal(name, data) is not None


def is_intact(name: str, data: bytes) -> bool:
    """Whether nobody has edited the file since it was sealed."""
    seal = _find_seal(name, data)
    if seal is None:
        return False
    # git on Windows checks files out with CRLF.
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    return _digest(text.replace(seal, _BLANK, 1)) == seal


def _find_seal(name: str, data: bytes) -> str | None:
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    if name.endswith((".json", ".ipynb")):
        return _find_json_seal(name, text)
    # The header of ours is short; a digest further down is the user's text.
    found = _SEAL_LINE.search(text[:2000])
    return found.group(1) if found else None


def _find_json_seal(name: str, text: str) -> str | None:
    try:
        content = json.loads(text)
        seal = (
            content["sha256"]
            if name.endswith(".json")
            else content["metadata"]["jupyter_pipe"]["digest"]
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (
        seal if isinstance(seal, str) and re.fullmatch("[0-9a-f]{64}", seal) else None
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
