"""Contender: papermill once a stage, as a library, what a careful person would write by
hand.

    python run_papermill.py PACKAGE WORKDIR WORKERS

The stages of a compiled package run in the order of its graph, as many at once as there
are workers, each in a fresh kernel; the values between them go through one pickle a
variable.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import nbformat
import papermill

from jupyter_pipe.compiler import read_package
from jupyter_pipe.model import Pipeline, Stage

LOAD = "import pickle as _pickle\n{name} = _pickle.load(open({path!r}, 'rb'))"
SAVE = (
    "import pickle as _pickle\n_pickle.dump({name}, open({path!r}, 'wb'), protocol=5)"
)
BACK = "import os as _os\n_os.chdir({folder!r})"


def sources(package: Path, stage: Stage, values: Path, workdir: str) -> Iterator[str]:
    """The code of a stage notebook in which plain pickles take the place of our
    payloads."""
    yield BACK.format(folder=workdir)
    compiled = nbformat.read(package / stage.notebook, as_version=4)
    for cell in compiled.cells:
        role = cell.metadata.get("jupyter_pipe", {}).get("role")
        if role == "inputs":
            yield from (
                LOAD.format(name=i.name, path=str(values / f"{i.from_}.{i.name}"))
                for i in stage.inputs
            )
        elif role == "outputs":
            yield from (
                SAVE.format(name=name, path=str(values / f"{stage.name}.{name}"))
                for name in stage.outputs
            )
        else:
            yield cell.source


def write_notebooks(
    package: Path, pipeline: Pipeline, folder: Path, workdir: str
) -> None:
    """One notebook a stage in `folder`."""
    for stage in pipeline.stages:
        cells = [
            nbformat.v4.new_code_cell(source)
            for source in sources(package, stage, folder, workdir)
        ]
        kernel = {
            "display_name": "Python 3",
            "language": "python",
            "name": pipeline.kernel,
        }
        notebook = nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": kernel}
        )
        nbformat.write(notebook, folder / f"{stage.name}.ipynb")


def run(pipeline: Pipeline, folder: Path, workers: int) -> None:
    """All stages, each as soon as what it waits for has finished."""
    waiting = {
        stage.name: set(pipeline.upstream(stage.name)) for stage in pipeline.stages
    }
    running: dict[Future[object], str] = {}
    with ThreadPoolExecutor(workers) as pool:
        while waiting or running:
            for name in [name for name, needs in waiting.items() if not needs]:
                del waiting[name]
                path = str(folder / f"{name}.ipynb")
                running[
                    pool.submit(
                        papermill.execute_notebook, path, path, progress_bar=False
                    )
                ] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                finished = running.pop(future)
                for needs in waiting.values():
                    needs.discard(finished)


if __name__ == "__main__":
    package_folder = Path(sys.argv[1])
    compiled_pipeline = read_package(package_folder)
    with tempfile.TemporaryDirectory() as scratch:
        write_notebooks(package_folder, compiled_pipeline, Path(scratch), sys.argv[2])
        run(compiled_pipeline, Path(scratch), int(sys.argv[3]))
