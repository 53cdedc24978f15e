"""Tasks for Label Studio: a row each, with a suggestion where there is one. Pure.

Raises PipeError for rows whose key does not name them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from jupyter_pipe.errors import PipeError

__all__ = [
    "CONTROL",
    "OBJECT",
    "Key",
    "choice_result",
    "key_of",
    "label_config",
    "tasks_from_rows",
]

CONTROL = "label"
OBJECT = "row"
"""The names of the two parts of the form: what is chosen, and what it is chosen for."""
Key = tuple[str, ...]
"""What names a row: the texts of its key columns."""


def label_config(columns: Sequence[str], choices: Sequence[str]) -> str:
    """The form in which people choose a label, as Label Studio's XML."""
    # Label Studio wants a name of its own for each part of a form; choices refer to the
    # first.
    names = [OBJECT, *(f"{OBJECT}_{place}" for place in range(2, len(columns) + 1))]
    shown = "\n".join(
        f"  <Text name={quoteattr(name)} value={quoteattr(f'${column}')}/>"
        for name, column in zip(names, columns, strict=False)
    )
    listed = "\n".join(f"    <Choice value={quoteattr(choice)}/>" for choice in choices)
    head = f"  <Choices name={quoteattr(CONTROL)} toName={quoteattr(OBJECT)} choice={quoteattr('single')}>"
    return f"<View>\n{shown}\n{head}\n{listed}\n  </Choices>\n</View>\n"


def key_of(row: Mapping[str, Any], keys: Sequence[str]) -> Key:
    """What names the row. Raises PipeError if a key column is missing or empty."""
    for name in keys:
        if row.get(name) is None:
            raise PipeError(
                f"A row has no '{name}', which is to name it.",
                code="labels_unusable",
                hint=f"Its columns are {', '.join(map(str, row))}.",
            )
    return tuple(str(row[name]) for name in keys)


def choice_result(choice: str) -> dict[str, Any]:
    """A chosen label, as annotations and predictions hold it."""
    return {
        "from_name": CONTROL,
        "to_name": OBJECT,
        "type": "choices",
        "value": {"choices": [choice]},
    }


def _shown(value: object) -> str | float:
    """A text or a number: Label Studio refuses a task whose form shows anything else,
    such as a gap."""
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def tasks_from_rows(
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    *,
    suggested: str = "",
    version: str = "",
) -> list[dict[str, Any]]:
    """A task for each row. `suggested` is the column of a label that somebody may
    confirm, `version` who suggests it. Raises PipeError for two rows with one key."""
    seen: set[Key] = set()
    tasks: list[dict[str, Any]] = []
    for row in rows:
        key = key_of(row, keys)
        if key in seen:
            raise PipeError(
                f"Two rows are named {', '.join(key)}: answers could not be told apart.",
                code="labels_unusable",
                hint="Name more key columns, or remove the repetition.",
            )
        seen.add(key)
        data = {name: _shown(value) for name, value in row.items() if name != suggested}
        task: dict[str, Any] = {"data": data}
        if suggested and row.get(suggested) is not None:
            result = [choice_result(str(row[suggested]))]
            task["predictions"] = [{"model_version": version, "result": result}]
        tasks.append(task)
    return tasks
