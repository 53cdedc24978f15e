"""Files below `.jupyter_pipe/` as they are read: in memory for what they hold, and not
for what they may."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from jupyter_pipe.trust.records import LARGEST_RECORD, read_regular_file


@pytest.mark.parametrize("size", [0, 1, 5_000])
@pytest.mark.parametrize("limit", [5_000, LARGEST_RECORD])
def test_a_small_file_takes_little_memory(
    tmp_path: Path, size: int, limit: int
) -> None:
    path = tmp_path / "record"
    path.write_bytes(b"x" * size)
    tracemalloc.start()
    try:
        assert read_regular_file(path, limit) == b"x" * size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_bytes(b"x" * 11)
    with pytest.raises(OSError, match="too large"):
        read_regular_file(path, 10)


def test_a_file_without_a_size_is_read(tmp_path: Path) -> None:
    assert read_regular_file(Path("/proc/self/status"))
