"""Keeps every path that a request names below the server's root.

Paths of requests are the server's own ("folder/notebook.ipynb", forward slashes, no
leading slash needed). Symbolic links are followed before the check. Raises PathError.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.notebook.file_kinds import PIPELINE_FILE, is_notebook_file

__all__ = ["PathError", "Root"]


class PathError(PipeError):
    """A path that leads outside the server's root, or to nothing."""


class Root:
    """The folder that the server serves."""

    def __init__(self, folder: Path | str) -> None:
        # Resolved once: what is compared with it is resolved as well.
        self.folder = Path(folder).expanduser().resolve()

    def notebook(self, path: str) -> Path:
        """The notebook that a request names. Its folder is confined; the file is as the
        user sees it."""
        found = self._confined(path)
        if not is_notebook_file(found) or not found.is_file():
            raise PathError(
                f"There is no notebook '{path}'.",
                code="notebook_missing",
                hint="It may have been moved or renamed.",
            )
        return found

    def pipeline(self, path: str) -> Path:
        """What a request wants to run: a notebook, or a `pipeline.toml`, all of whose
        notebooks are confined. Raises NotebookError for a list that cannot be
        understood."""
        found = self._confined(path)
        if found.name != PIPELINE_FILE or not found.is_file():
            return self.notebook(path)
        self.require_list_inside(found)
        return found

    def require_list_inside(self, listed: Path) -> None:
        """Raises PathError if a `pipeline.toml` lists a notebook that lies outside."""
        from jupyter_pipe.compiler.notebook_list import list_notebooks

        for each in list_notebooks([listed]).notebooks:
            self.confine(each.path, each.path.name)

    def directory(self, path: str) -> Path:
        """The folder that a request names; the root itself is the empty path."""
        found = self._confined(path)
        if not found.is_dir():
            raise PathError(f"There is no folder '{path}'.", code="folder_missing")
        return found

    def path_of(self, path: Path) -> str:
        """A file below the root as requests name it; empty for the root, and for what
        lies elsewhere."""
        resolved = path.resolve()
        if not resolved.is_relative_to(self.folder):
            return ""
        relative = resolved.relative_to(self.folder).as_posix()
        return "" if relative == "." else relative

    def confine(self, path: Path, named: str) -> Path:
        """An absolute path of this machine, links followed. Raises PathError if it
        leads outside; the message calls it `named`."""
        try:
            found = path.resolve()
            # Asking the disk finds names that `resolve` lets pass.
            found.exists()
        except (OSError, RuntimeError, ValueError) as error:
            # A name that is too long, links in a circle, a NUL.
            raise _outside(named) from error
        if not found.is_relative_to(self.folder):
            raise _outside(named)
        return found

    def _confined(self, path: str) -> Path:
        # `C:x` names a place on another drive, and NUL ends a name for the system.
        if "\0" in path or Path(path).drive:
            raise _outside(path)
        return self.confine(
            self.folder.joinpath(*(part for part in path.split("/") if part)), path
        )


def _outside(path: str) -> PathError:
    return PathError(
        f"'{path}' is not below the folder that this server serves.",
        code="path_outside",
    )
