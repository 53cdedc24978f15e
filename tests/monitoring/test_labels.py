"""Labels are joined by key; late, unknown and double ones are counted apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.errors import PipeError
from jupyter_pipe.monitoring.labels import join, key_of, read_labels


def key(value: object) -> str:
    found = key_of({"k": value}, ("k",))
    assert found is not None
    return found


def test_everything_is_counted_once() -> None:
    predicted = [(key(n), 100.0 + n) for n in range(5)] + [(key(0), 90.0), (None, 1.0)]
    labels = [
        (key(0), 100.0),
        (key(1), 99.0),
        (key(1), 101.0),
        (key("old"), 5.0),
        (key("never"), 5.0),
    ]
    found = join("price", labels, predicted, frozenset({key("old")}))
    assert (found.matched, found.waiting, found.late, found.unknown) == (2, 3, 1, 1)
    assert (found.double, found.repeated) == (1, 1)
    # The last prediction of a key and the last label of a key: 90 for 100, and 101 for
    # 101.
    assert found.metrics == {"mae": 5.0, "bias": -5.0, "within_10_percent": 1.0}


def test_classes_have_an_accuracy() -> None:
    found = join(
        "kind",
        [(key(1), "a"), (key(2), "b"), (key(3), True)],
        [(key(n), "a") for n in (1, 2, 3)],
    )
    assert found.metrics == {"accuracy": pytest.approx(1 / 3)}


def test_no_labels_have_no_metrics() -> None:
    assert join("price", [], [(key(1), 2.0)]).metrics == {}


def test_a_table_with_gaps_has_the_same_keys(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("k,price\n3,1.5\n,2.5\n4,\nx,9\n", encoding="utf-8")
    assert [value for _, value in read_labels(table, ("k",), "price")] == [1.5, 9.0]
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("k,price\n3,1.5\n,2.5\n", encoding="utf-8")
    assert read_labels(numbers, ("k",), "price") == [(key(3), 1.5)]


@pytest.mark.parametrize(
    ("name", "text", "keys", "message"),
    [
        ("a.csv", "k,price\n1,2\n", ("name",), "no column 'name'"),
        ("a.csv", "k,price\n1,2\n", (), "nothing to be joined by"),
        ("a.txt", "k\n", ("k",), "not a table"),
        ("a.parquet", "not parquet", ("k",), "cannot be read"),
        ("a.csv", "", ("k",), "cannot be read"),
    ],
)
def test_labels_that_are_none_say_why(
    tmp_path: Path, name: str, text: str, keys: tuple[str, ...], message: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(PipeError, match=message):
        read_labels(tmp_path / name, keys, "price")
