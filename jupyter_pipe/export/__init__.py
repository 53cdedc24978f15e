"""The pipeline in the language of another engine, each task of which calls `jupyter-pipe run-stage`.

`export_pipeline(target, pipeline, tasks)` gives the text of one file. Parameters stay parameters
there: they reach the stages as environment variables, `JUPYTER_PIPE_NAME`.
"""

from __future__ import annotations

import importlib

from jupyter_pipe.export.tasks import ExportError, Tasks
from jupyter_pipe.model import Pipeline

__all__ = ["TARGETS", "ExportError", "Tasks", "export_pipeline", "file_name"]

# Each is a module here with a function `write(pipeline, tasks) -> str`, and the file's usual name.
TARGETS = {
    "airflow": "{name}_dag.py",
    "argo": "{name}.argo.yaml",
    "make": "{name}.mk",
    "snakemake": "{name}.smk",
}


def export_pipeline(target: str, pipeline: Pipeline, tasks: Tasks) -> str:
    """The file's text. Raises ExportError if the engine needs to know more, KeyError for no target."""
    if target not in TARGETS:
        raise KeyError(target)
    text: str = importlib.import_module(f"{__name__}.{target}").write(pipeline, tasks)
    return text


def file_name(target: str, pipeline: Pipeline) -> str:
    """What the file is usually called."""
    return TARGETS[target].format(name=pipeline.name)
