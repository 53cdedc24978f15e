"""Through the real engine: what stages note in forked and in fresh kernels, magics and
shell lines too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import nbformat.v4 as nbformat
import pytest

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cli.main import main
from jupyter_pipe.engine.kernels.forked import can_fork
from jupyter_pipe.runs import RunFolder, RunStore
from tests.observe.observing import words

pytestmark = pytest.mark.kernel
KINDS = ("fork", "fresh") if can_fork() else ("fresh",)

LEADING = """import glob, os, subprocess, sys
from importlib import import_module
from pathlib import Path
import pandas as pd"""
STAGES = {
    "searched": ("sorted(Path('inputs').glob('*.csv'))", "listing inputs *.csv"),
    "listed": ("!ls inputs", "listing inputs"),
    "captured": ("lines = !cat inputs/a.csv", "content inputs/a.csv"),
    "computed": (
        "name = 'a'\npd.read_csv('inputs/%s.csv' % name)",
        "content inputs/a.csv",
    ),
    "asked": ("os.environ.get('MODE_X')", "variable MODE_X"),
    "started": (
        "subprocess.run([sys.executable, 'tool.py'], capture_output=True)",
        "content tool.py, program python tool.py",
    ),
    "imported": (
        "import_module('plug').VALUE",
        "missing plug/__init__.py, module plug.py",
    ),
    "scripted": (
        "%%bash\ncat inputs/a.csv\necho $MODE_X",
        "content inputs/a.csv, variable MODE_X",
    ),
    "timed": ("%%time\nopen('inputs/a.csv').read()", "content inputs/a.csv"),
    "ran": ("%run -n plug.py", "content plug.py"),
    "written": ("%%writefile new.txt\ntext", "wrote new.txt"),
    "dated": ("pd.Timestamp.now().year", "calendar"),
    "drawn": ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", ""),
    "nothing": ("value = 1", ""),
}


@pytest.fixture(params=KINDS)
def results(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[str], StageResult]:
    """The result of each stage of the notebook above."""
    for name, text in {
        "inputs/a.csv": "x\n1\n",
        "tool.py": "print(1)\n",
        "plug.py": "VALUE = 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    path = write_notebook(
        tmp_path,
        [("", LEADING), *((f"stage:{n}", code) for n, (code, _) in STAGES.items())],
    )
    folder = run_notebook(path, request.param)
    return lambda stage: msgspec.json.decode(
        folder.result(stage).read_bytes(), type=StageResult
    )


def run_notebook(path: Path, kernels: str) -> RunFolder:
    """Runs it by the command line."""
    assert main(["run", str(path), "--kernels", kernels]) == 0
    store = RunStore(path.parent)
    return store.folder(store.list()[0].run_id)


def write_notebook(folder: Path, cells: Sequence[tuple[str, str]]) -> Path:
    """Each cell is its tags and its source."""
    notebook = nbformat.new_notebook(
        cells=[
            nbformat.new_code_cell(source, metadata={"tags": tags.split()})
            for tags, source in cells
        ],
        metadata={
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        },
    )
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook))
    return path


def test_stages_note_what_they_touch(results: Callable[[str], StageResult]) -> None:
    noted = {stage: words(results(stage).observed) for stage in STAGES}
    assert noted == {
        stage: sorted(text.split(", ") if text else [])
        for stage, (_, text) in STAGES.items()
    }
    assert all(
        results(stage).observed.complete and not results(stage).warnings
        for stage in STAGES
    )
    [read] = results("timed").observed.read
    assert read.line == 2
