"""One stored value, loaded and described for somebody who wants to look at it.

`answer(order)` is the entry, called in a process that was started for it, with the
interpreter and libraries of the notebook's kernel; whoever starts that process limits
its time and memory. Loading runs the code of the value's classes, so the order must
come from who knows that the value is the user's own.
"""

from __future__ import annotations

from .process import answer

__all__ = ["answer"]
