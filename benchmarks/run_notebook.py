"""Contender: `python run_notebook.py NOTEBOOK FOLDER` runs it top to bottom in one
kernel (nbclient)."""

from __future__ import annotations

import sys

import nbformat
from nbclient import NotebookClient

if __name__ == "__main__":
    notebook = nbformat.read(sys.argv[1], as_version=4)
    NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": sys.argv[2]}}
    ).execute()
