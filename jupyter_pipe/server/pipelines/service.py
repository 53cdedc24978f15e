"""What the server does with notebooks: check, compile, plan, suggest. Blocks; knows
nothing of HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.analysis.source.reading import reading_below
from jupyter_pipe.errors import RunError
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.notebook.file_kinds import is_text_notebook
from jupyter_pipe.render.theme import Theme
from jupyter_pipe.runs.store import RunStore, is_file_name
from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.payloads import (
    CheckAnswer,
    CheckRequest,
    CompileAnswer,
    CompileRequest,
    GraphAnswer,
    GraphRequest,
    ListedFile,
    PlanAnswer,
    PlannedStage,
    PlanRequest,
    SuggestAnswer,
    SuggestRequest,
)
from jupyter_pipe.server.requests import make_request

__all__ = ["PipelineService"]


class PipelineService:
    """Pipelines of the notebooks below one root."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def check(self, request: CheckRequest) -> CheckAnswer:
        """What the compiler says about a notebook as saved, or as it is being
        edited."""
        from jupyter_pipe.compiler import draft_pipeline

        path = self._root.notebook(request.notebook)
        with reading_below(self._root.folder):
            pipeline = draft_pipeline(path, _encoded(request.content))
        cells = _document_cells(path, request.content)
        return CheckAnswer(
            diagnostics=pipeline.diagnostics, pipeline=pipeline, cells=cells
        )

    def compile(self, request: CompileRequest) -> CompileAnswer:
        """Write the package of the saved notebook, in `STEM_pipeline/` beside it."""
        from jupyter_pipe.compiler import (
            compile_notebook,
            default_output,
            write_package,
        )

        path = self._root.notebook(request.notebook)
        folder = default_output(path)
        with reading_below(self._root.folder):
            compiled = compile_notebook(path, output=folder)
        write_package(compiled, folder, force=request.force)
        modules = [folder / name for name in compiled.files if name.endswith(".py")]
        return CompileAnswer(
            folder=self._root.path_of(folder),
            modules=tuple(self._root.path_of(module) for module in modules),
            pipeline=compiled.pipeline,
        )

    def graph(self, request: GraphRequest) -> GraphAnswer:
        """The pipeline of the notebooks in a list, as saved, with what is wrong with
        them and the states of a run."""
        from jupyter_pipe.compiler.notebook_list import list_notebooks
        from jupyter_pipe.compiler.several import draft_several
        from jupyter_pipe.render import to_svg

        path = self._root.pipeline(request.notebooks)
        listed = list_notebooks([path])
        with reading_below(self._root.folder):
            pipeline = draft_several(listed)
        states = self._states(path.parent, request.run_id) if request.run_id else None
        theme: Theme = "dark" if request.is_dark else "light"
        paths = {
            str(each.path): self._root.path_of(each.path) for each in listed.notebooks
        }
        return GraphAnswer(
            pipeline.name,
            tuple(
                ListedFile(each.name, paths[str(each.path)])
                for each in listed.notebooks
            ),
            to_svg(pipeline, states, theme=theme),
            tuple(
                msgspec.structs.replace(found, notebook=paths[found.notebook])
                for found in pipeline.diagnostics
            ),
            pipeline.parameters,
        )

    def _states(self, folder: Path, run_id: str) -> dict[str, str]:
        from jupyter_pipe.runs.report.words import stage_state

        if not is_file_name(run_id):
            raise RunError(
                f"{run_id[:80]!r} is not the id of a run.", code="run_unknown"
            )
        store = RunStore(folder)
        self._root.confine(store.folder(run_id).path, run_id)
        return {stage.name: stage_state(stage) for stage in store.read(run_id).stages}

    def plan(self, request: PlanRequest) -> PlanAnswer:
        """What a run of the notebook as saved, or as it is being edited, would do, and
        why. Runs nothing."""
        from jupyter_pipe.engine.reuse.forecast import forecast

        path = self._root.notebook(request.notebook)
        with reading_below(self._root.folder):
            plan = forecast(
                make_request(
                    path, request, keep=False, content=_encoded(request.content)
                )
            )
        return PlanAnswer(
            tuple(
                PlannedStage(
                    stage.name, stage.action, stage.reason, stage.saved_seconds
                )
                for stage in plan.stages
            )
        )

    def suggest(self, request: SuggestRequest) -> SuggestAnswer:
        """Stages for a notebook as saved, or as it is being edited."""
        from jupyter_pipe.suggest import suggest_stages

        path = self._root.notebook(request.path)
        with reading_below(self._root.folder):
            found = suggest_stages(path, _encoded(request.content))
        return SuggestAnswer(found.stages, found.tags, found.notes)


def _document_cells(path: Path, content: dict[str, Any] | None) -> dict[str, str]:
    """The ids in a document by those that runs of its file know; empty where these are
    the same."""
    if content is None or not (
        is_text_notebook(path) or _is_saved_without_ids(content)
    ):
        return {}
    from jupyter_pipe.notebook.text import made_ids

    cells = read_notebook(path, _encoded(content)).cells
    if is_text_notebook(path):
        ids = made_ids(cell.source for cell in cells)
    else:
        saved = {
            **content,
            "cells": [{**cell, "id": None} for cell in content["cells"]],
        }
        ids = [cell.id for cell in read_notebook(path, _encoded(saved)).cells]
    return {made: cell.id for made, cell in zip(ids, cells, strict=True)}


def _is_saved_without_ids(content: dict[str, Any]) -> bool:
    """Formats before 4.5 have no ids of cells; an editor has some for each cell all the
    same."""
    minor = content.get("nbformat_minor")
    return isinstance(minor, int) and minor < 5


def _encoded(content: dict[str, Any] | None) -> bytes | None:
    return None if content is None else msgspec.json.encode(content)
