from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop import LoopSettings, read_settings
from jupyter_pipe.loop.settings_file import example_text, parse_settings

FULL = """\
schedule: "0 6 * * MON"
timezone: Europe/Berlin
files: [data/*.csv, more.csv]
commit: true
drift: true
quality: false
promote: ask
model: homes
parameters: {weeks: 12}
cooldown: 1h
settle: 30s
notify: ["json://localhost", "${CHAT_URL}"]
monitor: 2w
ignore: [week]
labels: labels.csv
"""


def test_everything_that_can_stand_there() -> None:
    assert parse_settings(FULL, model="home_value") == LoopSettings(
        schedule="0 6 * * MON",
        timezone="Europe/Berlin",
        files=("data/*.csv", "more.csv"),
        commit=True,
        drift=True,
        promote="ask",
        model="homes",
        parameters={"weeks": 12},
        cooldown_seconds=3600,
        settle_seconds=30,
        notify=("json://localhost", "${CHAT_URL}"),
        monitor_days=14,
        ignore=("week",),
        labels="labels.csv",
    )


@pytest.mark.parametrize("name", ["--html=x.html", "-v", "..", "a/b", "a@b"])
def test_a_model_is_named_and_no_option_or_path(name: str) -> None:
    with pytest.raises(LoopError, match=r"line 1: .* cannot be the name of a model"):
        parse_settings(f"model: '{name}'")


def test_a_schedule_stands_on_one_line() -> None:
    assert parse_settings('schedule: "0 6\\n* *\\tMON"').schedule == "0 6 * * MON"


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("", None),
        ("files: observed", None),
        ("files: false", ()),
        ("files: a.csv", ("a.csv",)),
    ],
)
def test_which_files(text: str, files: tuple[str, ...] | None) -> None:
    assert parse_settings(text).files == files


def test_the_first_file_is_valid_and_watches_what_runs_read() -> None:
    assert parse_settings(example_text("w.ipynb")) == LoopSettings(
        cooldown_seconds=3600
    )
    # Every key that it shows can be switched on.
    lines = [
        line.removeprefix("# ").partition("  #")[0]
        for line in example_text("w.ipynb").splitlines()[2:]
    ]
    assert (
        parse_settings("\n".join(line for line in lines if ":" in line)).promote
        == "ask"
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("files: [a]\nscedule: x", 2, "Did you mean 'schedule'?"),
        ("promote: atuo", 1, "Did you mean 'auto'?"),
        ("schedule: 0 6 * *", 1, "4 fields"),
        ("drift: yes please", 1, "true or false"),
        ("timezone: Europe/Berln", 1, "not a time zone"),
        ("cooldown: soon", 1, "not a duration"),
        ("files: [/etc/passwd]", 1, "leads out"),
        ("files: [../x.csv]", 1, "leads out"),
        ("commit: true\nnotify: [hunter2]", 2, "not an Apprise URL"),
        ("files: [a\n", 2, "is not YAML"),
        ("- a", 1, "names with values"),
    ],
)
def test_an_error_names_line_and_what_was_meant(
    text: str, line: int, said: str
) -> None:
    with pytest.raises(LoopError) as caught:
        parse_settings(text, "w.loop.yaml")
    shown = f"{caught.value.message} {caught.value.hint}"
    assert f"w.loop.yaml, line {line}" in shown
    assert said in shown
    assert "hunter2" not in shown


def test_without_a_file_the_error_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(LoopError, match=r"no w\.loop\.yaml") as caught:
        read_settings(tmp_path / "w.ipynb")
    assert "loop init" in caught.value.hint


def test_the_published_schema_knows_every_key() -> None:
    import jsonschema

    path = Path(__file__).parents[2] / "docs" / "loop.schema.json"
    schema = msgspec.json.decode(path.read_bytes())
    jsonschema.validate(yaml.safe_load(FULL), schema)
    assert set(schema["properties"]) == set(yaml.safe_load(FULL))
    for wrong in (
        {"scedule": "x"},
        {"promote": "atuo"},
        {"cooldown": "soon"},
        {"drift": "yes"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
