"""One notebook in every form in which it can be kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import jupytext
import nbformat

EXAMPLES = Path(__file__).parents[3] / "example_notebooks"

FORMS = {
    "percent.py": "py:percent",
    "light.py": "py:light",
    "hydrogen.py": "py:hydrogen",
    "markdown.md": "md",
    "myst.md": "md:myst",
}


def written(folder: Path, name: str, example: str = "quickstart.ipynb") -> Path:
    """The example as jupytext writes it, in the form of that name."""
    path = folder / name
    notebook = nbformat.read(EXAMPLES / example, 4)
    notebook.metadata["jupytext"] = {"notebook_metadata_filter": "jupyter_pipe"}
    path.write_text(jupytext.writes(notebook, FORMS[name]), encoding="utf-8")
    return path


def copied(folder: Path, example: str = "quickstart.ipynb") -> Path:
    """The example itself."""
    return Path(shutil.copy(EXAMPLES / example, folder))
