"""Joins what turned out to be true with what was predicted, by the key. Pure but for
`read_labels`.

Raises PipeError for labels without the key or without the column that holds them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import le
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.monitoring.model import Quality

__all__ = ["Key", "join", "key_of", "read_labels"]

Key = str


def key_of(row: Mapping[str, Any], keys: Sequence[str]) -> Key | None:
    """The key of a row as a text; None if a part of it is missing. `3` and `3.0` are
    the same key, since a table with gaps turns one into the other."""
    parts = [row.get(name) for name in keys]
    if any(map(_is_missing, parts)):
        return None
    return msgspec.json.encode([*map(_plain, parts)]).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (int, float, str)) else str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def read_labels(path: Path, keys: Sequence[str], label: str) -> list[tuple[Key, Any]]:
    """Key and label of each line of a table (.csv, .parquet, .jsonl), in its order.
    Lines without a label or without a key are left out."""
    frame = _read_table(path)
    missing = [name for name in (*keys, label) if name not in frame.columns]
    if not keys or missing:
        what = f"no column '{missing[0]}'" if missing else "nothing to be joined by"
        raise PipeError(
            f"{path} has {what}.",
            code="labels_unusable",
            hint="Labels need the keys (tag key:COLUMN) and the truth (tag target:COLUMN, or --label).",
        )
    columns = [frame[name].tolist() for name in (*keys, label)]
    lines = (
        (key_of(dict(zip(keys, parts, strict=True)), keys), value)
        for *parts, value in zip(*columns, strict=True)
    )
    return [
        (key, value)
        for key, value in lines
        if key is not None and not _is_missing(value)
    ]


def _read_table(path: Path) -> Any:
    import pandas

    readers: dict[str, Any] = {
        ".csv": pandas.read_csv,
        ".parquet": pandas.read_parquet,
        ".jsonl": _read_lines,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise PipeError(
            f"'{path}' is not a table of labels.",
            code="labels_unusable",
            hint="Give a .csv, .parquet or .jsonl file.",
        )
    try:
        return reader(path)
    except (OSError, ValueError, ImportError) as error:
        raise PipeError(
            f"'{path}' cannot be read: {error}.", code="labels_unusable"
        ) from None


def _read_lines(path: Path) -> Any:
    import pandas

    return pandas.read_json(path, lines=True)


def join(
    label: str,
    labels: Sequence[tuple[Key, Any]],
    predicted: Sequence[tuple[Key | None, Any]],
    earlier: frozenset[Key] = frozenset(),
) -> Quality:
    """Predictions of the window, oldest first, against labels. `earlier` are keys that
    were predicted before the window."""
    asked = [(key, value) for key, value in predicted if key is not None]
    # Oldest first, so the newest prediction of a key stays.
    newest = dict(asked)
    truth = dict(labels)
    pairs = [(newest[key], value) for key, value in truth.items() if key in newest]
    late = len((truth.keys() - newest.keys()) & earlier)
    return Quality(
        label=label,
        matched=len(pairs),
        waiting=len(newest) - len(pairs),
        late=late,
        unknown=len(truth) - len(pairs) - late,
        double=len(labels) - len(truth),
        repeated=len(asked) - len(newest),
        metrics=_metrics(pairs),
    )


def _metrics(pairs: Sequence[tuple[Any, Any]]) -> dict[str, float]:
    """Of pairs of prediction and label. Booleans and texts are classes; a pair of other
    types is wrong."""
    if not pairs:
        return {}
    if all(map(_is_number, chain.from_iterable(pairs))):
        errors = [float(predicted) - float(label) for predicted, label in pairs]
        tolerated = [0.1 * abs(float(label)) for _, label in pairs]
        sizes = [*map(abs, errors)]
        return {
            "mae": sum(sizes) / len(errors),
            "bias": sum(errors) / len(errors),
            "within_10_percent": sum(map(le, sizes, tolerated)) / len(errors),
        }
    correct = sum(predicted == label for predicted, label in pairs)
    return {"accuracy": correct / len(pairs)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
