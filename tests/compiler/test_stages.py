from __future__ import annotations

import re
from pathlib import Path

import pytest

from jupyter_pipe import compiler, notebook
from jupyter_pipe.compiler.names import package_name, stage_name
from jupyter_pipe.compiler.stages import Grouping, group_cells
from jupyter_pipe.diagnostics import RULES
from jupyter_pipe.model import Cell, Notebook, NotebookSettings, Severity
from jupyter_pipe.notebook import parse_tags


def grouped(
    *cells: tuple[str, str], name: str = "n", options: tuple[str, ...] = ()
) -> Grouping:
    """Each cell is (source, tags separated by blanks)."""
    made = tuple(
        Cell(
            f"c{number}",
            number - 1,
            "code",
            source,
            tuple(tags.split()),
            number if source.strip() else None,
        )
        for number, (source, tags) in enumerate(cells, start=1)
    )
    read = Notebook(
        "n.ipynb", name, "d", made, settings=NotebookSettings(default_options=options)
    )
    return group_cells(read, parse_tags(read))


def places(grouping: Grouping) -> list[tuple[str, str | None, str]]:
    return [(item.cell.id, item.stage, item.role) for item in grouping.program.cells]


def codes(grouping: Grouping) -> list[str]:
    return [diagnostic.code for diagnostic in grouping.diagnostics]


def test_untagged_cells_belong_to_the_stage_above() -> None:
    grouping = grouped(
        ("import os", ""),
        ("n = 1", "parameters"),
        ("a = 1", "stage:load"),
        ("b = 2", ""),
        ("print(b)", "skip"),
        ("c = 3", ""),
        ("d = 4", "stage:train"),
        ("e = 5", "stage:load"),
        ("f = 6", ""),
    )
    assert places(grouping) == [
        ("c1", None, "leading"),
        ("c2", None, "parameters"),
        ("c3", "load", "stage"),
        ("c4", "load", "stage"),
        ("c5", None, "skip"),
        ("c6", "load", "stage"),
        ("c7", "train", "stage"),
        ("c8", "load", "stage"),
        ("c9", "load", "stage"),
    ]
    assert grouping.stage("load").cells == ("c3", "c4", "c6", "c8", "c9")
    assert not grouping.diagnostics


def test_a_notebook_without_stages_is_one_stage_of_its_name() -> None:
    grouping = grouped(
        ("a = 1", ""),
        ("n = 1", "parameters"),
        ("b = 2", "metric:b"),
        name="weekly-sales 2",
    )
    assert {stage for _, stage, _ in places(grouping)} == {"weekly_sales_2"}
    assert grouping.stage("weekly_sales_2").metrics[0].name == "b"


def test_kales_imports_are_leading_wherever_they_stand() -> None:
    grouping = grouped(
        ("import os", "imports"),
        ("a = 1", "block:load"),
        ("def f(): ...", "functions"),
        ("b = a", ""),
    )
    assert places(grouping)[2:] == [("c3", None, "leading"), ("c4", "load", "stage")]


def test_empty_cells_do_not_count_unless_they_start_a_stage() -> None:
    grouping = grouped(("", ""), (" ", "stage:load"), ("a = 1", ""))
    assert places(grouping) == [("c2", "load", "stage"), ("c3", "load", "stage")]


def test_options_of_a_stage_are_merged_over_the_defaults() -> None:
    stage = grouped(
        ("a", "stage:train cpus:2 secret:TOKEN limit:x:1"),
        ("b", "secret:USER cpus:2 retries:1"),
        options=("retries:3", "timeout:1m", "secret:BASE"),
    ).stage("train")
    assert stage.options.cpus == 2
    assert (stage.options.retries, stage.options.timeout_seconds) == (1, 60)
    assert stage.options.secrets == ("BASE", "TOKEN", "USER")
    assert stage.options.limits == {"x": "1"}


@pytest.mark.parametrize(
    ("cells", "code", "words"),
    [
        (
            (("a", "stage:train"), ("b", "stage:Train")),
            "PIPE105",
            "differ only in case",
        ),
        (
            (("a", "stage:t cpus:2"), ("b", "cpus:4")),
            "PIPE106",
            "'cpus:4' here and 'cpus:2' in cell 1",
        ),
        ((("a", "stage:t cache:on cache:off"),), "PIPE106", "in the same cell"),
        (
            (("a", "stage:load"), ("b", "stage:t after:laod")),
            "PIPE107",
            "'after:laod' names no stage",
        ),
        (
            (("a", "stage:load after:t"), ("b", "stage:t")),
            "PIPE108",
            "begins later in the notebook",
        ),
        ((("a", "stage:load after:load"),), "PIPE109", "cannot come after itself"),
        ((("a", "stage:t"), ("b", "skip metric:b")), "PIPE111", "belongs to no stage"),
        (
            (("a", "skip"), ("b = 1", "parameters stage:")),
            "PIPE103",
            "does not name a stage",
        ),
    ],
)
def test_mistakes_are_located(
    cells: tuple[tuple[str, str], ...], code: str, words: str
) -> None:
    (diagnostic,) = (item for item in grouped(*cells).diagnostics if item.code == code)
    assert words in diagnostic.message
    assert diagnostic.hint
    assert diagnostic.cell_id is not None


def test_a_notebook_of_skipped_cells_has_no_stage() -> None:
    assert codes(grouped(("a", "stage:x skip"), ("b", "skip"))) == [
        "PIPE104",
        "PIPE113",
    ]


def test_an_unknown_stage_gets_a_suggestion_and_a_fix() -> None:
    (diagnostic,) = grouped(
        ("a", "stage:load"), ("b", "stage:t after:laod")
    ).diagnostics
    assert diagnostic.hint == "Did you mean 'after:load'?"
    assert diagnostic.fixes[0].add_tags == ("after:load",)
    assert diagnostic.fixes[0].remove_tags == ("after:laod",)


def test_every_code_is_in_the_registry_with_its_severity() -> None:
    folders = (
        Path(path).parent for path in (compiler.__file__, notebook.__file__) if path
    )
    text = "\n".join(
        path.read_text() for folder in folders for path in sorted(folder.rglob("*.py"))
    )
    used = set(re.findall(r'"(PIPE1\d\d)"', text))
    registered = {code for code in RULES if code.startswith("PIPE1")}
    assert used == registered
    reading = grouped(("a", "skip metric:m"), ("b", "stage:t stgae:u"))
    assert {item.code: item.severity for item in reading.diagnostics} == {
        "PIPE111": Severity.warning,
        "PIPE110": Severity.info,
    }
    assert all(
        RULES[item.code].severity is item.severity for item in reading.diagnostics
    )


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("home_value", "home_value"),
        ("Sales 2024-Q3", "Sales_2024_Q3"),
        ("01-load", "notebook_01_load"),
        ("class", "class_nb"),
        ("shared", "shared_nb"),
        ("__init__", "init_nb"),
    ],
)
def test_names_from_file_names(stem: str, name: str) -> None:
    assert stage_name(stem) == name


def test_a_package_hides_no_module(tmp_path: Path) -> None:
    assert package_name("json", tmp_path) == "json_nb"
    assert package_name("msgspec", tmp_path) == "msgspec_nb"
    assert package_name("sales_report", tmp_path) == "sales_report"
    (tmp_path / "sales_report.py").touch()
    assert package_name("sales_report", tmp_path) == "sales_report_nb"
