"""What a command costs: wall seconds, and CPU seconds of its whole process tree.

Kernels outlive the process that started them, so on Linux the benchmark adopts orphans
and waits for them too: no CPU second of a descendant is lost. Elsewhere only awaited
children are counted.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36


class Cost(NamedTuple):
    """Seconds."""

    cpu: float
    wall: float


class Row(NamedTuple):
    """One contender on one workload: medians over the rounds."""

    workload: str
    contender: str
    cost: Cost


def measure(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    codes: Collection[int] = (0,),
) -> Cost:
    """Runs `argv` in `folder`, and lets Python keep compiled modules: else every start
    of every contender would compile them again. Raises RuntimeError with the end of its
    output for another exit code than `codes`."""
    _adopt_orphans()
    before, started = _children_cpu(), time.perf_counter()
    process = subprocess.run(
        argv,
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    wall = time.perf_counter() - started
    _await_orphans()
    if process.returncode not in codes:
        tail = process.stdout.decode(errors="replace")[-2000:]
        raise RuntimeError(
            f"{' '.join(map(str, argv))} exited with {process.returncode}:\n{tail}"
        )
    return Cost(_children_cpu() - before, wall)


def paired(
    workload: str,
    contenders: Mapping[str, Callable[[], Cost]],
    *,
    rounds: int,
    seconds: float = float("inf"),
    quiet: bool = False,
) -> list[Row]:
    """Every contender once a round, in turn, so that a slow minute of the machine hits
    all alike. No round begins, after the first, that would not end within so many
    seconds."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    began = time.perf_counter()
    for number in range(1, rounds + 1):
        spent = time.perf_counter() - began
        if number > 1 and spent * number / (number - 1) > seconds:
            break
        for name, run in contenders.items():
            costs[name].append(run())
            if not quiet:
                cpu, wall = costs[name][-1]
                print(
                    f"{workload}, round {number}: {name} {cpu:.2f} CPU-s, {wall:.2f} s",
                    file=sys.stderr,
                )
    return [Row(workload, name, _median(measured)) for name, measured in costs.items()]


def table(rows: Sequence[Row], *, baseline: str, markdown: bool) -> str:
    """The medians, and their ratios to those of the contender `baseline` on the same
    workload."""
    base = {row.workload: row.cost for row in rows if row.contender == baseline}
    lines = [("workload", "contender", "CPU s", "wall s", "CPU ratio", "wall ratio")]
    lines += [
        (
            row.workload,
            row.contender,
            f"{row.cost.cpu:.2f}",
            f"{row.cost.wall:.2f}",
            f"{row.cost.cpu / base[row.workload].cpu:.2f}",
            f"{row.cost.wall / base[row.workload].wall:.2f}",
        )
        for row in rows
    ]
    return layout(lines, markdown=markdown)


def layout(lines: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """A heading and rows of text in columns; numbers (all but the first two columns) to
    the right."""
    widths = [
        max(len(line[column]) for line in lines) for column in range(len(lines[0]))
    ]
    joint = " | " if markdown else "  "
    drawn = [
        joint.join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    if not markdown:
        return "\n".join(line.rstrip() for line in drawn)
    rule = joint.join(
        "-" * width if column < 2 else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    )
    return "\n".join(f"| {line} |" for line in [drawn[0], rule, *drawn[1:]])


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(c.cpu for c in costs),
        statistics.median(c.wall for c in costs),
    )


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _await_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
