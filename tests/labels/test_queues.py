"""Rows that wait beside a notebook: shown, labelled, labelled anew, merged; and files
that are no queue."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels import label_config, tasks_from_rows
from jupyter_pipe.labels.queues import Queue, add_answer, find_queues, read_queue

ROWS = [
    {"ticket": "T1", "text": 'an "invoice" <b>', "guess": "billing & co"},
    {"ticket": "T2", "text": "naïve ☃", "guess": None},
]
CHOICES = ["billing & co", 'net "work"']


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tasks = tasks_from_rows(ROWS, ["ticket"], suggested="guess", version="r1")
    (tmp_path / "queue.tasks.json").write_text(json.dumps(tasks, ensure_ascii=False))
    (tmp_path / "queue.tasks.xml").write_text(label_config(["ticket", "text"], CHOICES))
    return tmp_path


def labels(queue: Queue) -> list[str]:
    return [task.label for task in queue.tasks]


def test_rows_are_labelled_and_labelled_otherwise(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_queues(folder) == ["queue"]
    queue = read_queue(folder, "queue", "ann")
    assert list(queue.choices) == CHOICES
    assert [task.suggested for task in queue.tasks] == ["billing & co", ""]
    assert labels(queue) == ["", ""]
    for task, label in ((0, CHOICES[0]), (1, CHOICES[0]), (1, CHOICES[1])):
        add_answer(queue, queue.tasks[task].id, label, "ann")
    add_answer(queue, queue.tasks[0].id, CHOICES[1], "bob")
    assert labels(read_queue(folder, "queue", "ann")) == CHOICES
    assert labels(read_queue(folder, "queue", "bob")) == [CHOICES[1], ""]
    assert main(["labels", "merge", str(queue.answers), "--key", "ticket"]) == 0
    said = capsys.readouterr()
    assert [line.split(",")[0] for line in said.out.splitlines()[1:]] == ["T1", "T2"]
    assert '"net ""work""",1,1' in said.out
    assert "from 3 votes of 2 annotators" in said.err


def test_what_is_not_there_cannot_be_labelled(folder: Path) -> None:
    queue = read_queue(folder, "queue", "ann")
    with pytest.raises(PipeError, match="no label 'x'"):
        add_answer(queue, queue.tasks[0].id, "x", "ann")
    with pytest.raises(PipeError, match="this row any more"):
        add_answer(queue, "0" * 16, CHOICES[0], "ann")
    assert not queue.answers.exists()


def test_answers_do_not_go_through_a_link(folder: Path) -> None:
    queue = read_queue(folder, "queue", "ann")
    elsewhere = folder / "elsewhere"
    elsewhere.write_text("")
    queue.answers.symlink_to(elsewhere)
    with pytest.raises(PipeError, match="cannot be written"):
        add_answer(queue, queue.tasks[0].id, CHOICES[0], "ann")
    assert elsewhere.read_text() == ""


@pytest.mark.parametrize(
    "name", ["queue.tasks.json", "queue.tasks.xml", "queue.answers.jsonl"]
)
def test_what_is_linked_or_a_pipe_is_not_read(folder: Path, name: str) -> None:
    """A page would show a file that lies elsewhere, or wait for ever."""
    path = folder / name
    path.touch()
    path.rename(folder / "elsewhere")
    for plant in (lambda: path.symlink_to("elsewhere"), lambda: os.mkfifo(path)):
        plant()
        assert ("queue" in find_queues(folder)) == (name != "queue.tasks.json")
        with pytest.raises(PipeError, match=f"'{name}' cannot be read"):
            read_queue(folder, "queue", "ann")
        path.unlink()


def test_half_a_line_is_asked_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As who is killed while writing leaves it, and lines of other kinds of damage."""
    queue = read_queue(folder, "queue", "ann")
    add_answer(queue, queue.tasks[0].id, CHOICES[0], "ann")
    whole = queue.answers.read_bytes()
    queue.answers.write_bytes(
        whole + b'\xff\n[1]\n{"data": {"a": 1}, "annotations": {"a": 1}}\n' + whole[:40]
    )
    torn = read_queue(folder, "queue", "ann")
    assert (labels(torn), torn.unread) == ([CHOICES[0], ""], (2, 3, 4, 5))
    add_answer(torn, torn.tasks[1].id, CHOICES[1], "ann")
    again = read_queue(folder, "queue", "ann")
    assert (labels(again), again.unread) == (CHOICES, (2, 3, 4, 5))
    queue.answers.write_bytes(whole + whole[:40] + b"\n")
    assert main(["labels", "merge", str(queue.answers), "--key", "ticket"]) == 2
    assert "line 2 is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("queue.tasks.json", "{"),
        ("queue.tasks.json", '{"data": {}}'),
        ("queue.tasks.json", "[1]"),
        ("queue.tasks.json", '[{"data": {"a": 1}, "predictions": [{"result": 3}]}]'),
    ],
)
def test_a_file_that_is_no_queue_is_named(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(PipeError, match=rf"'{name}' holds no tasks") as caught:
        read_queue(folder, "queue", "ann")
    assert "labels export" in caught.value.hint
