"""Rows from files and pipes, and predictions into them: CSV, Parquet and JSON lines.

Raises RowsError and PipeError. Reads in portions, so that a pipe gives a prediction as
soon as it has a row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.bundle import Bundle
from jupyter_pipe.scoring.columns import RowsError
from jupyter_pipe.scoring.scorer import plain_predictions

__all__ = ["FORMATS", "score_file"]

FORMATS = ("csv", "parquet", "jsonl")
_ENDINGS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
# Rows: large enough for pandas to be fast, small enough for any memory.
_PORTION = 10_000


def score_file(
    bundle: Bundle,
    source: str,
    target: str,
    *,
    format_: str | None = None,
    portion: int | None = None,
) -> int:
    """Score all rows of `source` into `target`; `-` is the standard stream. Returns the
    number of rows.

    `format_` is that of a stream, whose name does not tell. From a stream rows are
    scored one by one, from files in portions.
    """
    reading = _format_of(source, format_)
    writing = _format_of(target, format_ or ("jsonl" if target == "-" else None))
    size = portion or (1 if source == "-" and reading == "jsonl" else _PORTION)
    done = 0
    answers: list[dict[str, Any]] = []
    with _opened(target, writing) as out:
        for records in _portions(bundle, source, reading, size):
            found = _answers(bundle, records, done)
            if writing == "jsonl" and out is not None:
                out.writelines(json.dumps(answer) + "\n" for answer in found)
                out.flush()
            else:
                answers += found
            done += len(records)
        if writing != "jsonl":
            _write_table(answers, target, writing, out)
    return done


def _format_of(name: str, format_: str | None) -> str:
    if name == "-":
        return format_ or "jsonl"
    found = _ENDINGS.get(Path(name).suffix.lower())
    if found is None:
        raise PipeError(
            f"'{name}' does not end like a table that can be read or written.",
            code="rows_invalid",
            hint=f"The endings are {', '.join(_ENDINGS)}.",
        )
    return found


def _answers(
    bundle: Bundle, records: Sequence[dict[str, Any]], offset: int
) -> list[dict[str, Any]]:
    """The key columns of each row with its prediction. Rows are counted from the
    beginning of the file."""
    manifest = bundle.manifest
    try:
        found = plain_predictions(bundle.scorer.score_records(records))
    except RowsError as error:
        raise _moved(error, offset) from None
    except Exception as error:
        first = offset + _first_failing(bundle, records)
        raise RowsError(
            f"Row {first + 1} cannot be scored: {type(error).__name__}: {error}.",
            "The notebook's own code fails with this row: look for a value that it has never seen.",
        ) from error
    answers = []
    for record, prediction in zip(records, found, strict=True):
        answer = {key: record[key] for key in manifest.keys if key in record}
        if isinstance(prediction, list):
            answer |= {
                f"{manifest.score}_{number}": value
                for number, value in enumerate(prediction)
            }
        else:
            answer[manifest.score] = prediction
        answers.append(answer)
    return answers


def _first_failing(bundle: Bundle, records: Sequence[dict[str, Any]]) -> int:
    for number, record in enumerate(records):
        try:
            bundle.scorer.score_records([record])
        except Exception:
            return number
    return 0


def _moved(error: RowsError, offset: int) -> RowsError:
    """The error with the row's number in the whole file."""
    head, number, *rest = error.message.split(" ", 2)
    # `Row 3, column 'age': …` and `Row 3 has no column …`.
    digits = number.rstrip(",")
    if offset == 0 or not digits.isdigit():
        return error
    moved = number.replace(digits, str(int(digits) + offset))
    return RowsError(" ".join([head, moved, *rest]), error.hint)


# Reading


def _portions(
    bundle: Bundle, source: str, format_: str, size: int
) -> Iterator[list[dict[str, Any]]]:
    if format_ == "jsonl":
        if source == "-":
            yield from _json_portions(sys.stdin, size)
            return
        with Path(source).open(encoding="utf-8") as file:
            yield from _json_portions(file, size)
        return
    for frame in _frames(bundle, source, format_, size):
        names = list(frame.columns)
        yield [
            dict(zip(names, values, strict=True))
            for values in zip(*(frame[n].tolist() for n in names), strict=True)
        ]


def _json_portions(lines: IO[str], size: int) -> Iterator[list[dict[str, Any]]]:
    row = 0
    while True:
        taken = list(islice(lines, size))
        if not taken:
            return
        records = []
        for line in taken:
            row += 1
            if line.strip():
                records.append(_record(line, row))
        if records:
            yield records


def _record(line: str, row: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise RowsError(f"Row {row} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise RowsError(
            f"Row {row} is not an object with columns: {line.strip()[:60]}."
        )
    return found


def _frames(bundle: Bundle, source: str, format_: str, size: int) -> Iterator[Any]:
    import pandas

    if format_ == "parquet":
        try:
            yield pandas.read_parquet(source)
        except ImportError:
            raise _without_pyarrow("Reading") from None
        return
    # What is text in the notebook stays text: `01234` is no number.
    texts = {
        column.name: str
        for column in bundle.manifest.form.columns
        if column.kind == "text"
    }
    stream: Any = sys.stdin if source == "-" else source
    try:
        yield from pandas.read_csv(stream, dtype=texts, chunksize=size)
    except (
        pandas.errors.ParserError,
        pandas.errors.EmptyDataError,
        UnicodeDecodeError,
    ) as error:
        raise RowsError(f"'{source}' is not CSV that can be read: {error}.") from None


# Writing


class _opened:  # noqa: N801 - used like a function
    """The text stream that answers are written to; None for Parquet. A file is complete
    or not there."""

    def __init__(self, target: str, format_: str) -> None:
        self._target = target
        self._format = format_
        self._file: IO[str] | None = None

    def __enter__(self) -> IO[str] | None:
        if self._format == "parquet":
            return None
        if self._target == "-":
            return sys.stdout
        part = Path(f"{self._target}.part")
        part.unlink(missing_ok=True)
        # Made anew: a link of that name would lead elsewhere.
        self._file = part.open("x", encoding="utf-8", newline="")
        return self._file

    def __exit__(self, kind: object, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            part = Path(f"{self._target}.part")
            # No exception: all answers are there.
            if kind is None:
                part.replace(self._target)
            else:
                part.unlink()


def _write_table(
    answers: list[dict[str, Any]], target: str, format_: str, out: IO[str] | None
) -> None:
    import pandas

    frame = pandas.DataFrame(answers)
    if format_ != "parquet":
        frame.to_csv(out, index=False)
        return
    try:
        frame.to_parquet(f"{target}.part", index=False)
    except ImportError:
        raise _without_pyarrow("Writing") from None
    Path(f"{target}.part").replace(target)


def _without_pyarrow(what: str) -> PipeError:
    return PipeError(
        f"{what} Parquet needs pyarrow, which is not installed.",
        code="extra_missing",
        hint="Install it with: pip install pyarrow",
    )
