"""Copies of the files that a notebook reads, of long tables only the beginning."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["copy_file"]

# Bytes: enough rows for a test, and little enough for a repository.
_LONG = 100_000
# Files of these kinds can be cut after a line.
_BY_LINE = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})


def copy_file(source: Path, target: Path, *, cut: bool) -> bool:
    """Copy a file; with `cut`, of a table with one row a line at most 100 kB. Says
    whether it was cut."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if (
        not cut
        or source.suffix.lower() not in _BY_LINE
        or source.stat().st_size <= _LONG
    ):
        shutil.copyfile(source, target)
        return False
    with source.open("rb") as file:
        lines = file.read(_LONG).splitlines(keepends=True)
    target.write_bytes(b"".join(lines[:-1]))  # the last line may be half of one
    return True
