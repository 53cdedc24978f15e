"""What the analyzer is asked and what it answers: records only."""

from __future__ import annotations

from msgspec import Struct

from jupyter_pipe.model import Cell, Diagnostic, Effect, Parameter, Replay

__all__ = ["Analysis", "Program", "ProgramCell", "StageFlow"]


class ProgramCell(Struct, frozen=True):
    """A code cell with its place in the pipeline.

    `role` is `stage`, `leading` (untagged, before the first stage), `parameters`,
    `shared` or `skip`. `stage` names the stage of a `stage` cell, and of a `parameters`
    cell that stands below a stage cell. `mutates`, `pure`, `metrics`, `gates` and
    `contracts` are what its tags say; gates are expressions, and so are contracts: the
    name of a value, or a schema that is asked about it.
    """

    cell: Cell
    stage: str | None = None
    role: str = "stage"
    mutates: tuple[str, ...] = ()
    pure: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()


class Program(Struct, frozen=True):
    """The code cells of a notebook, in its order."""

    cells: tuple[ProgramCell, ...]


class StageFlow(Struct, frozen=True):
    """What analysis finds out about one stage; the fields are those of
    `model.Stage`."""

    name: str
    cells: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    replays: tuple[Replay, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    imports: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()


class Analysis(Struct, frozen=True):
    """`stages` stand in an order in which each finds what its cells found in the
    notebook: that of their first cells, unless a stage has gaps."""

    stages: tuple[StageFlow, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
