"""Figures that an earlier stage drew are shown as pictures, as in the notebook's one
kernel.

There pyplot, or `%matplotlib inline`, told the shell how to show figures; a kernel that
only receives one has imported neither.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["show_received_figures"]

_PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf")


def show_received_figures(shell: Any) -> None:
    """Tells the shell of a kernel what to do with a figure, if there can be one among
    what was loaded."""
    if "matplotlib.figure" not in sys.modules or not hasattr(shell, "kernel"):
        return
    for kind in _PICTURES:
        formatter = shell.display_formatter.formatters.get(kind)
        if formatter is not None:
            formatter.for_type_by_name(
                "matplotlib.figure", "Figure", _Printer(shell, kind)
            )


class _Printer:
    """The first figure that is shown makes the inline backend tell the shell, as
    pyplot's import would."""

    def __init__(self, shell: Any, kind: str) -> None:
        self._shell = shell
        self._kind = kind

    def __call__(self, figure: Any) -> Any:
        if getattr(figure, "number", None) is None:
            return (
                None  # not made by pyplot: nobody had told the notebook's shell either
            )
        import matplotlib

        if "inline" not in matplotlib.get_backend():
            return None  # the notebook chose a backend that shows nothing in cells
        from IPython.core.pylabtools import select_figure_formats
        from matplotlib_inline.config import InlineBackend

        settings = InlineBackend.instance(parent=self._shell)
        select_figure_formats(
            self._shell, settings.figure_formats, **settings.print_figure_kwargs
        )
        try:
            printer = self._shell.display_formatter.formatters[self._kind].lookup(
                figure
            )
        except KeyError:
            return None
        return printer(figure)
