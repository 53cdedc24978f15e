"""What runs inside a stage's kernel: standard library only, any Python from 3.10 on.

The engine makes this folder importable in the kernel as `jupyter_pipe_kernel`; nothing
of ours shows up in the user's namespace. The cells that the compiler injects call these
functions.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from .shell import find_shell

if TYPE_CHECKING:
    from .secrets.masker import Masker
    from .session import Session

__all__ = [
    "begin",
    "compare_outputs",
    "load_inputs",
    "masker",
    "preload",
    "set_execution_count",
    "store_outputs",
]

_sessions: list[Session] = []


def preload() -> None:
    """Imports the whole kernel side and reads what distributions add, for a process
    that forks kernels."""
    for name in (".session", ".figures", ".shutdown", ".warm.ending"):
        importlib.import_module(name, __name__)
    from .plugins import read_entry_points

    for folder in sys.path:
        read_entry_points(folder)


def begin(context_path: str) -> None:
    """Starts the stage that the context describes. Raises UntrustedStoreError or
    PayloadError."""
    from .context import read_context
    from .session import Session
    from .shutdown import leave_in_order

    _sessions[:] = [Session(read_context(context_path), _user_namespace())]
    _sessions[0].begin()
    leave_in_order(getattr(find_shell(), "kernel", None))


def load_inputs(*names: str) -> None:
    """Binds the inputs in the user's namespace, and gives the cell that follows, the
    first of the user's, its execution count. Raises PayloadError or DefinitionError."""
    from .figures import show_received_figures

    session = _session()
    session.load_inputs(names)
    show_received_figures(find_shell())
    if session.context.first_cell is not None:
        set_execution_count(session.context.first_cell)


def store_outputs(*names: str) -> None:
    """Stores the outputs and writes the stage's result, whatever went wrong on the
    way."""
    _session().store_outputs(names)


def compare_outputs(store: str, stored: dict[str, Any], result: str) -> None:
    """Compares variables with what a pipeline stored in another place, for `verify`."""
    from .values.differences import compare_stored

    compare_stored(_session(), store, stored, result)


def set_execution_count(count: int) -> None:
    """The next cell of the user is In[count]."""
    _session().enter(count)
    shell = find_shell()
    if shell is not None:
        shell.execution_count = count


def masker() -> Masker:
    """Hides the secrets of the stage in what is written for the engine."""
    from .secrets.masker import Masker

    return _sessions[0].secrets.masker if _sessions else Masker()


def _session() -> Session:
    if not _sessions:
        raise RuntimeError(
            "This cell belongs to a stage; run the stage through jupyter_pipe."
        )
    return _sessions[0]


def _user_namespace() -> dict[str, Any]:
    shell = find_shell()
    namespace: dict[str, Any] = (
        vars(sys.modules["__main__"]) if shell is None else shell.user_ns
    )
    return namespace
