"""Signs what somebody else left in a folder's `.jupyter_pipe/`, on behalf of a user who
trusts that.

It is signed with a key made for the folder, not with the user's own: forgetting that
key takes the trust back, and what the user computed stays. What comes into the folder
later is not trusted. Raises PipeError.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.keys import Key, accept_key, accepted_keys, key_of, new_key_text
from jupyter_pipe.trust.records import is_foreign, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Trusted", "trust_folder"]


class Trusted(Struct, frozen=True):
    """How much is believed now that was not before."""

    results: int = 0
    runs: int = 0


def trust_folder(store: RunStore, *, now: float) -> Trusted:
    """Believe every record that is in the store now. `now` is in UTC seconds since the
    epoch."""
    if not store.state_folder.is_dir():
        raise RunError(
            f"There is nothing to trust in {store.root}: it has no .jupyter_pipe.",
            code="folder_missing",
        )
    foreign = [record for record in _records(store) if is_foreign(*record)]
    if not foreign:
        return Trusted()
    key = _key_for(store, now)
    signed = [
        purpose for path, purpose, name in foreign if _sign(path, purpose, name, key)
    ]
    return Trusted(signed.count("results"), signed.count("run"))


def _records(store: RunStore) -> Iterator[tuple[Path, str, str]]:
    """Every record: its file, and what it is signed as. Links are not followed out of
    the folder.

    Kept packages and versions are left out, since they are made anew in no time, and
    `url`, which would send the user's own values away.
    """
    cache, runs = store.state_folder / "cache", store.runs_folder
    yield store.state_folder / "effects.json", "learned", ""
    for path in _files(cache, "entries/*/*.json"):
        yield path, "results", path.stem
    for path in _files(cache, "latest/*/*.json"):
        yield path, "latest", f"{path.parent.name}/{path.stem}"
    for path in _files(runs, "*/run.json"):
        yield path, "run", path.parent.name
    for path in _files(runs, "*/stages/*/result.json"):
        yield path, "result", f"{path.parts[-4]}/{path.parts[-2]}"
    for path in _files(runs, "*/stages/*/attempts/*/context.json"):
        yield path, "context", f"{path.parts[-6]}/{path.parts[-4]}/{path.parts[-2]}"


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    inside = folder.resolve()
    for path in sorted(folder.glob(pattern)):
        if not path.is_symlink() and path.resolve().is_relative_to(inside):
            yield path


def _key_for(store: RunStore, now: float) -> Key:
    """The folder's key, if it was trusted before."""
    source = str(store.root)
    known = next((each.key for each in accepted_keys() if each.source == source), None)
    return key_of(accept_key(known or new_key_text(), source=source, now=now).key)


def _sign(path: Path, purpose: str, name: str, key: Key) -> bool:
    """Sign one record. What is not a record stays as it is, and is not believed."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        document = read_record(path, purpose, name, trust=True)
        if msgspec.json.decode(document, type=dict[str, msgspec.Raw]):
            replace_file(path, sign(purpose, name, document, key=key))
            return True
    return False
