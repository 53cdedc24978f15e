"""The IPython shell of this kernel, without importing IPython where nobody has."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["find_shell"]


def find_shell() -> Any:
    """None outside of IPython."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
