from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_pipe.model import Cell, Notebook, Severity
from jupyter_pipe.notebook import (
    CellTags,
    TagReading,
    parse_default_options,
    parse_tags,
)
from jupyter_pipe.notebook.gates import parse_gate, printed_names
from jupyter_pipe.notebook.options import parse_duration, parse_memory


def read(*tags: str, source: str = "x = 1") -> TagReading:
    cell = Cell("c1", 0, "code", source, tags, 1)
    return parse_tags(Notebook("n.ipynb", "n", "d", (cell,)))


def tags_of(*tags: str, source: str = "x = 1") -> CellTags:
    reading = read(*tags, source=source)
    assert not reading.diagnostics
    return reading.cells[0]


def codes(*tags: str) -> list[str]:
    return [diagnostic.code for diagnostic in read(*tags).diagnostics]


@pytest.mark.parametrize(
    ("tag", "field", "value"),
    [
        ("stage:train", "stage", "train"),
        ("stage: train-model ", "stage", "train_model"),
        ("step:train", "stage", "train"),
        ("block:train", "stage", "train"),
        ("after:clean,load-all", "after", ("clean", "load_all")),
        ("prev:clean;load", "after", ("clean", "load")),
        ("parameters", "role", "parameters"),
        ("pipeline-parameters", "role", "parameters"),
        ("shared", "role", "shared"),
        ("skip", "role", "skip"),
        ("imports", "role", "leading"),
        ("functions", "role", "leading"),
        ("metric:mae, r2", "metrics", ("mae", "r2")),
        ("mutates:frame", "mutates", ("frame",)),
        ("pure:model,X", "pure", ("model", "X")),
    ],
)
def test_each_tag_means_what_the_table_says(
    tag: str, field: str, value: object
) -> None:
    assert getattr(tags_of(tag), field) == value


@pytest.mark.parametrize(
    ("tag", "key", "value"),
    [
        ("retries:3", "retries", 3),
        ("timeout:30m", "timeout_seconds", 1800.0),
        ("cache:off", "cache_seconds", 0.0),
        ("cache:enabled", "cache_seconds", None),
        ("cache:disabled", "cache_seconds", 0.0),
        ("cache:1d", "cache_seconds", 86400.0),
        ("cache:6h", "cache_seconds", 21600.0),
        ("reads:prices.bin, maps/*.shp", "reads", ("prices.bin", "maps/*.shp")),
        ("writes:out", "writes", ("out",)),
        ("cpus:2", "cpus", 2.0),
        ("memory:4GiB", "memory_bytes", 4 * 1024**3),
        ("gpus:1", "gpus", 1),
        ("image:registry.example/ml:1.2", "image", "registry.example/ml:1.2"),
        ("secret:API_TOKEN", "secrets", ("API_TOKEN",)),
        ("limit:nvidia.com/gpu:2", "limits", ("nvidia.com/gpu", "2")),
    ],
)
def test_options(tag: str, key: str, value: object) -> None:
    (option,) = tags_of(tag).options
    assert (option.key, option.value, option.tag) == (key, value, tag)


def test_a_gate_keeps_its_colons_and_commas_and_knows_its_names() -> None:
    (gate,) = tags_of(
        "gate:all(error < limit for error in errors[1:]) and max(mae, 0) < 3"
    ).gates
    assert (
        gate.expression
        == "all(error < limit for error in errors[1:]) and max(mae, 0) < 3"
    )
    assert set(gate.names) == {"limit", "errors", "mae"}
    assert gate.cell_id == "c1"


def test_kales_metrics_are_what_the_cell_prints() -> None:
    source = "print(mae)\nprint('text')\nprint(r2)\nprint(a, b)"
    assert tags_of("pipeline-metrics", source=source).metrics == ("mae", "r2")
    assert printed_names("print(") == []


