"""Programs in short notation: `A: x = 1 | B: print(x)`, one stage after the other.

Lines of a cell are separated by newlines as usual; `|` at the start of a line begins a
new cell. Heads are stage names, or `leading`, `parameters`, `shared`, `skip`. Cells of
the stage `raising` are tagged `raises-exception`.
"""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_pipe.analysis import Analysis, Program, ProgramCell, StageFlow, analyse
from jupyter_pipe.compiler.graph import Wiring, resolve
from jupyter_pipe.model import Cell, Stage

ROLES = frozenset({"leading", "parameters", "shared", "skip"})
HEAD = re.compile(r"^\|\s*(\w+):[ \t]*\n?", re.MULTILINE)


def program(text: str) -> Program:
    parts = HEAD.split(text.strip("\n"))[1:]
    cells = []
    for number, (head, source) in enumerate(
        zip(parts[::2], parts[1::2], strict=True), 1
    ):
        role = head if head in ROLES else "stage"
        stage = head if role == "stage" else None
        tags = (f"stage:{head}",) if stage else (head,)
        tags += ("raises-exception",) if head == "raising" else ()
        cell = Cell(f"c{number}", number - 1, "code", source.rstrip("\n"), tags, number)
        cells.append(ProgramCell(cell, stage, role))
    return Program(tuple(cells))


def analysed(text: str, folder: Path | None = None) -> Analysis:
    return analyse(program(text), folder=folder)


def flow(text: str, stage: str) -> StageFlow:
    return next(flow for flow in analysed(text).stages if flow.name == stage)


def wired(analysis: Analysis) -> Wiring:
    return resolve(
        [
            Stage(f.name, f.cells, f.name, f.name, effects=f.effects)
            for f in analysis.stages
        ]
    )


def inputs(text: str, stage: str) -> set[str]:
    """The inputs of a stage as `name@source`."""
    return {
        f"{entry.name}@{entry.from_}" for entry in wired(analysed(text)).inputs[stage]
    }


def edges(text: str, folder: Path | None = None) -> set[str]:
    """All edges as `A>B name,name`."""
    found = wired(analysed(text, folder)).edges
    return {f"{edge.from_}>{edge.to} {','.join(edge.names)}".strip() for edge in found}


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in analysed(text).diagnostics]
