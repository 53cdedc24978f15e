"""Whether stages saw each other's files and variables in the order of the notebook.
Pure.

Takes what each stage that has ended observed, and when; says which stages depend on
each other without an edge, which of them read too early and must run again, and which
read what a stage further down had already overwritten. Moments are numbers that only
rise: what was told first is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import (
    MOST_NAMES,
    Observations,
    ObservedPath,
    StageResult,
)
from jupyter_pipe.observe.digests import MISSING
from jupyter_pipe.observe.present import folder_of

__all__ = ["OrderFinding", "Trace", "asked_in_vain", "look_back", "trace_of"]

_VARIABLES = "os.environ."
_READS_FIRST = ("reads", "writes")


class Trace(Struct, frozen=True):
    """One stage that has ended: what it observed, the environment variables that it
    set, the moments when it was launched (or when its earlier result was found to
    serve) and when it ended. `written` are its files by path, `folders` the folders
    that hold them, `paths` all that it touched, `listed` what it listed, `emptied` the
    folders that it emptied, by their listings at its end. `newcomers` are files that
    have come into these since its result was made, by the stage that is expected to
    write them; `since` when it was launched to write a path for the first time in this
    run, be it by an attempt that does not count."""

    observed: Observations
    launched: int
    ended: int
    reused: bool = False
    variables: tuple[str, ...] = ()
    written: dict[str, ObservedPath] = {}
    folders: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    emptied: dict[str, ObservedPath] = {}
    newcomers: Mapping[str, str] = {}
    since: Mapping[str, int] = {}
    notebook: str = ""


class Crossing(Struct, frozen=True):
    """One thing that two stages touched. `name` is for the graph (`file:one.txt`,
    `@os.environ.MODE`); `left` is what the one that wrote it left, `seen` what the
    other observed, None if it wrote as well."""

    name: str
    left: ObservedPath | None = None
    seen: ObservedPath | None = None


class OrderFinding(Struct, frozen=True):
    """Two stages, in the order of the notebook, that must run one after the other.

    `tags` would declare what the earlier and what the later one does with the files.
    `again` are stages that must run again, the first of them even if an earlier result
    would serve if `remade`; `overwritten` says that the earlier one may have read what
    the later one wrote, and that nobody can bring back what was there.
    """

    earlier: str
    later: str
    names: tuple[str, ...]
    again: tuple[str, ...] = ()
    remade: bool = False
    overwritten: bool = False
    tags: tuple[str, str] = ("writes", "reads")


def trace_of(
    result: StageResult,
    launched: int,
    ended: int,
    *,
    reused: bool = False,
    newcomers: Mapping[str, str] = {},
    notebook: str = "",
) -> Trace:
    """The trace of a stage with this result."""
    # `os.environ.MODE` among `numpy.random` and the like.
    names = (value.component for value in result.ambient)
    observed = result.observed
    # A module that an earlier stage wrote (`%%writefile helper.py`) is read by its
    # import.
    read = (*observed.read, *observed.modules)
    return Trace(
        observed,
        launched,
        ended,
        reused,
        variables=tuple(
            name.removeprefix(_VARIABLES)
            for name in names
            if name.startswith(_VARIABLES)
        ),
        written={one.path: one for one in observed.written},
        folders=frozenset(folder_of(one.path)[0] for one in observed.written),
        paths=frozenset(one.path for one in (*read, *observed.written)),
        listed=frozenset(one.path for one in read if one.aspect == "listing"),
        emptied={one.path: one for one in observed.emptied},
        newcomers=newcomers,
        notebook=notebook,
    )


def find_crossings(writer: Trace, reader: Trace) -> Iterator[Crossing]:
    """What `reader` saw of what `writer` wrote."""
    written = writer.written
    if any(one.guessed for one in written.values()):
        # What a program changed while it ran may have been the other stage's doing.
        written = {
            path: one for path, one in written.items() if not _is_others(one, reader)
        }
    for seen in (*reader.observed.read, *reader.observed.modules) if written else ():
        if seen.aspect == "listing":
            yield from _listed(written, seen)
        # By path alone: whether the content fits is asked later, by `agrees`.
        elif seen.path in written:
            yield Crossing(f"file:{seen.path}", written[seen.path], seen)
    yield from _variables_asked(writer, reader)


def _variables_asked(writer: Trace, reader: Trace) -> Iterator[Crossing]:
    """The variables of the environment that `writer` set and `reader` asked for; `*`
    asks for all."""
    if writer.notebook != reader.notebook:
        return  # each notebook has an environment of its own
    asked = {one.name for one in reader.observed.variables}
    for name in writer.variables:
        # `dict(os.environ)`, and every program that is started, sees all of them.
        if name in asked or "*" in asked:
            yield Crossing(f"@os.environ.{name}")


def _is_others(one: ObservedPath, other: Trace) -> bool:
    return (
        one.guessed
        and one.path in other.written
        and not other.written[one.path].guessed
    )


def _listed(
    written: Mapping[str, ObservedPath], seen: ObservedPath
) -> Iterator[Crossing]:
    for path, left in written.items():
        folder, _, name = folder_of(path)
        if folder == seen.path and (
            not seen.pattern or fnmatchcase(name, seen.pattern)
        ):
            yield Crossing(f"file:{path}", left, seen)


def _touched_anything(name: str, traces: Mapping[str, Trace]) -> bool:
    """Whether others can have met the stage anywhere: most stages touch nothing but
    their variables."""
    mine = traces[name]
    awaited = any(name in trace.newcomers.values() for trace in traces.values())
    return bool(mine.paths or mine.variables or mine.observed.variables or awaited)


def look_back(
    name: str,
    traces: Mapping[str, Trace],
    order: Sequence[str],
    is_before: Callable[[str, str], bool],
    began_ns: int,
) -> list[OrderFinding]:
    """What the end of stage `name` shows. `order` is that of the notebook, `is_before`
    asks the graph, `began_ns` is when the run began: what is older was there before
    it."""
    found: list[OrderFinding] = []
    # This runs whenever a stage ends: of a hundred stages most meet no other.
    if not _touched_anything(name, traces):
        return found
    place = {stage: number for number, stage in enumerate(order)}
    for other in traces:
        # Stages that a pipeline had when its traces were stored may be gone.
        if other == name or other not in place:
            continue
        earlier, later = sorted((name, other), key=place.__getitem__)
        if _concern(traces[earlier], later, traces[later]):
            ordered = is_before(earlier, later)
            found += _Pair(earlier, later, traces, order, ordered, began_ns).findings()
    return found


def _concern(first: Trace, later: str, second: Trace) -> bool:
    """Whether two stages have to do with each other: in any file or variable, or what
    the later one is expected to write."""
    return (
        later in first.newcomers.values()
        or _meet(first, second)
        or _meet(second, first)
    )


def _meet(writer: Trace, other: Trace) -> bool:
    """Whether one touched anything that the other wrote."""
    return (
        not writer.written.keys().isdisjoint(other.paths)
        or not writer.folders.isdisjoint(other.listed)
        or bool(writer.variables and other.observed.variables)
        or (
            bool(writer.emptied)
            and any(_parts_of(path) & writer.emptied.keys() for path in other.paths)
        )
    )


def _parts_of(path: str) -> set[str]:
    return {path, folder_of(path)[0]}


class _Pair:
    """Two stages, the earlier and the later one in the notebook."""

    def __init__(
        self,
        earlier: str,
        later: str,
        traces: Mapping[str, Trace],
        order: Sequence[str],
        ordered: bool,
        began_ns: int,
    ) -> None:
        self.earlier, self.later = earlier, later
        self.traces, self.order = traces, order
        self.first, self.second = traces[earlier], traces[later]
        self.ordered, self.began_ns = ordered, began_ns

    def findings(self) -> Iterator[OrderFinding]:
        """One finding at most for each way in which the two can meet."""
        forward = list(find_crossings(self.first, self.second))
        both = self._both_wrote()
        if forward or both:
            yield from self._read_or_written_after(forward, both)
        swept = self._saw_what_was_swept() or self._did_not_write_again()
        if swept:
            again = (self.earlier, self.later)
            yield OrderFinding(self.earlier, self.later, swept, again, remade=True)
        backward = (
            []
            if self.ordered and not self._ran_before()
            else find_crossings(self.second, self.first)
        )
        yield from self._read_before(list(backward))

    def _ran_before(self) -> bool:
        """Whether the later stage wrote something by an attempt that does not count."""
        since, launched = self.second.since, self.second.launched
        return any(since.get(path, launched) < launched for path in self.second.written)

    def _saw_what_was_swept(self) -> tuple[str, ...]:
        """What the later stage found in a folder that the earlier one empties, and did
        not this time, since its result was reused: nobody between them has put it
        there."""
        # `rmtree("out")` that was not run, and then `glob("out/*")`: in the notebook
        # the list would have been empty.
        if not self.first.emptied or not self.first.reused or self.second.reused:
            return ()
        found = {path for seen in self.second.observed.read for path in _found_by(seen)}
        swept = {
            path
            for path in found
            if (folder := self.first.emptied.get(folder_of(path)[0])) is not None
            and not folder.lists(folder_of(path)[2])
            and self._last_writer(path, self.later) is None
        }
        return tuple(f"file:{path}" for path in sorted(swept))

    def _did_not_write_again(self) -> tuple[str, ...]:
        """What the later stage wrote in an earlier run into a folder that the earlier
        one empties, and did not write in this one: the notebook would not have it any
        more."""
        expected = [
            # `train` wrote `out/b.csv` last time; `prepare`, above it, saw it in `out/`
            # and was reused on the word that `train` writes it again.
            path
            for path, stage in self.first.newcomers.items()
            if stage == self.later
        ]
        written = self.second.written
        return tuple(f"file:{path}" for path in sorted(expected) if path not in written)

    def _both_wrote(self) -> list[Crossing]:
        theirs = self.second.written
        return [
            Crossing(f"file:{path}", one)
            # A program that ran in both stages may have changed it in one of them only.
            for path, one in self.first.written.items()
            if path in theirs and not one.guessed and not theirs[path].guessed
        ]

    def _read_or_written_after(
        self, forward: Sequence[Crossing], both: Sequence[Crossing]
    ) -> Iterator[OrderFinding]:
        """The later one reads or goes on from what the earlier one wrote."""
        names = _names((*forward, *both))
        # Content decides where it can: who read the right bytes need not run again,
        # whenever that was.
        wrong = [one for one in forward if not self._saw_it(one)]
        tags = ("writes", "reads" if forward else "writes")
        remade = bool(wrong) and self.first.reused and not self.second.reused
        if remade:
            again = (self.earlier, self.later)
            yield OrderFinding(
                self.earlier, self.later, names, again, remade=True, tags=tags
            )
        elif wrong or (both and not self._wrote_in_turn()):
            yield OrderFinding(
                self.earlier, self.later, names, (self.later,), tags=tags
            )
        elif not self.ordered:
            yield OrderFinding(self.earlier, self.later, names, tags=tags)

    def _saw_it(self, crossing: Crossing) -> bool:
        """Whether the later stage saw what the earlier one left, or what another one
        between them did."""
        left, seen = crossing.left, crossing.seen
        if left is None or seen is None:
            return self.ordered  # a variable, which arrives along the edges
        if self._last_writer(left.path, self.later) != self.earlier or agrees(
            left, seen
        ):
            return True
        # Whether an earlier result serves was asked with the files of those above in
        # mind.
        certain = self.second.reused or not self.first.reused
        return certain and self.first.ended <= self.second.launched

    def _wrote_in_turn(self) -> bool:
        return self.first.ended <= self.second.launched or (
            self.first.reused and not self.second.reused
        )

    def _read_before(self, backward: Sequence[Crossing]) -> Iterator[OrderFinding]:
        """The earlier one reads what the later one writes: it must have come first."""
        names = _names(backward)
        wrong = [one for one in backward if not self._came_first(one)]
        if backward and not wrong and not self.ordered:
            yield OrderFinding(self.earlier, self.later, names, tags=_READS_FIRST)
        if not wrong:
            return
        paths = [one.left.path for one in wrong if one.left is not None]
        makers = [self._last_writer(path, self.earlier) for path in paths]
        # No stage above made it: it lay there before the run, and is gone.
        if not paths or None in makers:
            wrongly = _names(wrong)
            yield OrderFinding(
                self.earlier, self.later, wrongly, overwritten=True, tags=_READS_FIRST
            )
            return
        # The maker writes it again, the earlier one reads it, the later one overwrites
        # it, in this order.
        again = dict.fromkeys([*filter(None, makers), self.earlier, self.later])
        yield OrderFinding(
            self.earlier,
            self.later,
            names,
            tuple(again),
            remade=True,
            tags=_READS_FIRST,
        )

    def _were_in_turn(self, left: ObservedPath | None) -> bool:
        """Whether the second stage did not begin before the first had ended, nor an
        earlier attempt at it that wrote the path."""
        if self.first.reused or self.second.reused:
            return True
        launched = self.second.launched
        began = (
            self.second.since.get(left.path, launched) if left is not None else launched
        )
        return self.first.ended <= began

    def _came_first(self, crossing: Crossing) -> bool:
        """Whether the earlier stage surely saw what was there before the later one
        wrote."""
        left, seen = crossing.left, crossing.seen
        if self._were_in_turn(left):
            return True
        if left is None or seen is None:
            # a variable that a stage sets is seen by nobody but those that follow it
            return True
        if seen.aspect == "listing":
            # A file that was there already is in the list either way.
            return left.existed or not seen.lists(folder_of(left.path)[2])
        if seen.digest == MISSING:
            # It was not there yet. If the later one removed it, nobody knows which of
            # the two is why.
            return left.digest != MISSING
        maker = self._last_writer(left.path, self.earlier)
        if maker is not None and agrees(self.traces[maker].written[left.path], seen):
            return True
        if seen.aspect == "presence" and left.existed:
            return True
        # A file older than the run is not this run's work; without a time nothing is
        # certain.
        return 0 < seen.mtime_ns < self.began_ns

    def _last_writer(self, path: str, reader: str) -> str | None:
        """The last stage above `reader` that wrote the path, as far as is known yet."""
        above = self.order[: self.order.index(reader)]
        for stage in reversed(above):
            trace = self.traces.get(stage)
            if trace is not None and path in trace.written:
                return stage
        return None


def _found_by(seen: ObservedPath) -> list[str]:
    """The paths that were there, by what a stage saw."""
    if seen.digest == MISSING:
        return []
    if seen.aspect == "listing":
        return [f"{seen.path}/{name.rstrip('/')}" for name in seen.names]
    return [seen.path]


def agrees(left: ObservedPath, seen: ObservedPath) -> bool:
    """Whether what was seen of a path is what was left there."""
    match seen.aspect:
        case "listing":
            name = folder_of(left.path)[2]
            if len(seen.names) >= MOST_NAMES and not seen.lists(name):
                return False
            return seen.lists(name) == (left.digest != MISSING)
        case "presence":
            return (seen.digest == MISSING) == (left.digest == MISSING)
        case _:
            return seen.digest == left.digest


def asked_in_vain(observed: Observations, ename: str) -> bool:
    """Whether a stage that broke may have broken since something was not there yet."""
    if ename in {"FileNotFoundError", "NotADirectoryError", "ModuleNotFoundError"}:
        return True
    return any(one.digest == MISSING for one in observed.read) or any(
        not one.digest for one in observed.variables
    )


def _names(crossings: Collection[Crossing]) -> tuple[str, ...]:
    return tuple(sorted({one.name for one in crossings}))
