"""The page *Labels*: rows that wait for a label, and the labels that a person gives
here."""

from __future__ import annotations

import getpass
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels.queues import Queue, Task, add_answer, find_queues, read_queue
from jupyter_pipe.server.operations.payloads import (
    LabelRequest,
    LabelsPage,
    QueueShown,
    TaskShown,
)
from jupyter_pipe.server.operations.places import Place

__all__ = ["label_row", "labels_page"]

# Of each queue: a label given brings the next row.
_MOST_TASKS = 10
# Labels to take back, and lines of a damaged file to name.
_MOST_RECENT = 5
# Characters of one field: nobody labels by more.
_LONGEST = 2000


def labels_page(place: Place) -> LabelsPage:
    """The queues beside the notebook, each with the next rows to be labelled."""
    queues, problems = [], []
    for name in find_queues(_folder(place)):
        try:
            queue = read_queue(_folder(place), name, getpass.getuser())
            queues.append(_shown(queue))
            problems += [_damage(queue)] if queue.unread else []
        except PipeError as error:
            problems.append(place.sentence(error))
    return LabelsPage(tuple(queues), " ".join(problems))


def label_row(place: Place, said: LabelRequest) -> LabelsPage:
    """Write a label down. Raises PipeError for a queue, a row or a label that is not
    there."""
    folder, annotator = _folder(place), getpass.getuser()
    # Only a file that is listed is read: its name comes from a page.
    if said.queue not in find_queues(folder):
        raise PipeError(
            f"There are no rows called '{said.queue}' to be labelled.",
            code="labels_unusable",
        )
    add_answer(
        read_queue(folder, said.queue, annotator), said.task, said.label, annotator
    )
    return labels_page(place)


def _damage(queue: Queue) -> str:
    lines = ", ".join(map(str, queue.unread[:_MOST_RECENT]))
    return f"'{queue.answers.name}' is damaged in line {lines}: what stood there counts as no answer."


def _folder(place: Place) -> Path:
    return place.notebook.parent if place.notebook is not None else place.store.root


def _shown(queue: Queue) -> QueueShown:
    open_ = [task for task in queue.tasks if not task.label]
    done = [task for task in queue.tasks if task.label]
    return QueueShown(
        name=queue.name,
        answers=queue.answers.name,
        choices=queue.choices,
        total=len(queue.tasks),
        labelled=len(done),
        tasks=tuple(_task(task) for task in open_[:_MOST_TASKS]),
        recent=tuple(_task(task) for task in done[-_MOST_RECENT:]),
    )


def _task(task: Task) -> TaskShown:
    data = {str(name): _text(value) for name, value in task.data.items()}
    return TaskShown(task.id, data, task.suggested, task.label)


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
