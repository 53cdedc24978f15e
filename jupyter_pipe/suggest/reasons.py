"""Says a suggestion in words: why these cells, what stands apart, what was left alone.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from jupyter_pipe.model import Notebook, Pipeline, Severity, Stage
from jupyter_pipe.suggest.model import SuggestedStage, Suggestion
from jupyter_pipe.suggest.survey import Survey

__all__ = ["describe"]

_SHOWN = 3
_PROBLEMS = 5
_ROLES = (
    (("parameters",), "settings, which become the pipeline's parameters."),
    (
        ("functions", "imports"),
        "only definitions; every stage that uses them repeats them.",
    ),
    (("shared",), "changes a module; every stage below repeats it."),
    (("skip",), "installs packages, which a pipeline should find installed."),
)
"""What is said of cells that get a role instead of a stage."""


def describe(
    notebook: Notebook,
    seen: Survey,
    pipeline: Pipeline,
    tags: dict[str, tuple[str, ...]],
) -> Suggestion:
    """The suggestion whose tags make `pipeline`."""
    before = _ancestors(pipeline)
    stages = (
        [_stage(stage, pipeline, seen, before) for stage in pipeline.stages]
        if _has_stages(seen)
        else []
    )
    return Suggestion(
        tuple(stages), tags, tuple(_notes(notebook, seen, pipeline, tags))
    )


def _has_stages(seen: Survey) -> bool:
    return bool(seen.rows or seen.stages)


def _stage(
    stage: Stage, pipeline: Pipeline, seen: Survey, before: Mapping[str, frozenset[str]]
) -> SuggestedStage:
    return SuggestedStage(
        name=stage.name,
        cells=stage.cells,
        after=pipeline.upstream(stage.name),
        receives=tuple(given.name for given in stage.inputs),
        reason=" ".join(_reason(stage, pipeline, seen, before)),
    )


def _reason(
    stage: Stage, pipeline: Pipeline, seen: Survey, before: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    """Why the stage is proposed: its tags or headings, and which stages it can run
    beside."""
    titles = [
        f"'{seen.headings[cell].text}'" for cell in stage.cells if cell in seen.headings
    ]
    if stage.name in seen.stages:
        yield "Tagged already."
    elif titles:
        yield f"Under {_list(titles)}."
    beside = [
        other.name
        for other in pipeline.stages
        if other.name not in before[stage.name]
        and stage.name not in before[other.name]
        and other != stage
    ]
    if beside:
        shown = (
            _list(beside) if len(beside) <= _SHOWN else f"{len(beside)} other stages"
        )
        yield f"Can run beside {shown}."


def _ancestors(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for stage in pipeline.stages:
        above = pipeline.upstream(stage.name)
        found[stage.name] = frozenset(above).union(
            *(found.get(name, frozenset()) for name in above)
        )
    return found


def _notes(
    notebook: Notebook,
    seen: Survey,
    pipeline: Pipeline,
    tags: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """What else the user should know: cells without a stage, and what does not compile
    anyway."""
    if not _has_stages(seen):
        yield "There is nothing to make stages of: all cells only import or define."
    elif not seen.rows:
        yield "Every cell has its stage already."
    numbers = {
        cell.id: cell.number for cell in notebook.cells if cell.number is not None
    }
    for roles, what in _ROLES:
        cells = [
            numbers[cell_id] for cell_id, (tag, *_) in tags.items() if tag in roles
        ]
        if cells:
            yield f"{_cells(cells)}: {what}"
    errors = [
        found for found in pipeline.diagnostics if found.severity is Severity.error
    ]
    for found in errors[:_PROBLEMS]:
        yield f"Not because of the stages: {found.message}"


def _cells(numbers: Sequence[int]) -> str:
    shown = [str(number) for number in sorted(numbers)]
    return (
        f"Cell {shown[0]}"
        if len(shown) == 1
        else f"Cells {', '.join(shown[:-1])} and {shown[-1]}"
    )


def _list(words: Iterable[str]) -> str:
    names = list(words)
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    if len(names) < 2:
        return "".join(names)
    first = ", ".join(names[:-1])
    return f"{first} and {names[-1]}"
