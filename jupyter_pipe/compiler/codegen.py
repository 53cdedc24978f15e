"""The files of a compiled package, from the pipeline and the notebook. Pure: bytes out, nothing written."""

from __future__ import annotations

from jupyter_pipe.compiler.digests import sealed_pipeline
from jupyter_pipe.compiler.notebooks import stage_notebook
from jupyter_pipe.model import Notebook, Pipeline

__all__ = ["package_files"]


def package_files(notebook: Notebook, pipeline: Pipeline, package: str) -> dict[str, bytes]:
    """Paths in the package, with forward slashes, and their content; `package` is STEM."""
    files = {"pipeline.json": sealed_pipeline(pipeline)}
    for stage in pipeline.stages:
        files[stage.notebook] = stage_notebook(notebook, stage, pipeline.parameters)
    return files
