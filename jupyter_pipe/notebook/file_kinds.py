"""Which files are notebooks, and what their pipelines are called. Looks at no file's
content.

`a.ipynb` is called `a`. A notebook that is kept as text has its suffix in its name,
`a_py` or `a_md`, so that notebooks which lie side by side share no package, no
contracts and no history.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

__all__ = [
    "NOTEBOOK_SUFFIXES",
    "PIPELINE_FILE",
    "is_notebook_file",
    "is_text_notebook",
    "names_several",
    "notebook_name",
]

PIPELINE_FILE = "pipeline.toml"
"""What the file is called that lists the notebooks of one pipeline."""
_TEXT_SUFFIXES = (".py", ".md")
NOTEBOOK_SUFFIXES = (".ipynb", *_TEXT_SUFFIXES)


def is_text_notebook(path: PurePath | str) -> bool:
    """Whether jupytext reads the file rather than nbformat."""
    return PurePath(path).suffix in _TEXT_SUFFIXES


def is_notebook_file(path: PurePath | str) -> bool:
    """Whether the name is that of a notebook; what the file holds is another
    question."""
    return PurePath(path).suffix in NOTEBOOK_SUFFIXES


def notebook_name(path: Path) -> str:
    """The name of a notebook's pipeline, and the beginning of the names of all files
    beside it."""
    # `home_value.py` is also the name of a module: with its suffix, the package does
    # not hide it.
    return f"{path.stem}_{path.suffix[1:]}" if is_text_notebook(path) else path.stem


def names_several(paths: Sequence[Path]) -> bool:
    """Whether these words of a command name a pipeline of several notebooks."""
    if len(paths) != 1:
        return True
    path = paths[0]
    if path.suffix == ".toml":
        return True
    return (
        path.is_dir()
        and not (path / "pipeline.json").is_file()
        and (path / PIPELINE_FILE).is_file()
    )
