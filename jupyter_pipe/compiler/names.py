"""Names that compiling derives from file names: the package's STEM and the stage of an
untagged notebook.

Looks at the file system only to see which modules a package would hide.
"""

from __future__ import annotations

import keyword
import re
import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["package_name", "stage_name"]

_SUFFIX = "_nb"


def stage_name(stem: str) -> str:
    """The identifier for the only stage of a notebook without stage tags."""
    name = _identifier(stem)
    reserved = (
        keyword.iskeyword(name) or name == "shared" or re.fullmatch(r"__\w*__", name)
    )
    # "class" and "shared" would hide a keyword or our own module; `__init__` would be
    # one.
    return name.strip("_") + _SUFFIX if reserved else name


def package_name(stem: str, folder: Path) -> str:
    """STEM: the importable name of the compiled package of `folder/stem.ipynb`.

    A top-level module that the stages could import under that name stays importable:
    one of the standard library, of the installed distributions or beside the notebook.
    """
    name = stage_name(stem)
    return name + _SUFFIX if _is_importable(name, folder) else name


def _identifier(stem: str) -> str:
    name = re.sub(r"\W", "_", stem)
    return name if name.isidentifier() else f"notebook_{name}"


def _is_importable(name: str, folder: Path) -> bool:
    if name in sys.stdlib_module_names:
        return True
    # Not sys.path: what lies in the caller's folder (the compiled package itself) must
    # not count.
    paths = sysconfig.get_paths()
    beside = folder / f"{name}.py", folder / name / "__init__.py"
    found = PathFinder.find_spec(name, [paths["purelib"], paths["platlib"]])
    # A namespace package (no origin) is any folder, such as one that a test run left.
    return (found is not None and found.origin is not None) or any(
        path.is_file() for path in beside
    )
