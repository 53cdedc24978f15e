"""Compares the outputs of cells: text, HTML and data as they are, images by their
pixels.

Pure. What differs from process to process by nature (addresses in reprs, ids that
widgets and stylers draw) is blanked on both sides before comparing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_pipe.render.terminal_text import without_escapes

__all__ = ["Outputs", "cell_outputs", "describe_difference", "normalise"]

Outputs = tuple[tuple[str, str], ...]

# `<Axes at 0x7f3c2a1b4d60>`
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
# `T_3f2a9` in the HTML of a pandas Styler.
_STYLER_ID = re.compile(r"\bT_[0-9a-f]{5}(?![0-9a-f])")
_UUID = re.compile(
    r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b"
)
# `sk-container-id-3`: scikit-learn counts the estimators that a process has shown.
_SKLEARN_ID = re.compile(r"sk-(container|estimator)-id-\d+")
# `/tmp/ipykernel_4711/1234567.py`, the name of a cell in tracebacks and warnings.
_CELL_FILE = re.compile(r"[^\s\"']*ipykernel_\d+[/\\]\d+\.py")
_IMAGES = ("image/png", "image/jpeg")
_SHOWN_CHARACTERS = 200


def cell_outputs(notebook: Mapping[str, Any]) -> dict[str, Outputs]:
    """Cell id -> normalised outputs of the user's cells in an executed notebook."""
    return {
        str(
            cell["metadata"].get("jupyter_pipe", {}).get("source_cell") or cell["id"]
        ): normalise(cell["outputs"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        and cell["metadata"].get("jupyter_pipe", {}).get("role", "cell") == "cell"
    }


def normalise(outputs: Sequence[Mapping[str, Any]]) -> Outputs:
    """Pairs of kind and content. Consecutive chunks of one stream are one output."""
    found: list[tuple[str, str]] = []
    for output in outputs:
        kind = str(output["output_type"])
        if kind == "stream":
            name = str(output["name"])
            text = _blank(_joined(output["text"]))
            # A kernel cuts a stream wherever its buffer is flushed.
            if found and found[-1][0] == name:
                found[-1] = (name, found[-1][1] + text)
            else:
                found.append((name, text))
        elif kind == "error":
            found.append(
                (
                    "error",
                    f"{output['ename']}: {_blank(without_escapes(output['evalue']))}",
                )
            )
        else:
            found.extend(_data(output["data"]))
    return tuple(found)


def describe_difference(expected: Outputs, found: Outputs) -> tuple[str, str]:
    """The first difference, from both sides, short enough to print."""
    for before, after in zip(expected, found, strict=False):
        if before != after:
            return _first_lines(before, after)
    longer, shorter = (
        (expected, found) if len(expected) > len(found) else (found, expected)
    )
    extra = "nothing" if len(longer) == len(shorter) else _shown(*longer[len(shorter)])
    return (extra, "nothing") if longer is expected else ("nothing", extra)


def _first_lines(before: tuple[str, str], after: tuple[str, str]) -> tuple[str, str]:
    if before[0] != after[0]:
        return _shown(*before), _shown(*after)
    old, new = before[1].splitlines(), after[1].splitlines()
    for mine, other in zip(old, new, strict=False):
        if mine != other:
            return _shown(before[0], mine), _shown(after[0], other)
    place = min(len(old), len(new))
    return (
        _shown(before[0], "\n".join(old[place:]) or "(ends)"),
        _shown(after[0], "\n".join(new[place:]) or "(ends)"),
    )


def _shown(kind: str, content: str) -> str:
    text = (
        content
        if len(content) <= _SHOWN_CHARACTERS
        else content[:_SHOWN_CHARACTERS] + " …"
    )
    return text if kind == "stdout" else f"{kind}: {text}"


def _data(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    pictures = [kind for kind in _IMAGES if kind in data]
    if pictures:
        # The text beside a picture is a repr, which says nothing that the picture does
        # not show.
        return [(kind, _pixels(_joined(data[kind]))) for kind in pictures]
    return [
        (kind, _blank(_joined(data[kind])))
        for kind in sorted(data)
        # A widget is an id of a model in the kernel, which is another one each time.
        if "widget" not in kind
    ]


def _pixels(encoded: str) -> str:
    raw = base64.b64decode(encoded)
    try:
        from PIL import Image
    except ImportError:
        return hashlib.sha256(raw).hexdigest()
    with Image.open(io.BytesIO(raw)) as image:
        # The bytes of a file also hold the version of matplotlib that wrote it.
        pixels = image.convert("RGBA")
        return f"{pixels.width} x {pixels.height} pixels {hashlib.sha256(pixels.tobytes()).hexdigest()[:16]}"


def _joined(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "".join(value)
    return json.dumps(value, sort_keys=True)


def _blank(text: str) -> str:
    for pattern, blank in (
        (_ADDRESS, "0x"),
        (_STYLER_ID, "T_"),
        (_UUID, "uuid"),
        (_CELL_FILE, "cell.py"),
    ):
        text = pattern.sub(blank, text)
    return _SKLEARN_ID.sub(r"sk-\1-id", text)
