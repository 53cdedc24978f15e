"""The keys of this user: the one that signs, and those that were accepted besides.

The user's own key is made when it is first needed and lies in the Jupyter data folder,
for the user's eyes only; keys in the environment (`JUPYTER_PIPE_KEY`, for CI and
workers) take its place. Accepted keys are those of colleagues, and one for each folder
that the user trusted. Raises PipeError for a key that is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.errors import PipeError

__all__ = [
    "KEY_VARIABLE",
    "AcceptedKey",
    "Key",
    "accept_key",
    "accepted_keys",
    "find_key",
    "forget_keys",
    "key_of",
    "new_key_text",
    "notify",
    "signing_key",
]

KEY_VARIABLE = "JUPYTER_PIPE_KEY"
"""Keys, separated by spaces: the first one signs, all of them are believed."""

_SHORTEST_KEY = 32
# What the folder of the keys is found by.
_SURROUNDINGS = (
    "JUPYTER_DATA_DIR",
    "JUPYTER_PLATFORM_DIRS",
    "XDG_DATA_HOME",
    "HOME",
    "APPDATA",
)


class Key(Struct, frozen=True):
    """A secret, and the id by which signatures name it. The id tells nothing about the
    secret."""

    id: str
    secret: bytes


class AcceptedKey(Struct, frozen=True):
    """A key that the user believes besides the own one. `source` is the folder that was
    trusted, or who gave the key; `accepted` is in UTC seconds since the epoch."""

    id: str
    key: str
    source: str
    accepted: float


_accepted_decoder = msgspec.json.Decoder(tuple[AcceptedKey, ...])


def key_of(text: str) -> Key:
    """The key that a text stands for. Raises PipeError if it could be guessed."""
    text = text.strip()
    if (
        len(text) < _SHORTEST_KEY
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        raise PipeError(
            f"A key is one word of at least {_SHORTEST_KEY} ASCII characters; this one is not.",
            code="key_invalid",
            hint="Make one with: jupyter pipe trust --new-key",
        )
    secret = text.encode()
    return Key(hashlib.sha256(b"jupyter_pipe key\0" + secret).hexdigest()[:16], secret)


def new_key_text() -> str:
    """A key that nobody has yet."""
    return os.urandom(32).hex()


def signing_key() -> Key:
    """The key that signs what this process writes; made if there is none yet."""
    given = _given_keys(os.environ.get(KEY_VARIABLE, ""))
    return given[0] if given else _own_key(_folder()) or _make_own_key(_folder())


def find_key(key_id: str) -> Key | None:
    """The key of this id, if the user has it or has accepted it."""
    folder = _folder()
    own = _own_key(folder)
    candidates: tuple[Key, ...] = (
        *_given_keys(os.environ.get(KEY_VARIABLE, "")),
        *((own,) if own else ()),
    )
    for key in candidates:
        if key.id == key_id:
            return key
    accepted: dict[str, Key] = _accepted(folder, _stamp(folder / "accepted.json"))
    return accepted.get(key_id)


def accepted_keys() -> tuple[AcceptedKey, ...]:
    """What the user accepted, oldest first."""
    return _read_accepted(_folder())


def accept_key(text: str, *, source: str, now: float) -> AcceptedKey:
    """Believe what this key has signed, from now on. Raises PipeError."""
    accepted = AcceptedKey(key_of(text).id, text.strip(), source, now)
    others = [each for each in accepted_keys() if each.id != accepted.id]
    _write_accepted((*others, accepted))
    return accepted


def forget_keys(ids: frozenset[str]) -> None:
    """Believe these keys no more. Raises PipeError."""
    _write_accepted(tuple(each for each in accepted_keys() if each.id not in ids))


@lru_cache(maxsize=256)
def notify(message: str) -> None:
    """Say something once, on standard error or in the server's log."""
    import logging

    logging.getLogger("jupyter_pipe").warning("%s", message)


@lru_cache(maxsize=8)
def _given_keys(text: str) -> tuple[Key, ...]:
    try:
        return tuple(key_of(each) for each in text.split())
    except PipeError as error:
        raise PipeError(
            f"{KEY_VARIABLE}: {error.message}", code=error.code, hint=error.hint
        ) from None


def _folder() -> Path:
    return _data_folder(*map(os.environ.get, _SURROUNDINGS))


@lru_cache(maxsize=8)
def _data_folder(*_surroundings: str | None) -> Path:
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()).absolute() / "jupyter_pipe"


def _stamp(path: Path | str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_ctime_ns, status.st_ino


# The user's own key


def _own_key(folder: Path) -> Key | None:
    stamp = _stamp(os.path.join(folder, "key"))
    return _read_own_key(folder, stamp) if any(stamp) else None


@lru_cache(maxsize=8)
def _read_own_key(folder: Path, _stamped: tuple[int, int]) -> Key | None:
    path = folder / "key"
    try:
        text = path.read_text(encoding="ascii")
        status = path.stat()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        notify(
            f"The signing key {path} cannot be read ({error}): nothing that it signed is believed."
        )
        return None
    if hasattr(os, "getuid") and (
        status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077
    ):
        notify(
            f"The signing key {path} can be read or replaced by others, so it proves nothing. Remove it: a "
            "new one is made, and results that the old one signed are computed again."
        )
        return None
    try:
        return key_of(text)
    except PipeError:
        notify(f"{path} holds no key: remove it, and a new one is made.")
        return None


def _make_own_key(folder: Path) -> Key:
    """Two processes that make the first key at once end with the same one."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _place_own_key(folder, new_key_text())
    except OSError as error:
        notify(
            f"No signing key can be kept in {folder} ({error.strerror or error}): later runs will not "
            f"believe, and so not reuse, what is computed now. Set {KEY_VARIABLE} to give one."
        )
    return _own_key(folder) or _key_of_this_process()


def _place_own_key(folder: Path, text: str) -> None:
    temporary = folder / f".key.{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, folder / "key")
    finally:
        temporary.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _key_of_this_process() -> Key:
    return key_of(new_key_text())


# Keys that were accepted


@lru_cache(maxsize=8)
def _accepted(folder: Path, _stamped: tuple[int, int]) -> dict[str, Key]:
    return {each.id: key_of(each.key) for each in _read_accepted(folder)}


def _read_accepted(folder: Path) -> tuple[AcceptedKey, ...]:
    path = folder / "accepted.json"
    try:
        return _accepted_decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        notify(
            f"The accepted keys in {path} cannot be read ({error}): none of them is believed."
        )
        return ()


def _write_accepted(keys: tuple[AcceptedKey, ...]) -> None:
    folder = _folder()
    path = folder / "accepted.json"
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(keys), indent=2) + b"\n")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise PipeError(
            f"Accepted keys cannot be kept in {folder}: {error.strerror or error}.",
            code="keys_unwritable",
        ) from error
