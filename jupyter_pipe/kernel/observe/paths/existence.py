"""Existence checks: `os.stat`, `os.lstat`, `os.readlink` and `os.access`, of which no
audit event tells.

`os.path`, `pathlib` and most libraries look them up in `os` at each call, so that is
where they are replaced, by objects that behave as built-in functions do: they are not
methods in a class, they are pickled by name, and what `os` says about its functions
(`os.supports_fd`) holds for them. The pathlib of Python 3.10 looks them up once, when
it is imported: it is given the same objects.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["RESOLVING", "ExistenceWatch", "aspect_of"]

_NAMES = ("stat", "lstat", "readlink", "access")
_SETS = (
    "supports_dir_fd",
    "supports_effective_ids",
    "supports_fd",
    "supports_follow_symlinks",
)

# What asks in passing, and whose own answer does not depend on it or is told of
# elsewhere: `makedirs` makes what is missing, `copy` opens what it copies.
_IN_PASSING = frozenset(
    {
        *("makedirs", "_ensure_directory", "walk", "fwalk", "_walk", "_fwalk"),
        *(
            "copyfile",
            "copy",
            "copy2",
            "copystat",
            "copymode",
            "_samefile",
            "copyfileobj",
            "_stat",
            "move",
        ),
        *(
            "_rmtree_safe_fd",
            "_rmtree_unsafe",
            "rmtree",
            "checkcache",
            "updatecache",
            "getsourcefile",
        ),
        *(
            "disk_usage",
            "_islink",
            "_exists",
            "mkdtemp",
            "_mkstemp_inner",
            "_get_default_tempdir",
        ),
        *("getmodule", "getabsfile"),
        # in each folder of PATH, for the shell of `!ls`
        "pexpect.utils.is_executable_file",
    }
)
_WHETHER = frozenset(
    {
        *("exists", "isfile", "isdir", "lexists", "islink", "ismount", "which"),
        *(
            "is_file",
            "is_dir",
            "is_symlink",
            "is_mount",
            "is_block_device",
            "is_socket",
            "is_fifo",
        ),
    }
)
_LINKS = frozenset({"lexists", "islink", "is_symlink", "samefile"})
RESOLVING = frozenset({"_joinrealpath", "realpath", "resolve"})
"""What looks at each folder on the way to a file, whether it is a link."""
_FOR_OTHERS = _WHETHER | _LINKS | RESOLVING
"""What learns for who calls it: in passing, if that one asks in passing."""
_SIZE = frozenset({"getsize", "cmp"})
"""`filecmp.cmp` reads no file if the sizes differ."""
_TIMES = frozenset({"getmtime", "getatime", "getctime"})
_FORWARDING = frozenset({"stat", "lstat", "_ignore_error"})


class _Told:
    """One function of `os` that tells of its calls first."""

    def __init__(self, original: Any, tell: Callable[..., None]) -> None:
        self.__wrapped__ = original
        self.__module__ = "os"
        self.__name__ = self.__qualname__ = original.__name__
        self.__doc__ = original.__doc__
        self.__text_signature__ = original.__text_signature__
        self._tell = tell

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        self._tell(
            self.__name__, args[0] if args else kwargs.get("path"), kwargs.get("dir_fd")
        )
        return self.__wrapped__(*args, **kwargs)

    def __reduce__(self) -> str:
        return str(self.__name__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class ExistenceWatch:
    """Tells `asked(function, path, dir_fd)` of every check, between `begin` and
    `end`."""

    def __init__(self, asked: Callable[..., None]) -> None:
        self._asked = asked
        self._originals: dict[str, Any] = {}

    def begin(self) -> None:
        for name in _NAMES:
            original = self._originals[name] = getattr(os, name)
            told = _Told(original, self._asked)
            for known in _sets():
                if original in known:
                    known.add(told)
            _replace(name, original, told)

    def end(self) -> None:
        for name, original in self._originals.items():
            for known in _sets():
                known.discard(getattr(os, name))
            _replace(name, getattr(os, name), original)
        self._originals.clear()


def _replace(name: str, old: Any, new: Any) -> None:
    """Give a function of `os` another one's place, wherever it is looked up."""
    kept = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)
    if kept is not None and vars(kept).get(name) is old:
        setattr(kept, name, new)
    setattr(os, name, new)


def _sets() -> list[set[Any]]:
    return [getattr(os, name) for name in _SETS]


def aspect_of(function: str, callers: Sequence[str]) -> str:
    """What a check tells to functions of the standard library: `presence`, `content`
    (its size), `times`, `link`, or nothing of interest. `callers` are the names of the
    innermost ones, and at last that of who calls them, with its module, if that is
    another library; empty if the user asks `os` itself: the user may look at anything
    in what `Path.stat` returns."""
    # `Path.is_symlink` asks `Path.lstat`, which asks `Path.stat`.
    inner, outer = _who_asks(callers)
    if not inner:
        return "link" if function == "readlink" else "times"
    if inner in _IN_PASSING or (inner in _FOR_OTHERS and outer in _IN_PASSING):
        return ""
    if function == "readlink" or inner in RESOLVING | _LINKS:
        return "link"
    if function != "access" and inner in _SIZE | _TIMES:
        return "content" if inner in _SIZE else "times"
    return "presence"


def _who_asks(callers: Sequence[str]) -> tuple[str, str]:
    """The function that asks, and the one that it asks for. Several functions resolve a
    path together."""
    forwarding = next(
        (place for place, name in enumerate(callers) if name not in _FORWARDING), 0
    )
    inner, outer = (*callers[forwarding:], "", "")[:2]
    if inner in RESOLVING:
        outer = next(
            (name for name in callers if name not in RESOLVING | _FORWARDING), ""
        )
    return inner, outer
