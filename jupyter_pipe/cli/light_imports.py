"""What the command's own process leaves out of the libraries that it imports, since it
never uses it.

Only the executables call this: whoever imports jupyter_pipe gets these libraries whole.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

__all__ = ["import_lightly", "leave_out_formats", "leave_out_remote_notebooks"]

_MODULES: dict[str, Any] = vars(sys)["modules"]
"""None stands for a module that cannot be imported."""
_READS_NOTEBOOKS = "papermill.iorw"
_THE_WEB = "requests"
# With pyarrow comes numpy: together a quarter of what a run costs before its first
# cell.
_FAR_FILES = ("pyarrow", "boto3", "azure", "gcsfs", "github")


def leave_out_formats() -> None:
    """nbformat imports jsonschema, which, where JupyterLab is installed, spends a
    CPU-second on the grammars of formats that nobody checks in this process; it does
    without them."""
    for name in (
        "isoduration",
        "rfc3986_validator",
        "rfc3987_syntax",
        "uri_template",
        "webcolors",
    ):
        _MODULES.setdefault(name, None)


def import_lightly(name: str, *, without: str) -> None:
    """Import a module that does without another, if nobody has imported that one
    yet."""
    if without in _MODULES:
        return
    _MODULES[without] = None
    importlib.import_module(name)
    del _MODULES[without]


def leave_out_remote_notebooks() -> None:
    """papermill imports what reads notebooks from HDFS, buckets and the web: those of
    stages are files."""
    # First, or Python's own finder would answer.
    sys.meta_path.insert(0, _LocalNotebooks())


class _LocalNotebooks:
    """Finds papermill's module for reading notebooks, and then leaves
    `sys.meta_path`."""

    def __init__(self) -> None:
        self._looking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """None for what has nothing to do with it."""
        # `find_spec` below asks this finder again.
        if self._looking or name not in (_READS_NOTEBOOKS, _THE_WEB):
            return None
        from importlib.util import LazyLoader, find_spec

        self._looking = True
        try:
            spec = find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            if name == _THE_WEB:
                # Loaded when an attribute is asked for, which for files never happens.
                spec.loader = LazyLoader(spec.loader)
            else:
                execute = partial(self._execute, spec.loader.exec_module)
                spec.loader.exec_module = execute  # type: ignore[method-assign]
        return spec

    def _execute(
        self, execute: Callable[[ModuleType], None], module: ModuleType
    ) -> None:
        # What somebody has imported stays.
        absent = [each for each in _FAR_FILES if each not in _MODULES]
        _MODULES.update(dict.fromkeys(absent))
        try:
            execute(module)
        finally:
            for each in absent:
                del _MODULES[each]
            sys.meta_path.remove(self)
