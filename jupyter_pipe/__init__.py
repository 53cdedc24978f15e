"""Turns a notebook into a pipeline: tags mark stages, papermill runs them, a sidebar
shows them.

`compile_notebook`, `run` and `start` are the Python API; what they return shows itself
in a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_pipe.api import compile_notebook, run, start

__version__ = "0.1.0"
__all__ = ["__version__", "compile_notebook", "run", "start"]


def __getattr__(name: str) -> Any:
    # The command line imports this package; it must not pay for the API that it does
    # not use.
    if name in {"compile_notebook", "run", "start"}:
        from jupyter_pipe import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    # JupyterLab asks for it by this name, and copies the folder in development
    # installs.
    return [{"src": "labextension", "dest": "jupyter-pipe"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    # jupyter_server asks for it by this name, and loads the module as an extension.
    return [{"module": "jupyter_pipe.server"}]
