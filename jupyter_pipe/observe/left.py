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
        """Each path that stages further up in the notebook wrote, as the last of them left it. What a
        program probably wrote counts if nobody surely did."""
        if not self._written:
            return {}
        earlier = self._order[: self._order.index(stage)]
        written = [one for name in earlier for one in self._written.get(name, {}).values()]
        guessed = {one.path: one for one in written if one.guessed}
        return guessed | {one.path: one for one in written if not one.guessed}
