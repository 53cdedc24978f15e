"""Rows become tasks, answers become votes, votes become labels; nothing is guessed."""

from __future__ import annotations

import itertools
import json
import random
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels import (
    Vote,
    agreement,
    dawid_skene,
    label_config,
    majority,
    tasks_from_rows,
    votes_from_export,
    votes_to_export,
)

EXPORT = Path(__file__).with_name("label_studio_export.json")
ROWS = [
    {"ticket": "T1", "text": "invoice is wrong", "guess": "billing"},
    {"ticket": "T2", "text": 'no "connection" & <more>', "guess": None},
]


def vote(key: str, annotator: str, label: str) -> Vote:
    return Vote((key,), annotator, label)


def test_rows_become_tasks() -> None:
    first, second = tasks_from_rows(ROWS, ["ticket"], suggested="guess", version="r1")
    assert first["data"] == {"ticket": "T1", "text": "invoice is wrong"}
    (prediction,) = first["predictions"]
    assert prediction["model_version"] == "r1"
    assert prediction["result"][0]["value"] == {"choices": ["billing"]}
    assert "predictions" not in second


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("", ""),
        (0, 0),
        (2.5, 2.5),
        (True, True),
        (["a", "ü"], '["a", "ü"]'),
        ({"a": None}, '{"a": null}'),
        (date(2026, 1, 5), "2026-01-05"),
        ([date(2026, 1, 5)], '["2026-01-05"]'),
    ],
)
def test_a_task_shows_texts_and_numbers_alone(value: object, shown: object) -> None:
    (task,) = tasks_from_rows([{"ticket": "T1", "seen": value}], ["ticket"])
    assert task["data"] == {"ticket": "T1", "seen": shown}


def test_the_form_names_what_tasks_hold() -> None:
    form = ElementTree.fromstring(
        label_config(["ticket", "text"], ["billing", 'a "b" <c>'])
    )
    assert [each.attrib["value"] for each in form.iter("Text")] == ["$ticket", "$text"]
    assert [each.attrib["value"] for each in form.iter("Choice")] == [
        "billing",
        'a "b" <c>',
    ]
    (choices,) = form.iter("Choices")
    assert choices.attrib["toName"] in {
        each.attrib["name"] for each in form.iter("Text")
    }


