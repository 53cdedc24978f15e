"""What the stages of a run have left in files so far, as each later stage is to find
it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath

__all__ = ["FilesLeft"]


class FilesLeft:
    """`order` are the stages in notebook order."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = tuple(order)
        self._written: dict[str, dict[str, ObservedPath]] = {}
        self._emptied: dict[str, dict[str, ObservedPath]] = {}
        self._ran: set[str] = set()

    def note(self, stage: str, observed: Observations, *, ran: bool) -> None:
        """The stage has run, or its earlier result serves: what it wrote is its
        work."""
        # What it wrote in an earlier try is not what it left.
        self.forget(stage)
        self._written[stage] = {one.path: one for one in observed.written}
        self._emptied[stage] = {one.path: one for one in observed.emptied}
        if ran:
            self._ran.add(stage)

    def forget(self, stage: str) -> None:
        """The stage must run again."""
        self._written.pop(stage, None)
        self._emptied.pop(stage, None)
        self._ran.discard(stage)

    def makers(self, stage: str) -> dict[str, str]:
        """The paths among `before` with their last writer, which may have to write them
        again. What a program of a stage probably wrote is what it wrote, if the stage
        has run."""
        found: dict[str, str] = {}
        for earlier in self._order[: self._order.index(stage)]:
            for path, one in self._written.get(earlier, {}).items():
                # What a program of a stage probably wrote (`guessed`) may be made again
                # by the stage alone.
                if earlier not in self._ran or not one.guessed:
                    found[path] = earlier
        return found

    def emptied(self, stage: str) -> dict[str, ObservedPath]:
        """The folders that stages further up emptied, with the listing that the last of
        them left."""
        earlier = (
            self._order[: self._order.index(stage)]
            if any(self._emptied.values())
            else ()
        )
        found: dict[str, ObservedPath] = {}
        for name in earlier:
            found.update(self._emptied.get(name, {}))
        return found

    def before(self, stage: str) -> dict[str, ObservedPath]:
        """Each path that stages further up in the notebook wrote, as the last of them
        left it. What a program probably wrote counts if nobody surely did."""
        if not self._written:
            return {}
        earlier = self._order[: self._order.index(stage)]
        written = [
            one for name in earlier for one in self._written.get(name, {}).values()
        ]
        guessed = {one.path: one for one in written if one.guessed}
        return guessed | {one.path: one for one in written if not one.guessed}
