"""Which paths count: the user's own, not the interpreter's, the system's or ours."""

from __future__ import annotations

import os
import re
import sys
import tempfile

__all__ = ["UNLISTED", "PathRules"]

UNLISTED = frozenset({".jupyter_pipe", "__pycache__", ".ipynb_checkpoints"})
"""As in `artifacts/protocol.py`: entries that come and go with tools."""

_NAMES = "|".join(map(re.escape, sorted(UNLISTED)))
_TOOLS = re.compile(rf"/(?:site|dist)-packages/|(?:^|/)(?:{_NAMES})(?:/|$)")
_MARKS = ("-packages/", *sorted(UNLISTED))
_INTERPRETER = (
    "lib",
    "lib64",
    "bin",
    "include",
    "etc",
    "pyvenv.cfg",
    "share/jupyter",
    "share/locale",
)
_SYSTEM = (
    *(
        "/proc",
        "/dev",
        "/sys",
        "/lib",
        "/lib64",
        "/bin",
        "/sbin",
        "/usr/lib",
        "/usr/lib64",
        "/usr/bin",
    ),
    *(
        "/usr/share/zoneinfo",
        "/usr/share/fonts",
        "/usr/share/locale",
        "/usr/share/mime",
        "/etc/ssl",
    ),
)
_SYSTEM_DATA = (
    "/etc",
    "/usr",
    "/opt/conda",
    "/var/lib",
    "/var/cache",
    "/run",
    "/System",
    "/Library",
)
# Made by libraries while they are imported, which a forked kernel does not do again.
_TEMPORARY = ("ipykernel_", "matplotlib-", "joblib_memmapping_folder_", "pymp-")


class PathRules:
    """For a stage whose kernel works in `folder` (absolute).

    What is `foreign` never counts: versions cover it. Most of it begins with one of
    `libraries`. What is `remote` (settings in the home, data of the system) counts only
    where the user's own code asks for it by name, and not a library. What lies behind
    one of `linked` is a package that its developer works on, and counts as if it stood
    where the link leads.
    """

    def __init__(self, folder: str, kernel_side: str) -> None:
        self.folder = folder
        self.below = folder.rstrip("/") + "/"
        home = os.path.expanduser("~").rstrip("/")
        self._foreign = (
            self._around((*_SYSTEM, *_interpreter(), kernel_side), "/") + _temporary()
        )
        self._remote = self._around(_SYSTEM_DATA, "/") + self._around((home,), "/.")
        installed = [
            one for one in sys.path if one.endswith("-packages") and one.startswith("/")
        ]
        self.libraries = self._foreign + tuple(f"{one}/" for one in installed)
        self.linked = tuple(
            link for each in installed for link in _linked_packages(each)
        )

    def _around(self, roots: tuple[str, ...], end: str) -> tuple[str, ...]:
        """Prefixes of paths, without those that the notebook's folder lies in."""
        prefixes = (root + end for root in roots)
        return tuple(prefix for prefix in prefixes if not self.below.startswith(prefix))

    def is_foreign(self, path: str) -> bool:
        """Whether nothing that is read there can be an input. `path` may be
        relative."""
        if path.startswith(self._foreign):
            return not path.startswith(self.linked)
        # Most paths have none of these in them, and the expression takes five times as
        # long to say so.
        for mark in _MARKS:
            if mark in path:
                return _TOOLS.search(path) is not None and not path.startswith(
                    self.linked
                )
        return False

    def is_remote(self, path: str) -> bool:
        """Whether only a direct request makes it an input."""
        return path.startswith(self._remote)

    def shown(self, path: str) -> str:
        """The path as it is reported: relative to the folder if it lies below it."""
        if path.startswith(self.below):
            path = path[len(self.below) :]
        elif path == self.folder:
            path = "."
        return path.replace(os.sep, "/")


def _interpreter() -> tuple[str, ...]:
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    standard_library = os.path.dirname(os.path.abspath(os.__file__))
    return (
        *(
            os.path.join(prefix, part)
            for prefix in sorted(prefixes)
            for part in _INTERPRETER
        ),
        standard_library,
    )


def _linked_packages(folder: str) -> list[str]:
    """What `flit install --symlink` leaves in a folder of packages, and whoever links
    by hand. Installers that link every package to their own cache link to folders in
    which its metadata lies, too."""
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for entry in entries if entry.is_symlink()]
    except OSError:
        return []
    return [
        f"{link}/" if os.path.isdir(link) else link
        for link in links
        if not _is_unpacked(link)
    ]


def _is_unpacked(link: str) -> bool:
    try:
        return any(
            name.endswith(".dist-info")
            for name in os.listdir(os.path.dirname(os.path.realpath(link)))
        )
    except OSError:
        return True


def _temporary() -> tuple[str, ...]:
    folder = tempfile.gettempdir()
    return tuple(os.path.join(folder, start) for start in _TEMPORARY)
