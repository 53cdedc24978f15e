"""The tag `labels:` keeps a table, and `labels export` makes tasks of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import jupyter_pipe
from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook
from tests.compiler.notebooks import write_notebook

CELLS = [
    (
        "import pandas as pd\ntickets = pd.DataFrame({'ticket': ['T1', 'T2'], 'text': ['a', 'b']})",
        ["stage:load"],
    ),
    ("queue = tickets.assign(guess=['x', None])", ["stage:queue", "labels:queue"]),
]


def test_the_table_is_kept_though_no_stage_reads_it(tmp_path: Path) -> None:
    pipeline = compile_notebook(
        write_notebook(tmp_path / "tickets.ipynb", CELLS)
    ).pipeline
    stage = pipeline.stage("queue")
    assert stage.options.labels == ("queue",)
    assert stage.outputs == ("queue",)


@pytest.mark.kernel
def test_a_run_gives_tasks_and_their_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = write_notebook(tmp_path / "tickets.ipynb", CELLS)
    monkeypatch.chdir(tmp_path)
    assert main(["labels", "export", str(notebook), "--key", "ticket"]) == 2
    assert "jupyter pipe run tickets.ipynb" in capsys.readouterr().err
    run = jupyter_pipe.run(notebook)
    assert (
        main(
            ["labels", "export", str(notebook), "--key", "ticket", "--suggest", "guess"]
        )
        == 0
    )
    tasks = json.loads(Path("queue.tasks.json").read_text())
    assert [task["data"] for task in tasks] == [
        {"ticket": "T1", "text": "a"},
        {"ticket": "T2", "text": "b"},
    ]
    assert tasks[0]["predictions"][0]["model_version"] == run.run_id
    assert '<Choice value="x"/>' in Path("queue.tasks.xml").read_text()
    assert main(["labels", "export", str(notebook), "--key", "ticket"]) == 2
    assert "--choices" in capsys.readouterr().err
