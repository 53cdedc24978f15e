"""Says why a stage broke, in the user's terms: which cell, which line, what to do.

Pure: what the kernel answered (or how it died) in, a `Failure` out. Nothing of ours and
nothing of IPython is in the traceback; terminal escapes are removed, and very long
texts are cut. Secrets are hidden later, in the whole failure.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.engine.execution.stage_cells import is_users, role_of, source_position
from jupyter_pipe.events import FailureKind, Frame
from jupyter_pipe.render.repeats import without_repeats
from jupyter_pipe.render.terminal_text import without_escapes
from jupyter_pipe.runs.model import Failure

__all__ = [
    "CellPlace",
    "StageFailure",
    "cell_failure",
    "death_failure",
    "timeout_failure",
]

_LONGEST_TEXT = 64 * 1024
_SHOWN_FRAMES = 6
_HINTS = {
    FailureKind.input: (
        "A pipeline runs unattended. Make it a parameter: NAME = VALUE in a cell tagged `parameters`."
    ),
    FailureKind.exit: "Let the cell end, or raise an exception if the pipeline must stop here.",
    FailureKind.out_of_memory: (
        "Use less memory, or tag the stage with memory:SIZE so that fewer stages run beside it."
    ),
    FailureKind.timeout: "Allow more time with the tag timeout:DURATION, or find out what it waits for.",
}
_CELL_TIMEOUT_HINT = (
    "Allow more time with the tag cell-timeout:DURATION, or find out what it waits for."
)


class StageFailure(Exception):  # noqa: N818 - it carries a Failure
    """An attempt broke. Carries the `Failure` from the kernel's thread to the runner,
    and what the stage had touched by then."""

    def __init__(
        self,
        failure: Failure,
        observed: Observations = Observations(),  # noqa: B008
    ) -> None:
        super().__init__(f"{failure.ename}: {failure.evalue}")
        self.failure = failure
        self.observed = observed


class CellPlace(Struct, frozen=True):
    """A cell of a stage notebook. `position` counts the user's cells from 1, of
    `total`."""

    stage: str
    cells: Sequence[Mapping[str, Any]]
    index: int

    @property
    def cell(self) -> Mapping[str, Any]:
        return self.cells[self.index]

    @property
    def cell_id(self) -> str | None:
        """The cell of the source notebook, if it comes from one."""
        return source_position(self.cell, 1)[0]

    @property
    def total(self) -> int:
        return sum(is_users(cell) for cell in self.cells)

    @property
    def position(self) -> int | None:
        if not is_users(self.cell):
            return None
        return sum(is_users(cell) for cell in self.cells[: self.index + 1])

    @property
    def text(self) -> str:
        """How messages call it."""
        if self.position is None:
            return self.stage
        return f"{self.stage}, cell {self.position} of {self.total}"

    def at(self, index: int) -> CellPlace:
        """The place of another cell of the same notebook."""
        return CellPlace(self.stage, self.cells, index)


def _innermost(frames: Sequence[Frame], place: CellPlace) -> Frame | None:
    """The last frame in the cell itself. What an object raises as it is shown has none
    in the cell that shows it."""
    here = [frame for frame in frames if place.cell_id in (None, frame.cell_id)]
    return here[-1] if here else None


def cell_failure(
    place: CellPlace,
    content: Mapping[str, Any],
    report: Mapping[str, Any],
) -> Failure:
    """A cell raised. `content` is the kernel's reply, `report` what `kernel.failure`
    found."""
    ename = str(content.get("ename", "Error"))
    evalue = _clean(str(content.get("evalue", "")))
    frames = _shortened(
        tuple(_frame(found, place) for found in report.get("frames", ()))
    )
    kind = _kind(ename, role_of(place.cell))
    if kind is FailureKind.exit and ename == "SystemExit":
        evalue = f"the cell called sys.exit({evalue})"

    said = f"{ename}: {evalue}" if evalue else ename
    causes = [f"caused by {cause}" for cause in report.get("causes", ())]
    lines = [*_traceback(place, frames), said, *causes]
    where = _innermost(frames, place)
    return Failure(
        ename,
        evalue,
        kind=kind,
        cell_id=(where.cell_id if where else None) or place.cell_id,
        position=place.position,
        total=place.total,
        line=where.line if where else None,
        traceback=_clean("\n".join(lines)),
        frames=frames,
        hint=_hint(kind, ename),
    )


def timeout_failure(
    place: CellPlace,
    seconds: float,
    interrupted: Failure | None,
    *,
    of_cell: bool = False,
) -> Failure:
    """The stage, or the cell by itself, took too long; `interrupted` is what stopping
    it showed."""
    evalue = f"{place.text} was still running after {_duration(seconds)}"
    hint = _CELL_TIMEOUT_HINT if of_cell else _HINTS[FailureKind.timeout]
    base = interrupted or Failure(
        "", "", cell_id=place.cell_id, position=place.position, total=place.total
    )
    shown = "\n".join([*_traceback(place, base.frames), f"Timeout: {evalue}"])
    return replace(
        base,
        ename="Timeout",
        evalue=evalue,
        kind=FailureKind.timeout,
        traceback=shown,
        hint=hint,
    )


def death_failure(place: CellPlace, status: int, *, memory_ran_out: bool) -> Failure:
    """The kernel ended without an answer; `status` is negative for a signal."""
    if memory_ran_out:
        kind, ename = FailureKind.out_of_memory, "OutOfMemory"
        evalue = "the system ended the kernel because memory ran out"
    else:
        kind, ename = FailureKind.kernel_died, "KernelDied"
        evalue = f"the kernel {_ending(status)}"
    return Failure(
        ename,
        f"{evalue} in {place.text}",
        kind=kind,
        cell_id=place.cell_id,
        position=place.position,
        total=place.total,
        traceback=f"{place.text}\n{ename}: {evalue}",
        hint=_HINTS.get(
            kind,
            "The notebook's own kernel would have died here as well; see kernel.log.",
        ),
    )


def _kind(ename: str, role: str) -> FailureKind:
    if ename == "StdinNotImplementedError":
        return FailureKind.input
    if ename in {"SystemExit", "KernelExit"}:
        return FailureKind.exit
    if ename == "MemoryError":
        return FailureKind.out_of_memory
    # The user has not written these cells, so an error in one is never the user's.
    return FailureKind.internal if role in {"inputs", "outputs"} else FailureKind.error


def _hint(kind: FailureKind, ename: str) -> str:
    if ename in {"ModuleNotFoundError", "ImportError"}:
        return "Is the package installed in the notebook's kernel? Modules are looked for beside the notebook."
    if ename == "PayloadError":
        return "Run again: a stored value that is damaged is found then, and made anew."
    return _HINTS.get(kind, "")


def _frame(found: Mapping[str, Any], place: CellPlace) -> Frame:
    line, function = int(found["line"]), str(found["function"])
    # IPython names a cell's frame `<cell line: 3>`, which Python's tracebacks do not.
    function = "<module>" if function.startswith("<cell line") else function
    source = str(found["source"])
    if "path" in found:
        return Frame(line, source, function, path=str(found["path"]).replace("\\", "/"))
    if "cell_id" in found:
        # The class of a value that another stage made.
        return Frame(line, source, function, cell_id=str(found["cell_id"]))
    there = place.at(int(found["cell"]))
    cell_id, line = source_position(there.cell, line)
    return Frame(line, source, function, cell_id=cell_id, position=there.position)


def _shortened(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Of a recursion each frame once; of what is still long the beginning and the
    end."""
    once = tuple(
        replace(frame, omitted=omitted) for frame, omitted in without_repeats(frames)
    )
    # A mutual recursion has no two equal neighbours and may be a thousand frames long.
    if len(once) <= 2 * _SHOWN_FRAMES:
        return once
    left_out = once[_SHOWN_FRAMES - 1 : -_SHOWN_FRAMES]
    omitted = sum(1 + frame.omitted for frame in left_out) - 1
    last = replace(left_out[0], omitted=omitted)
    return (*once[: _SHOWN_FRAMES - 1], last, *once[-_SHOWN_FRAMES:])


