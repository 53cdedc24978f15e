"""Which texts may be the name of a kernel.

A name is joined to Jupyter's folders of kernelspecs. One that leads elsewhere, such as
`../../k` or `/repo/k`, would let a notebook choose the program that is started. Pure.
"""

from __future__ import annotations

import re

from jupyter_pipe.errors import KernelError, PipeError

__all__ = ["is_kernel_name", "require_kernel_name"]

# The pattern of jupyter_client, for the whole text; it admits "." and "..", which are
# folders.
_PATTERN = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")


def is_kernel_name(name: str) -> bool:
    """Whether jupyter_client could have installed a kernelspec under this name."""
    return _PATTERN.fullmatch(name) is not None


def require_kernel_name(name: str, error: type[PipeError] = KernelError) -> None:
    """Raises `error` if the text is not a name."""
    if not is_kernel_name(name):
        shown = name if len(name) <= 100 else f"{name[:100]}…"
        raise error(
            f"{shown!r} is not the name of a kernel: names consist of letters, digits, '.', '-' and '_'.",
            code="kernel_name_invalid",
            hint="Choose an installed kernel for the notebook; `jupyter kernelspec list` shows them.",
        )
