"""Queues of rows that wait for labels, as files beside a notebook: tasks and their
form, and answers to them.

`NAME.tasks.json` and `NAME.tasks.xml` are what `labels export` writes. Answers are
lines of `NAME.answers.jsonl`, each a task of Label Studio with one annotation; of one
person the last counts. Raises PipeError for files that are not as they should be.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

import msgspec
from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels.tasks import choice_result
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["Queue", "Task", "add_answer", "find_queues", "parse_answers", "read_queue"]

_TASKS = ".tasks.json"
_LARGEST = 64_000_000
# As `quoteattr` writes it: in single quotes where the label holds double ones.
_CHOICE = re.compile(r"""<Choice value=("[^"]*"|'[^']*')/>""")
# What `xml.sax` writes in the place of these characters, besides the three that every
# text escapes.
_ENTITIES = {"&quot;": '"', "&#10;": "\n", "&#13;": "\r", "&#9;": "\t"}


class Task(Struct, frozen=True):
    """A row to be labelled. `id` is a digest of the row, `suggested` a label that may
    be confirmed, `label` what this annotator has said of it so far."""

    id: str
    data: dict[str, Any]
    suggested: str = ""
    label: str = ""


class Queue(Struct, frozen=True):
    """The rows of one file, and the labels to choose from. `answers` is the file that
    answers go to, `unread` the numbers of its lines that are damaged, and count as no
    answer."""

    name: str
    tasks: tuple[Task, ...]
    choices: tuple[str, ...]
    answers: Path
    unread: tuple[int, ...] = ()


class _Chosen(Struct, frozen=True):
    choices: tuple[str, ...] = ()


class _Result(Struct, frozen=True):
    value: _Chosen = _Chosen()


class _Said(Struct, frozen=True):
    """A prediction or an annotation."""

    completed_by: str = ""
    result: tuple[_Result, ...] = ()

    @property
    def label(self) -> str:
        return next(
            (choice for each in self.result for choice in each.value.choices), ""
        )


class _Record(Struct, frozen=True):
    """A task in a file, as Label Studio has it."""

    data: dict[str, Any]
    predictions: tuple[_Said, ...] = ()
    annotations: tuple[_Said, ...] = ()


def find_queues(folder: Path) -> list[str]:
    """The names of the queues in a folder. A link is none: a page would show what it
    leads to."""
    return sorted(
        path.name.removesuffix(_TASKS)
        for path in folder.glob(f"*{_TASKS}")
        if path.is_file() and not path.is_symlink()
    )


def read_queue(folder: Path, name: str, annotator: str) -> Queue:
    """A queue with what `annotator` has said so far."""
    answers = folder / f"{name}.answers.jsonl"
    answered, unread = _read_answers(answers)
    labels = {
        _id(each.data): said.label
        for each in answered
        for said in each.annotations
        if said.completed_by == annotator
    }
    path = folder / f"{name}{_TASKS}"
    found = _parse(path, _read(path), list[_Record])
    form = _read(folder / f"{name}.tasks.xml").decode(errors="replace")
    choices = tuple(unescape(text[1:-1], _ENTITIES) for text in _CHOICE.findall(form))
    return Queue(
        name, tuple(_task(each, labels) for each in found), choices, answers, unread
    )


def add_answer(queue: Queue, task_id: str, label: str, annotator: str) -> None:
    """Append an answer; what others write at the same time is not lost."""
    tasks = {each.id: each for each in queue.tasks}
    task = tasks.get(task_id)
    if task is None:
        raise _unusable(queue.name, "does not have this row any more")
    if label not in queue.choices:
        raise _unusable(queue.name, f"has no label '{label}'")
    annotation = {
        "completed_by": annotator,
        "was_cancelled": False,
        "result": [choice_result(label)],
    }
    line = json.dumps({"data": task.data, "annotations": [annotation]}) + "\n"
    # Not through a link: it would lead the words of a page into a file elsewhere.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(queue.answers, flags, 0o644), "r+b") as file:
            # Whoever was killed while writing leaves half a line, which would take this
            # one with it.
            is_torn = (
                file.seek(0, os.SEEK_END) > 0
                and (file.seek(-1, os.SEEK_END), file.read())[1] != b"\n"
            )
            file.write(b"\n" * is_torn + line.encode())
    except OSError as error:
        raise _unusable(
            queue.answers.name, f"cannot be written: {error.strerror}"
        ) from None


def parse_answers(text: str) -> list[Any]:
    """The tasks in the lines of a file of answers. Raises ValueError with the number of
    a line that is none: a vote that is left out may decide."""
    tasks = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            tasks += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            raise ValueError(
                f"line {number} is damaged; remove it, and label that row again"
            ) from None
    return tasks


def _read_answers(path: Path) -> tuple[list[_Record], tuple[int, ...]]:
    """The answers so far, and the lines that are none: whoever was killed while writing
    leaves half a line, and its row is asked again."""
    answered, unread = [], []
    lines = _read(path).split(b"\n") if os.path.lexists(path) else []
    for number, line in enumerate(lines, start=1):
        try:
            answered += [_parse(path, line, _Record)] if line.strip() else []
        except PipeError:
            unread.append(number)
    return answered, tuple(unread)


def _task(record: _Record, labels: dict[str, str]) -> Task:
    key = _id(record.data)
    suggested = next((each.label for each in record.predictions), "")
    return Task(key, record.data, suggested, labels.get(key, ""))


def _id(data: dict[str, Any]) -> str:
    """The same for the same row, wherever its columns stand."""
    return hashlib.sha256(msgspec.json.encode(data, order="sorted")).hexdigest()[:16]


def _parse(path: Path, text: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unusable(path.name, f"holds no tasks: {error}") from None


def _read(path: Path) -> bytes:
    try:
        return read_regular_file(path, _LARGEST, follow=False)
    except OSError as error:
        raise _unusable(path.name, f"cannot be read: {error.strerror}") from None


def _unusable(name: str, why: str) -> PipeError:
    hint = "Write it anew: jupyter pipe labels export NOTEBOOK --key COLUMN"
    return PipeError(f"'{name}' {why}.", code="labels_unusable", hint=hint)
