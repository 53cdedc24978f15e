"""What the stages of a run have left in files so far, as each later stage is to find it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyter_pipe.artifacts.protocol import ObservedPath

__all__ = ["FilesLeft"]


class FilesLeft:
    """`order` are the stages in notebook order."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = tuple(order)
        self._written: dict[str, dict[str, ObservedPath]] = {}

    def note(self, stage: str, written: Iterable[ObservedPath]) -> None:
        """The stage has run, or its earlier result serves: these files are its work."""
        found = {one.path: one for one in written}
        if found:
            self._written[stage] = found
        else:
            self.forget(stage)

    def forget(self, stage: str) -> None:
        """The stage must run again."""
        self._written.pop(stage, None)

    def before(self, stage: str) -> dict[str, ObservedPath]:
        """Each path that stages further up in the notebook wrote, as the last of them left it."""
        found: dict[str, ObservedPath] = {}
        if self._written:
            for earlier in self._order[: self._order.index(stage)]:
                found.update(self._written.get(earlier, {}))
        return found
