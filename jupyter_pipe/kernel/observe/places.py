"""Who touches something, and where: read off the stack, once for each thing that is
touched.

Code belongs to a cell, to another file of the user, to the standard library, to a
library, to an import in progress, to the kernel's machinery, or to us. The globals of a
frame say which; its code would say so, too, but asking a frame for its code is itself
an audited event, which costs more than all the rest.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any, NamedTuple

from .paths.notes import Where
from .paths.rules import PathRules

__all__ = ["CELL", "MACHINERY", "STANDARD", "USER", "Caller", "Places"]

CELL, USER, STANDARD, LIBRARY, IMPORT, MACHINERY, OURS, OBSERVING = range(8)
_IMPORTING = ("importlib._bootstrap", "_frozen_importlib", "zipimport")
_IMPORTLIB = ("/importlib/__init__.py", "/importlib/util.py")
# Who looks for what is installed, looks into the folder of the notebook as well.
_METADATA = (
    "/importlib/metadata/",
    "/importlib_metadata/",
    "/pkg_resources/",
    "/pkgutil.py",
)
_CELLS = (
    "<ipython-input",
    "<cell",
    "<timed exec>",
    "<timed eval>",
    "<magic-timeit>",
    "<definition of",
)
# What ipykernel calls the code of a cell: /tmp/ipykernel_4711/1234567.py
_CELL_FILE = re.compile(r"[/\\]ipykernel_\d+[/\\]\d+\.py$")
_TIMED = ("<timed exec>", "<timed eval>", "<magic-timeit>")
_MACHINERY = (
    "/ipykernel/",
    "/IPython/",
    "/zmq/",
    "/tornado/",
    "/traitlets/",
    "/debugpy/",
)
# Pools call what the user has given to them.
_CALLING = (
    "/futures/process.py",
    "/futures/thread.py",
    "/multiprocessing/pool.py",
    "/threading.py",
)
_PASSING_ON = ("/joblib/", "/loky/", "/pexpect/", "/ptyprocess/")
_LAUNCHER = "/ipykernel_launcher.py"


class Caller(NamedTuple):
    """`line` is that of the running cell's statement, 0 if none is known. `direct`: no
    library stands between the user's code and the call. `importing`: a library touches
    it while it is imported."""

    line: int
    direct: bool
    importing: bool


class Places:
    """Knows the kinds of code. `namespace` is that of the cells, `kernel_side` our own
    folder, `cell_id` the cell that runs now, empty while code of earlier cells is
    replayed. `everything`: the process works for the user alone."""

    def __init__(
        self, rules: PathRules, kernel_side: str, namespace: Mapping[str, Any]
    ) -> None:
        self.cell_id = ""
        self.everything = False
        self._rules = rules
        self._namespace = namespace
        self._ours = kernel_side + "/"
        self._observing = os.path.dirname(os.path.abspath(__file__)) + "/"
        self._kinds: dict[str, int] = {}
        self._main = threading.main_thread().ident

    def calling_frame(self) -> FrameType | None:
        """The innermost frame that is not at work observing."""
        frame: FrameType | None = sys._getframe(1)
        kinds = self._kinds
        # There are six of our frames in between: a call for each was a quarter of what
        # an `open` costs.
        while frame is not None:
            ours = kinds.get(frame.f_globals.get("__file__", "")) == OBSERVING
            if not ours and self._kind_of(frame) != OBSERVING:
                return frame
            frame = frame.f_back
        return None

    def main_frame(self) -> FrameType | None:
        """What the main thread is doing: a thread that works for IPython is awaited
        there."""
        return sys._current_frames().get(self._main or 0)

    def find(self, frame: FrameType | None = None) -> Caller | None:
        """Who is at work in the frame (default: the calling one); None if it is only
        the kernel, or us."""
        frame = frame or self.calling_frame()
        importing = library = machinery = False
        while frame is not None:
            kind = self._kind_of(frame)
            if kind <= USER:
                return Caller(self._line(frame), not library, importing)
            if kind == OURS:
                return None
            importing = importing or kind == IMPORT
            machinery = machinery or kind == MACHINERY
            library = library or machinery or kind == LIBRARY
            frame = frame.f_back
        # A thread of a pool may have no code of the user's on its stack:
        # `pool.map(pd.read_csv, paths)`.
        if machinery or (threading.get_ident() == self._main and not self.everything):
            return None
        return Caller(0, False, importing)

    def where(self, caller: Caller) -> Where:
        """As it is reported. A line of a cell that is replayed would lead nowhere."""
        return Where(self.cell_id, caller.line if self.cell_id else 0)

    def is_users_import(self) -> bool:
        """Whether it is the user's own code that imports just now, and not another
        import."""
        frame = self.calling_frame()
        while frame is not None and self._is_importing(frame):
            frame = frame.f_back
        return frame is not None and self._kind_of(frame) <= USER

    def askers(self) -> tuple[int, tuple[str, ...]]:
        """The kind of code that asks by way of the standard library, and the names of
        the library's innermost four functions that it asks by, empty where there are
        fewer; of those that call themselves once. If another library asks by them, the
        next is that of its function, with the module.

        A thread of a pool works for the user, though no code of the user's may be on
        its stack: `pool.map(os.path.exists, paths)`.
        """
        frame = self.calling_frame()
        names: list[str] = []
        while frame is not None and (kind := self._kind_of(frame)) == STANDARD:
            name = frame.f_code.co_name
            if len(names) < 4 and (not names or names[-1] != name):
                names.append(name)
            frame = frame.f_back
        if frame is None:
            kind = MACHINERY if threading.get_ident() == self._main else USER
        elif names and kind == LIBRARY:
            names.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}")
        return kind, (*names, "", "", "", "")[:4]

    def is_for_itself(self, forwarding: frozenset[str]) -> bool:
        """Whether the standard library asks for itself, not by a function that asks for
        others; or a library that passes on to its workers what it got."""
        frame = self.calling_frame()
        while frame is not None and self._kind_of(frame) == STANDARD:
            if str(frame.f_globals.get("__file__")).endswith(_CALLING):
                return False
            if frame.f_code.co_name not in forwarding:
                return True
            frame = frame.f_back
        file = str(frame.f_globals.get("__file__")) if frame is not None else ""
        return _has_part(file, _PASSING_ON)

    def is_users_code(self) -> bool:
        """Whether the calling frame itself is the user's."""
        frame = self.calling_frame()
        return frame is not None and self._kind_of(frame) <= USER

    def kind(self, file: str) -> int:
        """Of code that was compiled under this file name."""
        known = self._kinds.get(file)
        if known is None:
            known = self._kinds[file] = self._find_kind(file)
        return known

    def _line(self, frame: FrameType) -> int:
        """The statement of the running cell that has led to the user's code in the
        frame."""
        found = None
        walked: FrameType | None = frame
        while walked is not None and (kind := self._kind_of(walked)) != MACHINERY:
            found = walked if kind == CELL else found
            walked = walked.f_back
        if found is None:
            return 0
        # The body of `%%time` begins on the second line of its cell.
        return found.f_lineno + (found.f_code.co_filename in _TIMED)

    def _is_importing(self, frame: FrameType) -> bool:
        file = frame.f_globals.get("__file__") or ""
        return self._kind_of(frame) == IMPORT or file.endswith(_IMPORTLIB)

    def _kind_of(self, frame: FrameType) -> int:
        scope = frame.f_globals
        if scope is self._namespace:
            return CELL
        file = scope.get("__file__") or scope.get("__name__") or "<"
        known = self._kinds.get(file)
        if known is None:
            importing = str(scope.get("__name__")).startswith(_IMPORTING)
            known = self._kinds[file] = IMPORT if importing else self._find_kind(file)
        return known

    def _find_kind(self, file: str) -> int:
        """Whose code a file is: of a cell, the user, a library, Python, the kernel's
        machinery, or ours. The order of the tests matters, since our own files also lie
        among the libraries once installed."""
        # Code that nobody wrote into a file has the name of its module, or one in
        # brackets.
        if file.startswith("<") or not (os.sep in file or file.endswith(".py")):
            return CELL if file.startswith(_CELLS) else STANDARD
        if file.startswith(self._ours):
            return self._kind_of_ours(file)
        if _CELL_FILE.search(file):
            return CELL
        if file.endswith(_LAUNCHER) or _has_part(file, _MACHINERY):
            return MACHINERY
        if _has_part(file, _METADATA):
            return IMPORT
        if self._rules.is_foreign(file):
            return LIBRARY if "-packages/" in file else STANDARD
        return USER

    def _kind_of_ours(self, file: str) -> int:
        """What a file of this package does between the user's code and the system."""
        if file.startswith(self._observing):
            return OBSERVING
        # The ambient state has a finder that stands between the user's import and what
        # it finds.
        return IMPORT if file.endswith("/ambient.py") else OURS


def _has_part(file: str, parts: Iterable[str]) -> bool:
    return any(part in file for part in parts)
