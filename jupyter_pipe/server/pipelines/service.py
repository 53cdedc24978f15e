"""What the server does with notebooks: check, compile, plan, suggest. Blocks; knows nothing of HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.analysis.source.reading import reading_below
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.notebook.file_kinds import is_text_notebook
from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.payloads import (
    CheckAnswer,
    CheckRequest,
    CompileAnswer,
    CompileRequest,
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
        """What the compiler says about a notebook as saved, or as it is being edited."""
        from jupyter_pipe.compiler import draft_pipeline

        path = self._root.notebook(request.notebook)
        with reading_below(self._root.folder):
            pipeline = draft_pipeline(path, _encoded(request.content))
        cells = _document_cells(path, request.content)
        return CheckAnswer(diagnostics=pipeline.diagnostics, pipeline=pipeline, cells=cells)

    def compile(self, request: CompileRequest) -> CompileAnswer:
        """Write the package of the saved notebook, in `STEM_pipeline/` beside it."""
        from jupyter_pipe.compiler import compile_notebook, default_output, write_package

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

    def plan(self, request: PlanRequest) -> PlanAnswer:
        """What a run of the notebook as saved, or as it is being edited, would do, and why. Runs nothing."""
        from jupyter_pipe.engine.reuse.forecast import forecast

        path = self._root.notebook(request.notebook)
        with reading_below(self._root.folder):
            plan = forecast(make_request(path, request, keep=False, content=_encoded(request.content)))
        return PlanAnswer(
            tuple(
                PlannedStage(stage.name, stage.action, stage.reason, stage.saved_seconds)
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
    """The ids in a document by those that runs of its file know; empty where these are the same."""
    if content is None or not is_text_notebook(path):
        return {}
    from jupyter_pipe.notebook.text import made_ids

    cells = read_notebook(path, _encoded(content)).cells
    ids = made_ids(cell.source for cell in cells)
    return {made: cell.id for made, cell in zip(ids, cells, strict=True)}


def _encoded(content: dict[str, Any] | None) -> bytes | None:
    return None if content is None else msgspec.json.encode(content)
