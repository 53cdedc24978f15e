"""What the value of a secret may look like in text and in memory: itself, and its
common encodings. Pure.

Not covered: what was computed from a secret, such as a hash, a reversed or a compressed
text.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

__all__ = ["byte_forms", "forms_of"]

# Shorter codes and lines stand in texts that have nothing to do with the secret.
_SHORTEST_PART = 8


def forms_of(value: str) -> tuple[str, ...]:
    """Every text to look for, each once, the value without surrounding blanks first."""
    whole = value.strip()
    found = [whole, value, *_escaped(whole), *_coded(whole)]
    if value != whole:
        found += [*_escaped(value), *_coded(value)]
    for line in map(str.strip, whole.splitlines()):
        # `-----BEGIN PRIVATE KEY-----` is not a secret.
        if _SHORTEST_PART <= len(line) < len(whole) and not line.startswith("-----"):
            found += [line, *_escaped(line)]
    return tuple(dict.fromkeys(found))


def byte_forms(forms: Iterable[str]) -> tuple[bytes, ...]:
    """The same as UTF-8, and the value itself as UTF-16 and UTF-32, as some programs
    and numpy hold text."""
    forms = tuple(forms)
    wide = [
        forms[0].encode(codec, "surrogatepass") for codec in ("utf-16-le", "utf-32-le")
    ]
    return tuple(dict.fromkeys([*map(_bytes, forms), *wide]))


def _bytes(text: str) -> bytes:
    """As the environment had it; other halves of surrogate pairs as they are."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _escaped(text: str) -> Iterator[str]:
    yield from _as_python(text)
    yield from _as_json(text)
    yield from _as_html(text)
    data = _bytes(text)
    for found in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield found
        yield re.sub("%..", lambda match: match[0].lower(), found)


def _coded(text: str) -> Iterator[str]:
    data = _bytes(text)
    for apart in ("", ":", " "):
        shown = data.hex(apart) if apart else data.hex()
        yield from (shown, shown.upper())
    yield from (code for code in _as_base64(data) if len(code) >= _SHORTEST_PART)


def _as_python(text: str) -> Iterator[str]:
    """As in a repr, whichever quotes stand around the text that it is part of."""
    both = repr(text + "'\"")[1:-4]
    for escaped in (
        both,
        both.replace("\\'", "'"),
        ascii(text + "'\"")[1:-4],
        text.replace('"', '\\"'),
    ):
        yield escaped
        yield repr(escaped + "'\"")[1:-4]
    wide = text.encode("utf-16-le", "surrogatepass")
    for data in (_bytes(text), wide):
        yield repr(data + b"'\"")[2:-4]
        yield repr(data + b"'\"")[2:-4].replace("\\'", "'")


def _as_json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (
            written,
            written.replace("/", "\\/"),
            json.dumps(written, ensure_ascii=ascii_only)[1:-1],
        )


def _as_html(text: str) -> Iterator[str]:
    escaped = html.escape(text)
    yield from (escaped, html.escape(text, quote=False), html.escape(escaped))
    for apostrophe, quotation in (
        ("&#39;", "&#34;"),
        ("&#39;", "&quot;"),
        ("&apos;", "&quot;"),
    ):
        yield escaped.replace("&#x27;", apostrophe).replace("&quot;", quotation)


def _as_base64(data: bytes) -> Iterator[str]:
    """Wherever the value stands in what was encoded: of the letters, those that it
    alone decides."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data).rstrip(b"=").decode()
        kept = whole[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        yield from (kept, kept.replace("+", "-").replace("/", "_"))
    yield from base64.encodebytes(data).decode().splitlines()
