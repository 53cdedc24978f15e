"""Turns a notebook into a pipeline: tags mark stages, papermill runs them, a sidebar shows them."""

from __future__ import annotations

__version__ = "0.1.0"
