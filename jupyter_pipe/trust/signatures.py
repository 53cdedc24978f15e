"""Signatures under JSON documents: an HMAC (SHA-256) as the last member of the object.

    {"stages": 3,
      "signature": "KEY_ID:HMAC"
    }

The document stays JSON that anybody can read; whoever decodes it ignores the member.
What is signed is every byte before it, together with what the document is (`purpose`)
and which one (`name`), so that a signed document proves nothing in another's place.
Pure but for the keys.
"""

from __future__ import annotations

import hmac
import re

from jupyter_pipe.trust.keys import Key, find_key, signing_key

__all__ = ["is_signed", "sign", "unsigned"]

_TAIL = re.compile(rb',\n  "signature": "([0-9a-f]{16}):([0-9a-f]{64})"\n}\n\Z')
_TAIL_BYTES = len(b',\n  "signature": ":"\n}\n') + 16 + 64


def sign(purpose: str, name: str, document: bytes, *, key: Key | None = None) -> bytes:
    """The document with a signature of `key` (default: the user's). It must be a JSON
    object with at least one member."""
    body = document.rstrip().removesuffix(b"}").rstrip()
    chosen = key or signing_key()
    code = _code(chosen, purpose, name, body).encode()
    return b'%b,\n  "signature": "%b:%b"\n}\n' % (body, chosen.id.encode(), code)


def is_signed(purpose: str, name: str, document: bytes) -> bool:
    """Whether a key that this user believes has signed just this."""
    found = _find_tail(document)
    key = find_key(found[1].decode()) if found else None
    if found is None or key is None:
        return False
    code = _code(key, purpose, name, document[: found.start()])
    return hmac.compare_digest(code, found[2].decode())


def unsigned(document: bytes) -> bytes:
    """The document without its signature, whoever made that."""
    found = _find_tail(document)
    return document if found is None else document[: found.start()] + b"\n}\n"


def _find_tail(document: bytes) -> re.Match[bytes] | None:
    return _TAIL.search(document, max(len(document) - _TAIL_BYTES, 0))


def _code(key: Key, purpose: str, name: str, body: bytes) -> str:
    about = f"jupyter_pipe\0{purpose}\0{name}\0".encode("utf-8", "surrogateescape")
    return hmac.digest(key.secret, about + body, "sha256").hex()
