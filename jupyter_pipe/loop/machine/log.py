"""`loop.jsonl`: the records of one loop on disk. Append-only, one writer.

Each line is written whole and synced before anybody acts upon it; what a torn write
left at the end is cut off by the next writer. Each line is signed with its number and
the notebook's name: a record makes the loop promote models and send notices, so one
that others wrote counts for nothing. Raises LoopError.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop.deciding.records import Record, decode_record, encode_record
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file
from jupyter_pipe.trust.signatures import is_signed, sign

__all__ = ["LoopLog", "loop_folder"]

_PURPOSE = "loop"
# Signatures are made of three lines, and records of one.
_TAIL = re.compile(rb',  "signature": "([0-9a-f]{16}:[0-9a-f]{64})"}$')


def loop_folder(state_folder: Path, stem: str) -> Path:
    """Where the loop of the notebook `STEM.ipynb` keeps its files."""
    return state_folder / "loops" / stem


class LoopLog:
    """The file in `folder`, which is made when something is first written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "loop.jsonl"

    def records(self) -> tuple[Record, ...]:
        """All of them, from the first; none if there is no file. A torn last line is
        not there yet."""
        try:
            data = read_regular_file(self.path, follow=False)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unreadable(str(error.strerror or error)) from None
        # What stands behind the last line end is empty, or a torn line.
        lines = data.split(b"\n")[:-1]
        return tuple(self._record(line, number) for number, line in enumerate(lines, 1))

    def append(self, record: Record) -> None:
        """Raises OSError; the file then ends as before, or in a torn line."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            number = self._cut_torn_line(file.fileno()) + 1
            signed = sign(_PURPOSE, self._name(number), encode_record(record))
            # One write, so that a kill leaves at most one torn line.
            file.write(b"%b\n" % signed.replace(b"\n", b""))
            # A decision that a power cut took back would be made, and acted upon,
            # twice.
            os.fsync(file.fileno())

    def _cut_torn_line(self, descriptor: int) -> int:
        """The number of whole lines that are there."""
        if not os.fstat(descriptor).st_size:
            return 0
        data = read_regular_file(self.path, follow=False)
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(descriptor, whole)
        return data.count(b"\n")

    def _name(self, number: int) -> str:
        return f"{self.folder.name}:{number}"

    def _record(self, line: bytes, number: int) -> Record:
        """A decision that cannot be read might be made twice, so the loop does not
        guess."""
        if not is_signed(
            _PURPOSE,
            self._name(number),
            _TAIL.sub(rb',\n  "signature": "\1"\n}\n', line),
        ):
            raise self._unreadable(f"line {number} is not signed by you")
        try:
            return decode_record(line)
        except UNREADABLE as error:
            said = (
                str(error)
                if isinstance(error, msgspec.MsgspecError)
                else "it is not JSON"
            )
            raise self._unreadable(f"line {number}: {said}") from None

    def _unreadable(self, why: str) -> LoopError:
        return LoopError(
            f"{self.path} cannot be read: {why}.",
            code="loop_unreadable",
            hint="Move it away to begin anew: what it had decided would then be decided again.",
        )
