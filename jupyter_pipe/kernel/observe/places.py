"""Who touches something, and where: read off the stack, once for each thing that is touched.

Code belongs to a cell, to another file of the user, to the standard library, to a library, to an import
in progress, to the kernel's machinery, or to us. The file name of its code says which.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from types import FrameType
from typing import NamedTuple

from .paths.notes import Where
from .paths.rules import PathRules

__all__ = ["Caller", "Places"]

CELL, USER, STANDARD, LIBRARY, IMPORT, MACHINERY, OURS, OBSERVING = range(8)
_IMPORTING = ("<frozen importlib", "<frozen zipimport")
_IMPORTLIB = ("/importlib/__init__.py", "/importlib/util.py", "/kernel/ambient.py")
_CELLS = ("<ipython-input", "<cell", "<timed exec>", "<timed eval>", "<magic-timeit>", "<definition of")
# What ipykernel calls the code of a cell: /tmp/ipykernel_4711/1234567.py
_CELL_FILE = re.compile(r"[/\\]ipykernel_\d+[/\\]\d+\.py$")
_TIMED = ("<timed exec>", "<timed eval>", "<magic-timeit>")
_MACHINERY = ("/ipykernel/", "/IPython/", "/zmq/", "/tornado/", "/traitlets/", "/debugpy/")


class Caller(NamedTuple):
    """`line` is that of the running cell's statement, 0 if none is known. `direct`: no library stands
    between the user's code and the call. `importing`: a library touches it while it is imported."""

    line: int
    direct: bool
    importing: bool


class Places:
    """Knows the kinds of code by file name; `kernel_side` is our own folder. `cell_id` is the cell that
    runs now, empty while code of earlier cells is replayed."""

    def __init__(self, rules: PathRules, kernel_side: str) -> None:
        self._rules = rules
        self._ours = kernel_side + "/"
        self._observing = os.path.dirname(os.path.abspath(__file__)) + "/"
        self.cell_id = ""
        self._kinds: dict[str, int] = {}
        self._main = threading.main_thread().ident

    def calling_frame(self) -> FrameType | None:
        """The innermost frame that is not at work observing."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and self.kind(frame.f_code.co_filename) == OBSERVING:
            frame = frame.f_back
        return frame

    def main_frame(self) -> FrameType | None:
        """What the main thread is doing: a thread that works for IPython is awaited there."""
        return sys._current_frames().get(self._main or 0)

    def is_users_import(self) -> bool:
        """Whether it is the user's own code that imports just now, and not another import."""
        frame = self.calling_frame()
        while frame is not None and self._is_importing(frame.f_code.co_filename):
            frame = frame.f_back
        return frame is not None and self.kind(frame.f_code.co_filename) in (CELL, USER)

    def askers(self) -> tuple[int, tuple[str, str]]:
        """The kind of code that asks by way of the standard library, and the names of the library's innermost
        two functions that it asks by; either may be empty."""
        frame = self.calling_frame()
        names: list[str] = []
        while frame is not None and (kind := self.kind(frame.f_code.co_filename)) == STANDARD:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        inner, outer, *_ = (*names, "", "")
        return (MACHINERY if frame is None else kind), (inner, outer)

    def is_for_itself(self, forwarding: frozenset[str]) -> bool:
        """Whether the standard library asks for itself, not by a function that asks for others."""
        frame = self.calling_frame()
        while frame is not None and self.kind(frame.f_code.co_filename) == STANDARD:
            if frame.f_code.co_name not in forwarding:
                return True
            frame = frame.f_back
        return False

    def _is_importing(self, file: str) -> bool:
        return self.kind(file) == IMPORT or file.endswith(_IMPORTLIB)

    def find(self, frame: FrameType | None = None) -> Caller | None:
        """Who is at work in the frame (default: the calling one); None if it is only the kernel, or us."""
        frame = frame or self.calling_frame()
        importing = library = machinery = False
        while frame is not None:
            kind = self.kind(frame.f_code.co_filename)
            if kind in (CELL, USER):
                return Caller(self._line(frame), not library, importing)
            if kind == OURS:
                return None
            importing = importing or kind == IMPORT
            library = library or kind in (LIBRARY, MACHINERY)
            machinery = machinery or kind == MACHINERY
            frame = frame.f_back
        # A thread of a pool may have no code of the user's on its stack: `pool.map(pd.read_csv, paths)`.
        if machinery or threading.get_ident() == self._main:
            return None
        return Caller(0, False, importing)

    def _line(self, frame: FrameType | None) -> int:
        """The statement of the running cell that has led to the user's code in the frame."""
        while frame is not None:
            code = frame.f_code
            if code.co_name == "<module>" and self.kind(code.co_filename) == CELL:
                # The body of `%%time` begins on the second line of its cell.
                return frame.f_lineno + (code.co_filename in _TIMED)
            frame = frame.f_back
        return 0

    def where(self, caller: Caller) -> Where:
        """As it is reported. A line of a cell that is replayed would lead nowhere."""
        return Where(self.cell_id, caller.line if self.cell_id else 0)

    def kind(self, file: str) -> int:
        """Of the code that was compiled from a file of this name."""
        known = self._kinds.get(file)
        if known is None:
            known = self._kinds[file] = self._kind(file)
        return known

    def _kind(self, file: str) -> int:
        if file.startswith("<"):
            return _kind_of_made_code(file)
        if file.startswith(self._ours):
            return OBSERVING if file.startswith(self._observing) else OURS
        if _CELL_FILE.search(file):
            return CELL
        if any(part in file for part in _MACHINERY):
            return MACHINERY
        if self._rules.is_foreign(file):
            return LIBRARY if "-packages/" in file else STANDARD
        return USER


def _kind_of_made_code(file: str) -> int:
    if file.startswith(_CELLS):
        return CELL
    if file.startswith(_IMPORTING):
        return IMPORT
    return STANDARD