@pytest.mark.parametrize(
    ("rows", "keys", "said"),
    [
        (ROWS, ["number"], "no 'number'"),
        ([*ROWS, ROWS[0]], ["ticket"], "Two rows are named T1"),
        ([{"ticket": None}], ["ticket"], "no 'ticket'"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_refused(
    rows: list[Any], keys: list[str], said: str
) -> None:
    with pytest.raises(PipeError, match=said):
        tasks_from_rows(rows, keys)


def test_what_label_studio_exports_is_read() -> None:
    """As its server writes it: cancelled answers, people as numbers and as records,
    answers given twice."""
    votes = votes_from_export(json.loads(EXPORT.read_text()), ["ticket"])
    assert votes == [
        vote("T1", "ann@example.org", "billing"),
        vote("T1", "2", "sales"),
        vote("T2", "ann@example.org", "network"),
    ]


def test_what_its_own_converter_makes_of_our_answers_is_what_they_were() -> None:
    """The file is what Label Studio's converter (JSON-MIN) wrote for the export and the
    form below."""
    tasks = tasks_from_rows(
        [
            {"ticket": "T1", "text": "invoice is wrong"},
            {"ticket": "T2", "text": 'x & <y> "q"'},
        ],
        ["ticket"],
    )
    votes = [
        vote("T1", "ann@example.org", "billing"),
        vote("T1", "bob@example.org", "sales"),
        vote("T2", "ann@example.org", 'net & "work"'),
    ]
    made = json.loads(EXPORT.with_name("label_studio_min.json").read_text())
    assert votes_from_export(made, ["ticket"]) == votes
    exported = votes_to_export(tasks, votes, ["ticket"])
    assert [each["text"] for each in made] == [
        exported[place]["data"]["text"] for place in (0, 0, 1)
    ]


def test_a_task_that_nobody_answered_has_no_vote() -> None:
    record = {
        "ticket": "T1",
        "text": "x",
        "id": 1,
        "annotator": None,
        "annotation_id": None,
    }
    assert votes_from_export([record], ["ticket"]) == []
    assert votes_from_export([{"data": {"ticket": "T1"}}], ["ticket"]) == []


def test_both_ways_give_what_was_there() -> None:
    tasks = tasks_from_rows(ROWS, ["ticket"])
    votes = [
        vote("T1", "ann", "billing"),
        vote("T1", "bob", "sales"),
        vote("T2", "ann", "network"),
    ]
    assert (
        votes_from_export(
            json.loads(json.dumps(votes_to_export(tasks, votes, ["ticket"]))),
            ["ticket"],
        )
        == votes
    )


@pytest.mark.parametrize(
    ("export", "said"),
    [
        ({"tasks": []}, "no list of tasks"),
        ([{"annotations": []}], "Task 1 has no data"),
        (
            [{"data": {"ticket": "T1"}, "annotations": [{"result": []}]}],
            "Task 1 has an answer with 0 labels",
        ),
        ([{"ticket": "T1", "annotation_id": 4}], "Task 1 has an answer with 0 labels"),
    ],
)
def test_what_is_no_export_is_refused_with_its_place(export: Any, said: str) -> None:
    with pytest.raises(PipeError, match=said):
        votes_from_export(export, ["ticket"])


def test_even_votes_give_no_label() -> None:
    votes = [
        vote("T1", "a", "x"),
        vote("T1", "b", "y"),
        vote("T2", "a", "x"),
        vote("T2", "b", "x"),
    ]
    first, second = majority(votes)
    assert (first.label, first.share, first.votes) == ("", 0.5, 2)
    assert (second.label, second.share) == ("x", 1.0)


# Annotators of known quality, drawn at random.


def drawn(
    seed: int, quality: dict[str, float], rows: int = 300
) -> tuple[dict[str, str], list[Vote]]:
    draw = random.Random(seed)
    truth = {f"R{number}": draw.choice("xyz") for number in range(rows)}
    votes = [
        vote(
            key,
            who,
            label
            if draw.random() < good
            else draw.choice([each for each in "xyz" if each != label]),
        )
        for key, label in truth.items()
        for who, good in quality.items()
    ]
    return truth, votes


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(5))
def test_annotators_who_are_borne_out_count_for_more(seed: int) -> None:
    truth, votes = drawn(
        seed, {"good": 0.95, "fair": 0.8, "a": 0.4, "b": 0.4, "c": 0.4}
    )

    def right(merged: Any) -> int:
        return sum(truth[each.key[0]] == each.label for each in merged)

    assert right(dawid_skene(votes)) > right(majority(votes)) + 15
    assert right(dawid_skene(votes)) > 250


def test_dawid_and_skene_agree_with_what_all_say() -> None:
    votes = [vote(f"R{n}", who, "xyz"[n % 3]) for n in range(30) for who in "abc"]
    assert all(
        each.label == "xyz"[int(each.key[0][1:]) % 3] and each.share > 0.99
        for each in dawid_skene(votes)
    )


def test_the_order_of_votes_does_not_matter() -> None:
    _, votes = drawn(3, {"a": 0.9, "b": 0.7, "c": 0.6}, rows=60)
    shuffled = random.Random(1).sample(votes, len(votes))
    for merge in (majority, dawid_skene):
        found = {each.key: (each.label, round(each.share, 6)) for each in merge(votes)}
        assert found == {
            each.key: (each.label, round(each.share, 6)) for each in merge(shuffled)
        }


def test_agreement_is_krippendorffs_alpha() -> None:
    """The example of his paper of 2011, nominal, four observers with gaps: 0.743."""
    observers = {
        "A": "123321412...",
        "B": "1233224125.3",
        "C": ".3332342251.",
        "D": "12332441251.",
    }
    votes = [
        vote(f"U{unit}", who, label)
        for who, labels in observers.items()
        for unit, label in enumerate(labels)
        if label != "."
    ]
    assert agreement(votes) == pytest.approx(0.743, abs=0.0005)
    assert agreement(votes) == pytest.approx(alpha_by_hand(votes))


def alpha_by_hand(votes: list[Vote]) -> float:
    """From the coincidence matrix, pair by pair."""
    units: dict[Any, list[str]] = {}
    for each in votes:
        units.setdefault(each.key, []).append(each.label)
    pairable = [labels for labels in units.values() if len(labels) > 1]
    everything = [label for labels in pairable for label in labels]
    size = len(everything)
    observed = (
        sum(
            (a != b) / (len(labels) - 1)
            for labels in pairable
            for a, b in itertools.permutations(labels, 2)
        )
        / size
    )
    expected = sum(a != b for a, b in itertools.permutations(everything, 2)) / (
        size * (size - 1)
    )
    return 1 - observed / expected


@pytest.mark.parametrize(
    "votes", [[], [vote("a", "x", "1")], [vote("a", "x", "1"), vote("a", "y", "1")]]
)
def test_where_nothing_could_differ_agreement_cannot_be_told(votes: list[Vote]) -> None:
    assert agreement(votes) is None


def test_chance_is_no_agreement_and_unanimity_is_all_of_it() -> None:
    _, votes = drawn(1, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, rows=2000)
    assert abs(agreement(votes) or 1) < 0.03
    _, votes = drawn(1, {"a": 1.0, "b": 1.0})
    assert agreement(votes) == pytest.approx(1.0)


def test_the_command_merges_exports_and_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "labels.csv"
    assert (
        main(
            [
                "labels",
                "merge",
                str(EXPORT),
                "--key",
                "ticket",
                "--column",
                "team",
                "-o",
                str(out),
            ]
        )
        == 0
    )
    assert out.read_text().splitlines() == [
        "ticket,team,share,votes",
        "T1,,0.5,2",
        "T2,network,1,1",
    ]
    table = tmp_path / "votes.csv"
    table.write_text("ticket,words,sender\nT1,billing,\nT2,,network\nT3,,\n")
    capsys.readouterr()
    assert (
        main(
            [
                "labels",
                "merge",
                str(table),
                "--key",
                "ticket",
                "--votes",
                "words,sender",
            ]
        )
        == 0
    )
    said = capsys.readouterr()
    assert said.out.splitlines()[:3] == [
        "ticket,label,share,votes",
        "T1,billing,1,1",
        "T2,network,1,1",
    ]
    assert "2 rows from 2 votes of 2 annotators, 0 even" in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["votes.csv"], "Which columns"),
        (["votes.csv", "--votes", "wrods"], "no column 'wrods'"),
        (["nothing.json"], "cannot be read"),
        (["nothing.csv", "--votes", "a"], "cannot be read"),
    ],
)
def test_wrong_usage_says_what_is_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "votes.csv").write_text("ticket,words\nT1,billing\n")
    assert main(["labels", "merge", *arguments, "--key", "ticket"]) == 2
    assert said in capsys.readouterr().err


