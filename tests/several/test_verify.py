"""Several notebooks, run one after another by `verify`, beside their one pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from tests.several.shop import INGEST, TRAIN, write_kernelspec, write_shop

pytestmark = pytest.mark.kernel


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of three notebooks, the second with a kernel of another name; it is
    the working directory."""
    write_kernelspec(tmp_path / "jupyter", "trainer")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.delenv("MODE", raising=False)
    folder = tmp_path / "shop"
    write_shop(folder, "trainer")
    monkeypatch.chdir(folder)
    return folder


def test_equal_notebooks_are_called_so_and_what_they_do_not_repeat_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = ("import uuid\nprint(drawn := hash(uuid.uuid4()))", ["stage:draw"])
    kept = ("kept = [drawn]", ["stage:keep"])
    write_shop(shop, "trainer", ingest=[*INGEST, drawn, kept])
    names = ["ingest.ipynb", "models/train.ipynb", "report.ipynb"]
    assert main(["verify", *names]) == 0
    said = capsys.readouterr().out
    assert "differ there: ingest.ipynb, cell 5." in said
    assert "equal: 9 stages" in said
    assert not (shop / ".jupyter_pipe" / "runs").exists()
    assert main(["verify", ".", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["divergence"] is None
    assert found["not_comparable"] == ["ingest.ipynb, cell 5"]


def test_a_difference_is_named_with_notebook_cell_and_stage(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a stage sees of its run, a notebook that is run whole does not."""
    told = "import os\nprint('JUPYTER_PIPE_STAGE' in os.environ)"
    write_shop(shop, "trainer", train=[*TRAIN, (told, ["stage:told"])])
    assert main(["verify", "pipeline.toml"]) == 1
    said = capsys.readouterr().out
    assert "train.ipynb, cell 7: different in stage train.told" in said
    assert "notebook      False" in said
    assert "pipeline      True" in said


def test_a_value_that_no_cell_shows_is_compared_too(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = "import os\ninside = {'stage': ['JUPYTER_PIPE_STAGE' in os.environ]}"
    cells = [(inside, ["stage:told"]), ("kept = [inside]", ["stage:keep"])]
    write_shop(shop, "trainer", train=[*TRAIN, *cells])
    assert main(["verify", "."]) == 1
    said = capsys.readouterr().out
    where = "train.ipynb: different in stage train.told, variable inside['stage'][0]"
    assert where in said
    assert "notebook      False" in said
    assert "pipeline      True" in said
    # The same value, shown two stages later.
    shown = ("print(kept)", ["stage:show"])
    write_shop(shop, "trainer", train=[*TRAIN, *cells, shown])
    assert main(["verify", "."]) == 1
    said = capsys.readouterr().out
    assert "train.ipynb, cell 9: different in stage train.show" in said
    assert "inside['stage'][0] differs already when stage train.told ends" in said


def test_a_notebook_that_does_not_run_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shop(shop, "trainer", report=[("x = 1\nx / 0", ["stage:compare"])])
    assert main(["verify", "."]) == 2
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "(report.ipynb, cell 1, line 2)" in said


@pytest.mark.parametrize(
    "option", [["--edits", "2"], ["--groupings", "2"], ["--score"]]
)
def test_what_is_for_one_notebook_is_refused(
    shop: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", ".", *option]) == 2
    assert f"{option[0]} is for one notebook" in capsys.readouterr().err
