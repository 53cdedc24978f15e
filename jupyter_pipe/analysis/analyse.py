"""The one entry of the static layer: a program in, stages with their effects out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.ambient import drop_unseeded
from jupyter_pipe.analysis.dataflow.flows import (
    classify,
    kept_definitions,
    stage_facts,
    stage_flow,
)
from jupyter_pipe.analysis.dataflow.gaps import find_frozen
from jupyter_pipe.analysis.dataflow.order import arrange
from jupyter_pipe.analysis.dataflow.replays import Definitions
from jupyter_pipe.analysis.dataflow.setup_stage import setup_units
from jupyter_pipe.analysis.dataflow.sharing import tie
from jupyter_pipe.analysis.findings.advice import advise
from jupyter_pipe.analysis.findings.checks import check_stage, check_units
from jupyter_pipe.analysis.findings.redefinitions import check_redefinitions
from jupyter_pipe.analysis.interpreter.execution import interpret, new_world
from jupyter_pipe.analysis.knowledge import read_knowledge
from jupyter_pipe.analysis.program import Analysis, Program
from jupyter_pipe.analysis.source.parameters import read_parameters
from jupyter_pipe.analysis.source.units import cut, observers

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_pipe.analysis.knowledge import Knowledge

__all__ = ["analyse"]


def analyse(
    program: Program, *, folder: Path | None = None, knowledge: Knowledge | None = None
) -> Analysis:
    """What every stage of `program` reads, binds, mutates, draws and replays.

    `folder` is the notebook's: modules beside it are read. All findings are in
    `diagnostics`; nothing is raised for what a notebook may contain.
    """
    units, diagnostics = cut(program)
    looks = observers(units)
    world = new_world(knowledge or read_knowledge(folder), folder)
    # Interpreting fills the facts of the units and the heap; all that follows only
    # reads them.
    groups = interpret(world, units, looks)
    # Must come before stages are made of the facts: what is dropped here would be an
    # edge.
    drop_unseeded([*units, *(look for found in looks.values() for look in found)])
    definitions = Definitions(units, world.names.star_imports.units)
    setup_units(units, definitions)
    stages = stage_facts(program, units, looks)
    for stage in stages:
        # Groups first: whether a name may be replayed depends on what shares memory
        # with it.
        stage.groups = groups.get(stage.name, ())
        classify(stage, units, definitions)
    stages, conflicts = arrange(stages, units)
    diagnostics += [*check_units(units, definitions), *conflicts]
    for stage in stages:
        diagnostics += check_stage(stage, units, world, definitions)
        replayed = stage.replays | kept_definitions(
            # Functions that stay in the stage although others replay them, since a
            # class keeps state.
            stage,
            units,
            definitions,
            world.heap,
        )
        diagnostics += check_redefinitions(stage, units, definitions, replayed)
    diagnostics += advise(stages, units)
    # Both look across stages, so all of them must have been classified.
    passed, frozen = tie(stages), find_frozen(stages, world.heap)
    for stage in stages:
        stage.passed = passed.get(stage.name, set())
        stage.frozen = frozen.get(stage.name, set())
    flows = tuple(stage_flow(stage, units, definitions, world.heap) for stage in stages)
    return Analysis(flows, read_parameters(units), tuple(diagnostics))