def _traceback(place: CellPlace, frames: Iterable[Frame]) -> list[str]:
    lines = []
    for frame in frames:
        if frame.position is not None:
            where = f"{place.stage}, cell {frame.position} of {place.total}, line {frame.line}"
        else:
            where = f"{frame.path or f'cell {frame.cell_id}'}, line {frame.line}"
        inside = "" if frame.function == "<module>" else f", in {frame.function}"
        lines += [f"{where}{inside}", f"    {frame.source}"]
        # Below its frame, as Python writes `[Previous line repeated 996 more times]`.
        lines += [f"… {frame.omitted:,} more"] if frame.omitted else []
    return lines or [place.text]


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by signal {-status} ({signal.Signals(-status).name})"
    # Real-time signals, 34 and up, have no names.
    except ValueError:
        return f"was ended by signal {-status}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    if minutes >= 60:
        return f"{minutes // 60:.0f} h {minutes % 60:.0f} min"
    return f"{minutes:.0f} min {rest:.0f} s" if minutes else f"{rest:g} s"


def _clean(text: str) -> str:
    # Halves of surrogate pairs come from file names that are not UTF-8; a record with
    # them would not be JSON that anybody reads.
    text = re.sub("[\ud800-\udfff]", "\ufffd", without_escapes(text))
    return (
        text
        if len(text) <= _LONGEST_TEXT
        else f"{text[:_LONGEST_TEXT]}… ({len(text):,} characters)"
    )
