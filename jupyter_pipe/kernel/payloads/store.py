"""The store as a kernel sees it: a folder of payloads that only its owner can write.

Which files have been verified is remembered beside them by inode, size and times: a
file that changed since, by whatever hand, is hashed again before anything in it is
believed.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat

from ..errors import PayloadError, UntrustedStoreError
from .payload_file import PayloadFile, file_digest, payload_path

__all__ = ["is_verified", "mark_verified", "open_payload", "prepare_store"]


def prepare_store(folder: str, *, trust: bool = False) -> None:
    """Makes the folder if needed and refuses one that others could have filled.

    Raises UntrustedStoreError.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if trust or not hasattr(os, "getuid"):
        return
    status = os.stat(folder)
    if status.st_uid != os.getuid():
        raise UntrustedStoreError(
            f"The store {folder} belongs to another user; loading its values would run that user's code."
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UntrustedStoreError(
            f"Others can write the store {folder}; loading its values could run their code. "
            f"Make it private with: chmod 700 {folder}"
        )


def open_payload(folder: str, artifact: str, *, writable: bool = True) -> PayloadFile:
    """Raises PayloadError if the file is missing or is not what its address says."""
    path = payload_path(folder, artifact)
    payload = PayloadFile(path, writable=writable)
    if not is_verified(path):
        if file_digest(path) != artifact:
            raise PayloadError(
                f"The stored value {path} was altered after it was written."
            )
        mark_verified(path)
    return payload


def _identity(path: str) -> list[int]:
    status = os.stat(path)
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def is_verified(path: str) -> bool:
    """Whether the file is as it was when it was last verified."""
    try:
        mark = path + ".verified"
        if not os.path.isfile(mark):  # a pipe would be waited for
            return False
        with open(mark, encoding="utf-8") as file:
            return bool(json.loads(file.read(1000)) == _identity(path))
    except (OSError, ValueError, RecursionError):
        return False


def mark_verified(path: str) -> None:
    """Only a saving of time: a read-only store is verified at each read."""
    with contextlib.suppress(OSError):
        temporary = f"{path}.verified-{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(_identity(path), file)
        os.replace(temporary, path + ".verified")
