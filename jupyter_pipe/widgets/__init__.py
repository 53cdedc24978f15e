"""Runs and parameters as widgets, for every front end that shows ipywidgets: VS Code,
Colab, Notebook."""

from __future__ import annotations

from jupyter_pipe.widgets.form import Parameters
from jupyter_pipe.widgets.view import RunView

__all__ = ["Parameters", "RunView"]