def _answer(**changes: Any) -> list[Any]:
    chosen = {"type": "choices", "value": {"choices": ["a"]}}
    return [{"data": {"k": 1}, "annotations": [{"result": [{**chosen, **changes}]}]}]


@pytest.mark.parametrize(
    "export",
    [
        [5],
        [{"data": [1]}],
        *(
            [{"data": {"k": 1}, "annotations": wrong}]
            for wrong in (5, "x", {"a": 1}, [5], [None], [[]])
        ),
        *(
            [{"data": {"k": 1}, "annotations": [{"result": wrong}]}]
            for wrong in (5, "x", {"a": 1}, [5], [None])
        ),
        *(
            _answer(value=wrong)
            for wrong in (5, None, [1], {"choices": {"a": 1}}, {"choices": [["a"]]})
        ),
        _answer(value={"choices": []}),
        _answer(value={"choices": ["a", "b"]}),
        [{"k": 1, "label": {"x": 1}}],
    ],
)
def test_an_export_of_another_form_is_refused_with_the_task(export: list[Any]) -> None:
    with pytest.raises(PipeError, match="ask 1 "):
        votes_from_export(export, ["k"])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '[{"data": {"k": "\\ud800"}}',
        "[9",
        "9" * 5000,
        "\x00",
        '{"data": 1}',
        "nul",
    ],
)
def test_a_file_that_is_no_export_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.json", "a.jsonl"):
        (tmp_path / name).write_text(text)
        assert main(["labels", "merge", str(tmp_path / name), "--key", "k"]) == 2
        assert "Traceback" not in capsys.readouterr().err


def test_halves_of_characters_are_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(_answer(value={"choices": ["\udc41"]})))
    argv = [
        "labels",
        "merge",
        str(tmp_path / "a.json"),
        "--key",
        "k",
        "-o",
        str(tmp_path / "out.csv"),
    ]
    assert main(argv) == 2
    assert "is no text" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_many_votes_and_labels_are_merged_in_seconds_or_refused() -> None:
    """A row with a vote of everybody, and labels that are not labels."""
    many = [vote("x", str(number), str(number)) for number in range(20_000)]
    assert agreement(many) == pytest.approx(0.0)
    assert [each.label for each in majority(many)] == [""]
    with pytest.raises(PipeError, match="too many to be weighed"):
        dawid_skene(many)


def test_hundreds_of_votes_on_a_row_are_weighed() -> None:
    """The product of so many probabilities is zero in floating point."""
    votes = [
        vote(str(row), str(who), "a" if who % 5 else "b")
        for row in range(3)
        for who in range(2000)
    ]
    votes += [vote("other", str(who), "b") for who in range(2000)]
    assert [(each.key[0], each.label) for each in dawid_skene(votes)] == [
        ("0", "a"),
        ("1", "a"),
        ("2", "a"),
        ("other", "b"),
    ]
