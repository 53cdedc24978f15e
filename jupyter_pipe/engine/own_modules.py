"""How we start a Python of our own: without the folder that it is started in on its
path.

`python -m` looks there first, so a `random.py` beside a notebook would be imported in
the place of Python's. Kernels are not started like this: there a module beside the
notebook is the notebook's.
"""

from __future__ import annotations

import sys

__all__ = ["own_module"]

_PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from {} import main; sys.exit(main())"


def own_module(name: str, *arguments: str) -> list[str]:
    """The command that calls the `main()` of one of our modules in a new process of
    this interpreter."""
    return [sys.executable, "-c", _PROGRAM.format(name), *arguments]
