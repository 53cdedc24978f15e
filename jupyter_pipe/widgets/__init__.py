"""A run as a widget, for every notebook front end that shows ipywidgets: VS Code, Colab, Notebook."""

from __future__ import annotations

from jupyter_pipe.widgets.view import RunView

__all__ = ["RunView"]
