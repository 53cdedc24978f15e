"""Values that are pictures or draw themselves as one, as bytes that a browser shows.
Runs their own code."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["MOST_BYTES", "picture_of"]

MOST_BYTES = 1 << 20
_LONGEST_SIDE = 4096
_WAYS = (
    ("image/png", "_repr_png_"),
    ("image/jpeg", "_repr_jpeg_"),
    ("image/svg+xml", "_repr_svg_"),
)
# The number of channels and the PNG colour type that has them.
_COLOUR_TYPES = {3: 2, 4: 6}


def picture_of(
    value: Any, show: Callable[[str], str] = str
) -> tuple[str, bytes] | None:
    """The media type and the picture; None for a value that shows none, or one of over
    a megabyte. `show` hides secrets in pictures that are text."""
    for media_type, picture in _pictures(value, show):
        if 0 < len(picture) <= MOST_BYTES:
            return media_type, picture
    return None


def _pictures(value: Any, show: Callable[[str], str]) -> Iterator[tuple[str, bytes]]:
    """Every way in which the value can be drawn, the surest first."""
    if isinstance(value, type):
        return
    figure = _figure_of(value)
    if figure is not None:
        yield "image/png", _drawn(figure)
    # A class that answers to every name (a mock, a proxy) has no picture: what it gives
    # is no bytes.
    for media_type, name in _WAYS:
        draw = getattr(value, name, None)
        drawn = draw() if callable(draw) else None
        if isinstance(drawn, bytes) and "xml" in media_type:
            drawn = drawn.decode(errors="replace")
        if isinstance(drawn, str):
            drawn = show(drawn).encode(errors="replace")
        if isinstance(drawn, bytes):
            yield media_type, drawn
    pixels = _pixels_of(value)
    if pixels is not None:
        yield "image/png", pixels


def _figure_of(value: Any) -> Any:
    """The figure of matplotlib that the value is, or that holds it."""
    if not type(value).__module__.startswith(("matplotlib.", "seaborn.")):
        return None
    figure = getattr(value, "figure", value)
    return figure if callable(getattr(figure, "savefig", None)) else None


def _drawn(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=96)
    return file.getvalue()


def _pixels_of(value: Any) -> bytes | None:
    """An array of rows x columns x 3 or 4 bytes is taken for the picture that it
    probably is."""
    shape: Any = getattr(value, "shape", ())
    is_bytes = str(getattr(value, "dtype", "")) == "uint8" and callable(
        getattr(value, "tobytes", None)
    )
    if not is_bytes or len(shape) != 3 or shape[2] not in _COLOUR_TYPES:
        return None
    height, width, channels = shape
    if not 8 <= min(height, width) <= max(height, width) <= _LONGEST_SIDE:
        return None
    return encode_png(value.tobytes(), width, height, channels)


def encode_png(pixels: bytes, width: int, height: int, channels: int) -> bytes:
    """Eight bits a channel, not interlaced: as https://www.w3.org/TR/png/ describes
    it."""
    line = width * channels
    # Each line begins with the filter that it was coded by; 0 is none.
    lines = b"".join(
        b"\0" + pixels[row * line : (row + 1) * line] for row in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = (
        _chunk(b"IHDR", head),
        _chunk(b"IDAT", zlib.compress(lines)),
        _chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )
