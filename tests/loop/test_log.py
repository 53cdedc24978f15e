from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.machine.log import LoopLog

RECORDS = (
    rc.Began(time=1.0),
    rc.Promoted(time=2.0, version=3),
    rc.Notified(time=3.0, key="k"),
)


@pytest.fixture
def log(tmp_path: Path) -> LoopLog:
    found = LoopLog(tmp_path / "w")
    for record in RECORDS:
        found.append(record)
    return found


def test_what_is_written_is_read(log: LoopLog) -> None:
    assert log.records() == RECORDS
    assert LoopLog(log.folder.parent / "other").records() == ()


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_a_torn_line_was_not_written(log: LoopLog, cut: int) -> None:
    data = log.path.read_bytes()
    log.path.write_bytes(data[:-cut])
    assert log.records() == RECORDS[:2]
    log.append(RECORDS[2])
    assert log.records() == RECORDS


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [
            lines[0],
            lines[1].replace(b'"version":3', b'"version":4'),
            lines[2],
        ],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [lines[0], b'{"record":"promoted","version":9}', lines[2]],
        lambda lines: [b"\xff\xfe", *lines[1:]],
    ],
    ids=["altered", "left out", "other order", "not signed", "damaged"],
)
def test_what_others_wrote_is_refused(log: LoopLog, change: object) -> None:
    """A record makes the loop promote models, so a cloned folder must not bring any."""
    lines = log.path.read_bytes().splitlines()
    log.path.write_bytes(b"\n".join(change(lines)) + b"\n")
    with pytest.raises(LoopError, match="not signed by you"):
        log.records()


def test_records_of_another_notebook_do_not_count(log: LoopLog) -> None:
    other = LoopLog(log.folder.parent / "v")
    other.folder.mkdir()
    other.path.write_bytes(log.path.read_bytes())
    with pytest.raises(LoopError):
        other.records()