@pytest.mark.parametrize(
    "tag",
    [
        "after:",
        "after:1st",
        "metric:a.b",
        "metric:",
        "mutates:class",
        "gate:mae <",
        "gate:",
        "retries:many",
        "retries:-1",
        "timeout:soon",
        "timeout:0",
        "cache:maybe",
        "cache:0h",
        "reads:",
        "writes:a.csv,,b.csv",
        "cpus:0",
        "memory:4 apples",
        "gpus:0.5",
        "image:",
        "secret:a b",
        "limit:gpu",
    ],
)
def test_a_tag_of_ours_that_does_not_parse_is_an_error(tag: str) -> None:
    (diagnostic,) = read(tag).diagnostics
    assert (diagnostic.code, diagnostic.severity) == ("PIPE101", Severity.error)
    assert (diagnostic.cell_id, diagnostic.cell) == ("c1", 1)
    assert f"'{tag}'" in diagnostic.message
    assert diagnostic.fixes[0].remove_tags == (tag,)


@pytest.mark.parametrize(
    "name", ["class", "__main__", "shared", "2nd", "a b", "", "a;b", "None"]
)
def test_names_that_no_stage_can_have(name: str) -> None:
    assert codes(f"stage:{name}") == ["PIPE103"]


def test_roles_exclude_each_other() -> None:
    assert codes("stage:a", "step:b") == ["PIPE102"]
    assert codes("stage:a", "block:a") == []
    assert codes("stage:a", "skip") == ["PIPE104"]
    assert codes("shared", "skip") == ["PIPE104"]
    assert codes("stage:a", "parameters") == []


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("stgae:load", "stage:load"),
        ("Stage:load", "stage:load"),
        ("metrics:mae", "metric:mae"),
    ],
)
def test_a_misspelt_tag_is_ignored_with_a_hint(tag: str, meant: str) -> None:
    (diagnostic,) = read(tag).diagnostics
    assert (diagnostic.code, diagnostic.severity) == ("PIPE110", Severity.info)
    assert meant in diagnostic.hint
    assert diagnostic.fixes[0].add_tags == (meant,)


def test_foreign_tags_are_nobodys_business() -> None:
    assert (
        codes(
            "raises-exception",
            "hide-input",
            "figure:3",
            "todo",
            "remove_cell",
            "nbval-skip",
        )
        == []
    )


@given(st.sets(st.text(max_size=30), max_size=5))
def test_no_tag_makes_reading_fail(tags: set[str]) -> None:
    reading = read(*sorted(tags))
    assert len(reading.cells) == 1
    assert all(
        diagnostic.message and diagnostic.cell_id == "c1"
        for diagnostic in reading.diagnostics
    )


@given(
    st.sets(
        st.sampled_from(
            ["stage:a", "after:b", "metric:m", "gate:m < 1", "cpus:2", "other"]
        )
    )
)
def test_the_order_of_tags_does_not_matter(tags: set[str]) -> None:
    assert read(*sorted(tags)) == read(*sorted(tags, reverse=True))


@given(st.integers(1, 99), st.integers(1, 59))
def test_durations_add_up(hours: int, minutes: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m") == hours * 3600 + minutes * 60
    assert parse_duration(str(minutes)) == minutes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 << 30),
        ("4Gi", 4 << 30),
        ("1.5GB", 1_500_000_000),
        ("512", 512),
        ("2M", 2_000_000),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_memory(text) == size


def test_default_options_come_from_the_metadata() -> None:
    options, found = parse_default_options(("timeout:1h", "speed:9"))
    assert [(option.key, option.value) for option in options] == [
        ("timeout_seconds", 3600.0)
    ]
    assert [diagnostic.code for diagnostic in found] == ["PIPE101"]


def test_a_gate_says_what_python_says() -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        parse_gate("mae <", "c1")


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 25_000 + "1" + ")" * 25_000,
        "x" + " + 1" * 12_000,
        "-" * 50_000 + "x",
        "x < " + "9" * 1_900 + "(",
    ],
)
def test_a_gate_without_end_is_one_short_finding(expression: str) -> None:
    reading = read("gate:" + expression)
    (found,) = reading.diagnostics
    assert found.code == "PIPE101"
    assert len(found.message) < 400


@pytest.mark.parametrize("depth", [80, 400, 900])
def test_a_gate_that_is_nested_is_read_or_refused(depth: int) -> None:
    for expression in (
        "(" * depth + "x" + ")" * depth,
        "-" * depth + "x",
        "x" + "+1" * depth,
    ):
        reading = read("gate:" + expression)
        assert all(found.code == "PIPE101" for found in reading.diagnostics)
