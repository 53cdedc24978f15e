"""Packages of several notebooks: what is written, and that it runs wherever it is
taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import jupyter_pipe
from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import read_package
from jupyter_pipe.runs.store import RunStore
from tests.several.shop import INGEST, TRAIN, write_shop

FILES = ("report.txt", "data/clean.json", "models/model.json")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of three notebooks and their list, which is the working directory."""
    monkeypatch.delenv("MODE", raising=False)
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "shop"
    write_shop(folder)
    monkeypatch.chdir(folder)
    return folder


def states(folder: Path) -> dict[str, str]:
    store = RunStore(folder)
    run = store.read(store.find("latest"))
    return {stage.name: stage.state.value for stage in run.stages}


def contents(package: Path) -> dict[str, bytes]:
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file()
    }


def test_a_package_is_the_same_wherever_its_notebooks_lie(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["compile", "."]) == 0
    first = contents(shop / "shop_pipeline")
    assert "notebooks/train.fit.ipynb" in first
    elsewhere = tmp_path / "elsewhere" / "deep"
    # An `mutates:` of nothing that is there is a warning, which names its notebook.
    for folder in (shop, elsewhere):
        write_shop(folder, train=[*TRAIN, ("print(1)", ["mutates:nowhere"])])
    assert main(["compile", str(shop)]) == 0
    again = contents(shop / "shop_pipeline")
    assert again != first
    monkeypatch.chdir(elsewhere)
    assert jupyter_pipe.compile_notebook("pipeline.toml").name == "shop"
    assert contents(elsewhere / "shop_pipeline") == again
    assert str(tmp_path).encode() not in b"".join(again.values())


def test_a_package_is_checked(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "pipeline.toml", "--check"]) == 2
    assert main(["compile", "pipeline.toml"]) == 0
    assert main(["compile", "pipeline.toml", "--check"]) == 0
    write_shop(shop, train=[*TRAIN[:-1], ("scale = 1\nscale", ())])
    assert main(["compile", ".", "--check"]) == 2
    assert "notebooks/train.fit.ipynb" in capsys.readouterr().out
    (shop / "shop_pipeline" / "notebooks" / "train.fit.ipynb").write_text("{}")
    assert main(["compile", "."]) == 2
    assert "not generated" in capsys.readouterr().err


def test_notebooks_that_are_named_have_a_package_of_their_names(shop: Path) -> None:
    names = ["ingest.ipynb", "models/train.ipynb", "report.ipynb"]
    assert main(["compile", *names]) == 0
    pipeline = read_package(shop / "ingest+train+report_pipeline")
    assert pipeline.source.notebook == "../ingest.ipynb"
    assert main(["compile", *names, "-o", "build/all"]) == 0
    assert read_package(shop / "build/all").source.notebook == "../../ingest.ipynb"


def test_what_is_wrong_is_said_with_notebook_cell_and_line(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shop(shop, ingest=[*INGEST, ("x = 1\nprint(nowhere)", ["stage:look"])])
    assert main(["compile", "."]) == 2
    said = capsys.readouterr().err
    assert "ingest.ipynb, cell 5 (stage ingest.look)" in said
    assert "2 | print(nowhere)" in said
    assert not (shop / "shop_pipeline").exists()


@pytest.mark.kernel
def test_a_package_runs_as_the_notebooks_do_and_shares_their_results(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "."]) == 0
    assert main(["compile", "."]) == 0
    assert main(["run", "shop_pipeline"]) == 0
    assert set(states(shop).values()) == {"cached"}
    assert main(["run", "shop_pipeline", "-p", "train.depth=4"]) == 0
    assert [name for name, state in states(shop).items() if state == "succeeded"] == [
        *("train.widen", "train.fit", "report.compare", "report.write"),
    ]
    capsys.readouterr()
    write_shop(shop, train=[*TRAIN[:-1], ("scale = 1\nscale", ())])
    assert main(["run", "shop_pipeline"]) == 0
    said = capsys.readouterr().out
    assert "is older than train.ipynb" in said
    assert "jupyter pipe compile pipeline.toml" in said


@pytest.mark.kernel
def test_a_package_runs_without_its_notebooks(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the folder of a notebook does not come along: it is made for what the
    notebook writes there."""
    assert main(["run", "."]) == 0
    assert main(["compile", "."]) == 0
    taken = tmp_path / "taken"
    shutil.copytree(shop / "shop_pipeline", taken / "shop_pipeline")
    expected = {name: (shop / name).read_text() for name in FILES}
    shutil.rmtree(shop)
    monkeypatch.chdir(taken)
    assert main(["run", "shop_pipeline"]) == 0
    assert {name: (taken / name).read_text() for name in FILES} == expected
    (taken / "data" / "clean.json").write_text("[1]")
    assert main(["run", "shop_pipeline"]) == 0
    # What somebody changed in between is written again, and what reads it is as it was.
    assert json.loads((taken / "data" / "clean.json").read_text()) == [2, 4, 6, 8]
    assert states(taken)["ingest.clean"] == "succeeded"
    assert states(taken)["report.write"] == "cached"


def test_a_folder_beside_that_of_the_list_has_to_be_there(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "lists").mkdir()
    (shop / "lists" / "pipeline.toml").write_text(
        'name = "x"\nnotebooks = ["../models/train.ipynb", "../ingest.ipynb"]\n'
    )
    write_shop(shop, train=[("x = 1", ["stage:make"])])
    assert main(["compile", "lists"]) == 0
    assert main(["plan", "lists/x_pipeline"]) == 0
    taken = tmp_path / "far" / "taken"
    shutil.copytree(shop / "lists" / "x_pipeline", taken / "x_pipeline")
    assert main(["plan", str(taken / "x_pipeline")]) == 2
    said = capsys.readouterr().err
    assert "train runs in ../models, which is not found from" in said
