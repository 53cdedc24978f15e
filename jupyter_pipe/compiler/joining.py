"""Several notebooks as one pipeline: as if run one after another, each in a kernel of
its own. Pure.

What flows between notebooks are files and shared values. Variables, settings and the
environment end with a notebook's kernel, so within one notebook the graph is that of
the notebook alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.compiler.graph import Wiring, resolve
from jupyter_pipe.compiler.shared_values import LEFT, TAKEN, outer_stages
from jupyter_pipe.file_names import FILE, is_file
from jupyter_pipe.model import (
    Diagnostic,
    Edge,
    Effect,
    JoinedNotebook,
    Pipeline,
    Stage,
    StageInput,
)

__all__ = ["Draft", "find_takes", "join", "resolve_joined"]

_Names = dict[tuple[str, str], set[str]]


class Draft(Struct, frozen=True):
    """A notebook that was compiled on its own. `place` says what a path of its code is
    called from the folder of the pipeline: `../data/a.csv` -> `data/a.csv`. `path` is
    the notebook as messages name it."""

    notebook: JoinedNotebook
    pipeline: Pipeline
    path: str
    place: Callable[[str], str]


def find_takes(shared: Sequence[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """Variable -> notebook, for what comes after these `(notebook, its shares)`: the
    nearest one holds."""
    return {name: notebook for notebook, names in shared for name in names}


def join(
    name: str, drafts: Sequence[Draft], *, description: str, schedule: str | None
) -> Pipeline:
    """The pipeline of all of them, in this order."""
    notebooks = tuple(draft.notebook for draft in drafts)
    stages = tuple(
        _renamed(draft, stage) for draft in drafts for stage in draft.pipeline.stages
    )
    wiring = resolve_joined(notebooks, stages)
    first = drafts[0].pipeline
    return Pipeline(
        version=first.version,
        name=name,
        kernel=first.kernel,
        source=first.source,
        parameters=tuple(
            replace(parameter, name=f"{draft.notebook.name}.{parameter.name}")
            for draft in drafts
            for parameter in draft.pipeline.parameters
        ),
        stages=_wired(stages, wiring),
        edges=wiring.edges,
        diagnostics=tuple(
            _placed(draft, found)
            for draft in drafts
            for found in draft.pipeline.diagnostics
        ),
        description=description,
        schedule=schedule,
        contract_digests={
            f"{draft.notebook.name}.{value}": digest
            for draft in drafts
            for value, digest in draft.pipeline.contract_digests.items()
        },
        notebooks=notebooks,
    )


def _wired(stages: Sequence[Stage], wiring: Wiring) -> tuple[Stage, ...]:
    return tuple(
        replace(
            stage, inputs=wiring.inputs[stage.name], outputs=wiring.outputs[stage.name]
        )
        for stage in stages
    )


def _placed(draft: Draft, found: Diagnostic) -> Diagnostic:
    stage = f"{draft.notebook.name}.{found.stage}" if found.stage else None
    return replace(found, stage=stage, notebook=draft.path)


def _renamed(draft: Draft, stage: Stage) -> Stage:
    """The stage as the joined pipeline names it, its files as they are called from its
    folder."""
    prefix = draft.notebook.name

    def full(name: str) -> str:
        return f"{prefix}.{name}"

    options = replace(
        stage.options,
        reads=tuple(map(draft.place, stage.options.reads)),
        writes=tuple(map(draft.place, stage.options.writes)),
    )
    return replace(
        stage,
        name=full(stage.name),
        module=f"{prefix}/{stage.name}.py",
        notebook=f"notebooks/{full(stage.name)}.ipynb",
        parameters=tuple(map(full, stage.parameters)),
        effects=tuple(_renamed_effect(effect, draft.place) for effect in stage.effects),
        after=tuple(map(full, stage.after)),
        follows={full(name): names for name, names in stage.follows.items()},
        options=options,
    )


def _renamed_effect(effect: Effect, place: Callable[[str], str]) -> Effect:
    if not is_file(effect.name):
        return effect
    return replace(effect, name=FILE + place(effect.name.removeprefix(FILE)))


def resolve_joined(
    notebooks: Sequence[JoinedNotebook], stages: Sequence[Stage]
) -> Wiring:
    """Inputs, outputs and edges of the stages of several notebooks, which stand in
    their order."""
    shared: dict[tuple[str, str], str] = {}
    inputs: dict[str, tuple[StageInput, ...]] = {}
    outputs: dict[str, tuple[str, ...]] = {}
    names: _Names = defaultdict(set)
    found: list[Diagnostic] = []
    for notebook in notebooks:
        own = [stage for stage in stages if _notebook(stage.name) == notebook.name]
        before, after = outer_stages(notebook.shares, notebook.takes)
        wiring = resolve([before, *own, after])
        makers = {
            name: shared.get((taken, name), "")
            for name, taken in notebook.takes.items()
        }
        for stage in own:
            inputs[stage.name] = _from_makers(wiring.inputs[stage.name], makers)
            outputs[stage.name] = wiring.outputs[stage.name]
        for value in _from_makers(wiring.inputs[LEFT], makers):
            shared[notebook.name, value.name] = value.from_
        _note_edges(wiring.edges, makers, names)
        found += wiring.diagnostics
    for edge in _edges_of_files(stages):
        names[edge.from_, edge.to].update(edge.names)
    return Wiring(inputs, outputs, _in_order(stages, names), tuple(found))


def _from_makers(
    values: Sequence[StageInput], makers: Mapping[str, str]
) -> tuple[StageInput, ...]:
    """What is taken comes from the stage of the earlier notebook that made it."""
    found = []
    for each in values:
        maker = makers[each.name] if each.from_ == TAKEN else each.from_
        if maker:
            found.append(StageInput(each.name, maker))
    return tuple(found)


def _note_edges(
    edges: Sequence[Edge], makers: Mapping[str, str], names: _Names
) -> None:
    """Add what the graph of one notebook says to `names`, by the stages that really
    make what is taken."""
    for edge in edges:
        if edge.to == LEFT:
            continue
        if edge.from_ != TAKEN:
            names[edge.from_, edge.to].update(edge.names)
            continue
        for name in edge.names:
            if makers.get(name):
                names[makers[name], edge.to].add(name)


def _edges_of_files(stages: Sequence[Stage]) -> list[Edge]:
    """What stages of different notebooks have to do with each other: files, and what
    runs have seen."""
    bare = [
        Stage(
            stage.name,
            stage.cells,
            stage.module,
            stage.notebook,
            effects=tuple(effect for effect in stage.effects if is_file(effect.name)),
            follows=stage.follows,
        )
        for stage in stages
    ]
    return [
        edge
        for edge in resolve(bare).edges
        if _notebook(edge.from_) != _notebook(edge.to)
    ]


def _notebook(stage: str) -> str:
    """The name of the notebook that a stage is of."""
    return stage.partition(".")[0]


def _in_order(stages: Sequence[Stage], names: _Names) -> tuple[Edge, ...]:
    place = {stage.name: number for number, stage in enumerate(stages)}
    pairs = sorted(names, key=lambda pair: (place[pair[1]], place[pair[0]]))
    return tuple(
        Edge(from_, to, tuple(sorted(names[from_, to]))) for from_, to in pairs
    )
