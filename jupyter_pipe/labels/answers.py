"""Answers: who gave which label to which row. From Label Studio's export and back, and
from tables. Pure.

Raises PipeError with the place of what cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels.tasks import CONTROL, Key, choice_result, key_of

__all__ = [
    "Vote",
    "votes_by_key",
    "votes_from_export",
    "votes_from_rows",
    "votes_to_export",
]


class Vote(Struct, frozen=True):
    """One label, given to the row that `key` names by one annotator: a person, or a
    labelling function."""

    key: Key
    annotator: str
    label: str


def votes_by_key(votes: Iterable[Vote]) -> dict[Key, list[Vote]]:
    """The votes for each row, both in the order of the votes."""
    rows: dict[Key, list[Vote]] = {}
    for vote in votes:
        rows.setdefault(vote.key, []).append(vote)
    return rows


def votes_from_export(tasks: Any, keys: Sequence[str]) -> list[Vote]:
    """The answers in an export of Label Studio: JSON, or JSON-MIN with an answer in
    each record. Cancelled ones do not count; of several by one person the last one
    does."""
    if not isinstance(tasks, list):
        raise _unreadable("The export is no list of tasks")
    votes: dict[tuple[Key, str], Vote] = {}
    for number, task in enumerate(tasks, start=1):
        for vote in _votes_of(task, keys, f"Task {number}"):
            votes[vote.key, vote.annotator] = vote
    return list(votes.values())


def _votes_of(task: Any, keys: Sequence[str], place: str) -> Iterator[Vote]:
    """The answers to one task."""
    match task:
        case {"data": dict(data)}:
            key = key_of(data, keys)
            for annotation in _records(task, "annotations", place):
                if not annotation.get("was_cancelled"):
                    yield Vote(key, _annotator(annotation), _choice(annotation, place))
        case dict() if "data" not in task and {CONTROL, "annotation_id"} & task.keys():
            yield from _vote_of_record(task, keys, place)
        case _:
            raise _unreadable(f"{place} has no data")


def _vote_of_record(
    record: dict[str, Any], keys: Sequence[str], place: str
) -> Iterator[Vote]:
    """Of JSON-MIN, which has a record for a task without answers, too."""
    if CONTROL in record or record.get("annotation_id") is not None:
        # Without the control: an annotation that was submitted empty, which is told as
        # an error.
        label = _only(_labels(record.get(CONTROL, [])), place)
        yield Vote(key_of(record, keys), str(record.get("annotator", "")), label)


def _records(holder: Mapping[str, Any], name: str, place: str) -> list[dict[str, Any]]:
    """The list under a name; an empty one where nothing stands."""
    found = holder.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _unreadable(
            f"The '{name}' of {place[0].lower()}{place[1:]} are no list of records"
        )
    return found


def _annotator(annotation: Mapping[str, Any]) -> str:
    """A number, or in newer exports a record of the person."""
    who = annotation.get("completed_by", "")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id", "")
    return str(who)


def _choice(annotation: Mapping[str, Any], place: str) -> str:
    chosen: list[Any] = []
    for result in _records(annotation, "result", place):
        if result.get("type") == "choices":
            value = result.get("value")
            chosen += _labels(value.get("choices") if isinstance(value, dict) else None)
    return _only(chosen, place)


def _labels(chosen: Any) -> list[Any]:
    """JSON has a list of labels, JSON-MIN the label itself where there is but one."""
    return chosen if isinstance(chosen, list) else [chosen]


def _only(labels: Sequence[Any], place: str) -> str:
    """The one label of an answer."""
    if len(labels) != 1:
        raise _unreadable(
            f"{place} has an answer with {len(labels)} labels, where one is wanted"
        )
    if not isinstance(labels[0], (str, int, float)):
        raise _unreadable(f"{place} has an answer that is no label")
    return str(labels[0])


def votes_from_rows(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], functions: Sequence[str]
) -> list[Vote]:
    """The votes in a table with a column for each labelling function. An empty cell is
    no vote."""
    return [
        Vote(key_of(row, keys), name, str(row[name]))
        for row in rows
        for name in functions
        if row.get(name) is not None
    ]


def votes_to_export(
    tasks: Sequence[Mapping[str, Any]], votes: Sequence[Vote], keys: Sequence[str]
) -> list[Any]:
    """The tasks with these answers, as Label Studio exports and imports them."""
    by_key = votes_by_key(votes)
    # Ids of annotations are unique over all tasks.
    number = iter(range(1, len(votes) + 1))
    return [
        {
            "id": place,
            **task,
            "annotations": list(
                _annotations(by_key.get(key_of(task["data"], keys), ()), number)
            ),
        }
        for place, task in enumerate(tasks, start=1)
    ]


def _annotations(
    votes: Sequence[Vote], number: Iterator[int]
) -> Iterator[dict[str, Any]]:
    for vote in votes:
        yield {
            "id": next(number),
            "completed_by": {"email": vote.annotator},
            "was_cancelled": False,
            "result": [choice_result(vote.label)],
        }


def _unreadable(what: str) -> PipeError:
    return PipeError(
        f"{what}.",
        code="labels_unusable",
        hint="Export from Label Studio as JSON, with the form that `labels export` wrote.",
    )
