"""The present, as far as it is compared with what a stage observed: files, variables,
the day.

A file that an earlier stage of the same run has left counts as that stage left it, even
where a later stage of the run before has gone on from there: that is how the notebook
would find it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import ObservedPath
from jupyter_pipe.observe.digests import (
    FILE,
    FOLDER,
    MISSING,
    listed_names,
    presence_of,
)

__all__ = ["OWN_VARIABLES", "Present", "folder_of", "today"]

OWN_VARIABLES = ("JUPYTER_PIPE_", "JPY_")
"""Variables that the runner itself sets begin so. They differ from run to run and do
not count."""
_SESSION_VARIABLES = (
    *(
        "_",
        "SHLVL",
        "PWD",
        "OLDPWD",
        "COLUMNS",
        "LINES",
        "WINDOWID",
        "DISPLAY",
        "LS_COLORS",
        "PYTHONHASHSEED",
    ),
    *(
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "CLICOLOR",
        "FORCE_COLOR",
        "NO_COLOR",
        "PAGER",
        "GIT_PAGER",
    ),
)
_SESSION_PREFIXES = (
    "TERM",
    "SSH_",
    "XDG_",
    "DBUS_",
    "WAYLAND_",
    "VSCODE_",
    "PYTEST_",
    "JUPYTERHUB_",
)


class Present(Struct, frozen=True):
    """What a stage would find now. `environment` are the variables that its kernel is
    given, `secrets` the names of those that must not be shown; `left` maps paths, as
    observations name them, to what earlier stages of the same run left there. `emptied`
    are folders that one of them emptied, by their listings at its end: whatever else
    lies there now, a later stage of an earlier run has put there."""

    workdir: Path
    environment: Mapping[str, str] = {}
    secrets: frozenset[str] = frozenset()
    salt: str = ""
    day: str = ""
    left: Mapping[str, ObservedPath] = {}
    emptied: Mapping[str, ObservedPath] = {}

    def path(self, name: str) -> Path:
        """Where a path of an observation is."""
        return self.workdir / name

    def variable(self, name: str) -> str | None:
        """The value of an environment variable; of `*` all of them, as one text."""
        if name == "*":
            return _all_variables(self.environment)
        return self.environment.get(name)

    def presence(self, name: str) -> str:
        """`file`, `folder` or `missing`."""
        left = self.left_at(name)
        if left is None:
            return presence_of(self.path(name))
        return left.digest if left.digest in {MISSING, FOLDER} else FILE

    def names(self, name: str, pattern: str) -> list[str] | None:
        """A folder's entries; None if there is no such folder."""
        found = listed_names(self.path(name), pattern)
        # No such folder, or nobody wrote: the disk says it all.
        if found is None or not self.left:
            return found
        emptied = self.emptied.get(name)
        if emptied is not None:
            found = [one for one in found if emptied.lists(one.rstrip("/"))]
        return self._with_left(name, pattern, found)

    def left_at(self, name: str) -> ObservedPath | None:
        """What an earlier stage left at a path, be it nothing; None if none of them had
        to do with it."""
        left = self.left.get(name)
        # What lies in an emptied folder and is not in its listing came later.
        if left is not None or not self.emptied:
            return left
        folder, _, entry = folder_of(name)
        emptied = self.emptied.get(folder)
        if emptied is None or emptied.lists(entry):
            return None
        return ObservedPath(name, "presence", digest=MISSING)

    def _with_left(self, name: str, pattern: str, found: list[str]) -> list[str]:
        from fnmatch import fnmatchcase

        names = set(found)
        for path, left in self.left.items():
            folder, _, entry = folder_of(path)
            if folder == name and (not pattern or fnmatchcase(entry, pattern)):
                # It may be there as a file or as a folder.
                names -= {entry, f"{entry}/"}
                if left.digest != MISSING:
                    names.add(f"{entry}/" if left.digest == FOLDER else entry)
        return sorted(names)


def _all_variables(environment: Mapping[str, str]) -> str:
    """What `os.environ` as a whole stands for: the variables that are neither the
    runner's own nor belong to the terminal that it happens to have been started in."""
    lines = (
        f"{name}={value}"
        for name, value in environment.items()
        if name not in _SESSION_VARIABLES
        and not name.startswith((*OWN_VARIABLES, *_SESSION_PREFIXES))
    )
    return "\n".join(sorted(lines))


def folder_of(path: str) -> tuple[str, str, str]:
    """The folder and the name of a path, with the slash between: `("inputs", "/",
    "a.csv")`."""
    folder, slash, name = path.rpartition("/")
    return (folder or ("/" if slash else "."), slash, name)


def today() -> str:
    """The local day: `2026-11-29`."""
    return datetime.date.today().isoformat()
