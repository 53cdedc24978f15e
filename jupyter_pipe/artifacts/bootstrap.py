"""The code that makes the kernel side importable in a kernel that need not have
jupyter_pipe.

The source runs silently, through a lambda, so that the user's namespace stays as it
was.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["bootstrap_source", "kernel_folder", "preload_source", "program_source"]

# Registered in `sys.modules` before it is executed, as the import system does it: the
# modules of the kernel side import one another by that name.
_SOURCE = """(lambda util, sys: sys.modules.get("jupyter_pipe_kernel") or (
    lambda spec: (
        lambda made: (sys.modules.__setitem__(spec.name, made), spec.loader.exec_module(made), made)[2]
    )(util.module_from_spec(spec))
)(util.spec_from_file_location(
    "jupyter_pipe_kernel", {init!r}, submodule_search_locations=[{folder!r}]
)))(__import__("importlib.util").util, __import__("sys"))"""


def kernel_folder() -> Path:
    """The folder that becomes `jupyter_pipe_kernel` in a kernel."""
    return Path(__file__).resolve().parent.parent / "kernel"


def bootstrap_source(context_path: str | Path) -> str:
    """One expression to execute before a stage's first cell; it binds no name and has
    no value."""
    # An expression, and not an `import`: that would bind a name which the notebook may
    # use itself.
    return f"{_module_source()}.begin({str(context_path)!r})"


def preload_source() -> str:
    """The same for a process that forks kernels: imports everything, begins nothing."""
    return f"{_module_source()}.preload()"


def program_source(module: str) -> str:
    """A program for `python -c` that calls `main()` of a module of the kernel side,
    such as `previews.process`. Nothing that lies in the current folder is imported
    before."""
    # `python -c` puts '' in front of `sys.path`: a `json.py` that lies in the folder
    # would be imported instead of Python's.
    begin = "import sys; sys.path[:] = filter(None, sys.path)"
    return f"{begin}\n{_module_source()}\nfrom jupyter_pipe_kernel.{module} import main\nmain()"


def _module_source() -> str:
    folder = kernel_folder()
    return _SOURCE.format(init=str(folder / "__init__.py"), folder=str(folder))
