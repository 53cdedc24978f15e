"""The shell as an object that the notebook holds: `ip = get_ipython()`, its formatters,
hooks and magics.

All of it is one component. What is told to the shell is told again to the shell of each
later stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import NOTHING, Library, Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.world import World

__all__ = [
    "NAMESPACES",
    "SHELL",
    "SHELL_CALLS",
    "is_part_of_shell",
    "make_handle",
    "runs_magic",
]

SHELL = "IPython.shell"
"""What `get_ipython()` gives, whatever it is called by."""
NAMESPACES = frozenset({"user_ns", "user_global_ns"})
"""Where the shell has the variables of the notebook."""
MAGIC_METHODS = frozenset({"system", "getoutput", "run_line_magic", "run_cell_magic"})
PARTS = """
display_formatter display_pub events alias_manager magics_manager extension_manager hooks
"""
"""Objects of the shell that live as long as it does."""
_PARTS = frozenset(PARTS.split())
_MAKERS = """
IPython.get_ipython IPython.core.getipython.get_ipython
IPython.core.interactiveshell.InteractiveShell.instance IPython.InteractiveShell.instance
IPython.terminal.interactiveshell.TerminalInteractiveShell.instance
"""


def runs_magic(name: str) -> bool:
    """Whether a method of the shell is one that magics and `!` become."""
    return name in MAGIC_METHODS


def is_part_of_shell(values: Values) -> bool:
    """Whether these are the shell or its lasting parts, rather than something that it
    counts or keeps."""
    names = [
        value.payload.qualified if isinstance(value.payload, Library) else ""
        for value in values
    ]
    return bool(names) and all(_is_part(name) for name in names)


def _is_part(qualified: str) -> bool:
    if qualified == SHELL:
        return True
    return qualified.startswith(SHELL + ".") and qualified.split(".")[2] in _PARTS


def _get_shell(world: World, _arguments: Arguments) -> Values:
    return frozenset((world.objects.library(SHELL),))


def make_handle(world: World, arguments: Arguments) -> Values:
    """`display(x, display_id=True)` gives a handle by which the output is changed
    later."""
    if "display_id" not in arguments.keywords:
        return NOTHING
    return frozenset((world.objects.allocate(arguments.node, "IPython.DisplayHandle"),))


SHELL_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    **dict.fromkeys(_MAKERS.split(), _get_shell),
}
