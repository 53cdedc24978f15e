"""The one entry: a notebook in, stages for its cells out. Writes nothing.

What is suggested compiles: stages that cannot stand apart are put together again, and
what does not compile without stages either is left alone and said.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path

from jupyter_pipe.model import Cell, Diagnostic, Notebook, Pipeline, Severity
from jupyter_pipe.suggest.flow import Draft, with_tags
from jupyter_pipe.suggest.grouping import group_rows
from jupyter_pipe.suggest.model import Suggestion
from jupyter_pipe.suggest.names import make_names
from jupyter_pipe.suggest.reasons import describe
from jupyter_pipe.suggest.shapes import shape_rows
from jupyter_pipe.suggest.survey import Survey, survey

__all__ = ["suggest", "suggest_stages"]

# Each one is an analysis of the whole notebook.
_ATTEMPTS = 6
_MODULE_CHANGED = "PIPE211"
_CHANGED_BETWEEN = "PIPE208"
_CANNOT_TRAVEL = "PIPE207"
_DEFINING = frozenset({"functions", "imports", "shared"})
_Rows = list[list[tuple[Cell, ...]]]
_Place = tuple[str, "str | None", "int | None", "int | None"]


def suggest_stages(path: Path | str, content: bytes | None = None) -> Suggestion:
    """Stages for the notebook at `path`, or for `content` as an editor shows it. Raises
    NotebookError."""
    from jupyter_pipe.compiler import draft_of
    from jupyter_pipe.notebook import read_notebook

    return suggest(read_notebook(path, content), draft_of)


def suggest(notebook: Notebook, draft: Draft) -> Suggestion:
    """Stages for what has none; `draft` compiles as far as it can."""
    seen = survey(notebook, draft)
    return _Settling(notebook, seen, draft).settled()


class _Settling:
    """Puts stages together until the notebook compiles as well as without them."""

    def __init__(self, notebook: Notebook, seen: Survey, draft: Draft) -> None:
        self.notebook = notebook
        self.seen = seen
        self.draft = draft
        self.rows: _Rows = group_rows(seen)
        self.roles = dict(seen.tags)
        self.after: dict[str, tuple[str, ...]] = {}
        self.shared: set[str] = set()

    @functools.cached_property
    def known(self) -> set[_Place]:
        """What is wrong without these stages, too."""
        return {_place(found) for found in self.draft(self.notebook).diagnostics}

    def settled(self) -> Suggestion:
        for attempt in itertools.count():
            tags = self._tags()
            pipeline = self.draft(with_tags(self.notebook, tags))
            if not self._mended(pipeline):
                break
            if (
                attempt > _ATTEMPTS
            ):  # each costs an analysis, and this notebook does not come apart
                return self._as_it_is()
        if self._new_errors(pipeline):
            return self._as_it_is()
        return describe(self.notebook, self.seen, pipeline, tags)

    def _as_it_is(self) -> Suggestion:
        """No stage at all: the notebook is one already, and so are the cells below each
        stage of its own."""
        return describe(self.notebook, self.seen, self.draft(self.notebook), {})

    def _tags(self) -> dict[str, tuple[str, ...]]:
        names = iter(
            make_names(list(shape_rows(self.rows, self.seen)), self.seen.stages)
        )
        tags: dict[str, tuple[str, ...]] = {
            cell_id: (role,) for cell_id, role in self.roles.items()
        }
        for row in self.rows:
            for group in row:
                name = next(names)
                tags |= {
                    cell.id: (f"stage:{name}", *self.after.get(cell.id, ()))
                    for cell in group
                }
        return tags

    def _mended(self, pipeline: Pipeline) -> bool:
        """Whether something was found that these stages bring with them, and
        changed."""
        new = self._new_errors(pipeline)
        if not new:
            new = [
                found
                for found in pipeline.diagnostics
                if found.severity is Severity.warning
            ]
        if any(self._order(found) for found in new):
            return True
        errors = {
            found.cell_id: found for found in new if found.severity is Severity.error
        }
        repaired = [self._repair(found, pipeline) for found in errors.values()]
        return any(repaired)

    def _new_errors(self, pipeline: Pipeline) -> list[Diagnostic]:
        """Errors, and the warnings beside them, that the notebook has only with these
        stages."""
        found = [
            each for each in pipeline.diagnostics if each.severity is not Severity.info
        ]
        if not any(each.severity is Severity.error for each in found):
            return []
        new = [each for each in found if _place(each) not in self.known]
        return new if any(each.severity is Severity.error for each in new) else []

    def _order(self, found: Diagnostic) -> bool:
        """Take up an `after:` that the compiler proposes."""
        wanted = [
            tag
            for fix in found.fixes
            for tag in fix.add_tags
            if tag.startswith("after:")
        ]
        missing = [
            tag for tag in wanted if tag not in self.after.get(found.cell_id or "", ())
        ]
        if not missing or found.cell_id is None:
            return False
        self.after[found.cell_id] = (*self.after.get(found.cell_id, ()), *missing)
        return True

    def _repair(self, found: Diagnostic, pipeline: Pipeline) -> bool:
        """Changes the proposal where the diagnostic points; False if nothing can be
        changed there."""
        if self.roles.pop(found.cell_id or "", None):
            return True
        self.after.clear()  # these name stages that may be gone in a moment
        if found.code == _CHANGED_BETWEEN and self._drop_roles(found.stage, pipeline):
            return True
        place = self._place_of_group({found.cell_id, *_cells_of(pipeline, found.stage)})
        if place is None:
            return False
        row, number = place
        if found.code == _MODULE_CHANGED and found.cell_id not in self.shared:
            return self._share(row, number, found.cell_id or "")
        if found.code == _CANNOT_TRAVEL:
            return _merge_readers(row, number, pipeline, found)
        return _merge(row, number, pipeline, found.stage)

    def _place_of_group(
        self, wanted: set[str | None]
    ) -> tuple[list[tuple[Cell, ...]], int] | None:
        """The row, and the number in it, of the first group with one of these cells."""
        for row in self.rows:
            for number, group in enumerate(row):
                if not wanted.isdisjoint(cell.id for cell in group):
                    return row, number
        return None

    def _drop_roles(self, stage: str | None, pipeline: Pipeline) -> bool:
        """Cells that only define become cells of the stage around them: what they
        define is another thing above than below, as where a function is written
        twice."""
        cells = _cells_of(pipeline, stage)
        indices = {cell.id: cell.index for cell in self.notebook.cells}
        places = [indices[cell] for cell in cells]
        between = [
            cell_id
            for cell_id, role in self.roles.items()
            if role in _DEFINING
            and min(places, default=0) < indices[cell_id] < max(places, default=0)
        ]
        for cell_id in between:
            del self.roles[cell_id]
        return bool(between)

    def _share(self, row: list[tuple[Cell, ...]], number: int, cell_id: str) -> bool:
        """A cell that changes a module is repeated by every stage below it."""
        self.shared.add(cell_id)
        self.roles[cell_id] = "shared"
        group = row[number]
        place = next(place for place, cell in enumerate(group) if cell.id == cell_id)
        row[number : number + 1] = [
            part for part in (group[:place], group[place + 1 :]) if part
        ]
        return True


def _cells_of(pipeline: Pipeline, stage: str | None) -> tuple[str, ...]:
    return next((each.cells for each in pipeline.stages if each.name == stage), ())


def _merge_readers(
    row: list[tuple[Cell, ...]], number: int, pipeline: Pipeline, found: Diagnostic
) -> bool:
    """Put a group together with those that read from it what cannot travel, and all
    between."""
    cells: set[str] = set()
    for edge in pipeline.edges:
        named = any(f"'{name}'" in found.message for name in edge.names)
        if edge.from_ == found.stage and named:
            cells.update(pipeline.stage(edge.to).cells)
    reading = [
        n
        for n in range(number + 1, len(row))
        if cells.intersection(cell.id for cell in row[n])
    ]
    if not reading:
        return _merge(row, number, pipeline, found.stage)
    _put_together(row, number, reading[-1])
    return True


def _put_together(row: list[tuple[Cell, ...]], first: int, last: int) -> None:
    row[first : last + 1] = [
        tuple(cell for group in row[first : last + 1] for cell in group)
    ]


def _merge(
    row: list[tuple[Cell, ...]], number: int, pipeline: Pipeline, stage: str | None
) -> bool:
    """Put a group together with the last one that it takes values from, and all
    between."""
    if len(row) == 1:
        return False
    feeding = {
        cell
        for name in _upstream(pipeline, stage)
        for cell in pipeline.stage(name).cells
    }
    sources = [
        n for n in range(number) if feeding.intersection(cell.id for cell in row[n])
    ]
    other = max(sources, default=number - 1 if number else 1)
    _put_together(row, *sorted((number, other)))
    return True


def _upstream(pipeline: Pipeline, stage: str | None) -> Sequence[str]:
    known = stage is not None and any(each.name == stage for each in pipeline.stages)
    return pipeline.upstream(stage) if known and stage is not None else ()


def _place(found: Diagnostic) -> _Place:
    return found.code, found.cell_id, found.line, found.column
