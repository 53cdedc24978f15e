"""Several notebooks as one pipeline, with real kernels: what they compute, what runs
again, what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from tests.several.shop import (
    INGEST,
    REPORT,
    TRAIN,
    executed_outputs,
    run_one_after_another,
    write_kernelspec,
    write_shop,
)

pytestmark = pytest.mark.kernel

STAGES = [
    *("ingest.load", "ingest.clean", "train.read", "train.widen", "train.fit"),
    *("report.compare", "report.write"),
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The listing of three notebooks, of which the second has a kernel of another
    name."""
    write_kernelspec(tmp_path / "jupyter", "trainer")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.delenv("MODE", raising=False)
    monkeypatch.delenv("CI", raising=False)  # runs would be strict there
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return write_shop(folder, "trainer")


def latest(folder: Path) -> Run:
    store = RunStore(folder)
    return store.read(store.find("latest"))


def states(run: Run) -> dict[str, str]:
    return {stage.name: stage.state.value for stage in run.stages}


def test_it_computes_what_the_notebooks_compute_one_after_another(
    shop: Path, tmp_path: Path
) -> None:
    folder = shop.parent
    assert main(["run", "pipeline.toml"]) == 0
    run = latest(folder)
    assert list(states(run)) == STAGES
    store = RunStore(folder)
    got = executed_outputs(
        store.folder(run.run_id).path, store.read_pipeline(run.run_id)
    )

    whole = tmp_path / "whole"
    listed = write_shop(whole, "trainer")
    notebooks = [
        listed.parent / each
        for each in ("ingest.ipynb", "models/train.ipynb", "report.ipynb")
    ]
    expected = run_one_after_another(
        notebooks,
        {"ingest": ["limits"], "train": ["model"]},
        {
            "train": {"limits": "ingest"},
            "report": {"limits": "ingest", "model": "train"},
        },
    )
    place = json.dumps(str(folder))[1:-1]
    told = json.loads(json.dumps(expected).replace(str(whole), place))
    # Leading imports are no cells of a stage; all that says something is.
    assert {name: [each for each in cells if each] for name, cells in got.items()} == {
        name: [each for each in cells if each] for name, cells in told.items()
    }
    for file in ("report.txt", "data/clean.json", "models/model.json"):
        assert (folder / file).read_text() == (whole / file).read_text()
    kernels = {
        stage: json.loads((store.folder(run.run_id).executed(stage)).read_text())[
            "metadata"
        ]["kernelspec"]
        for stage in ("ingest.load", "train.fit")
    }
    assert [kernels[stage]["name"] for stage in kernels] == ["python3", "trainer"]


def test_a_second_run_does_only_what_changed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop.parent
    assert main(["run", str(shop)]) == 0
    assert main(["run", "."]) == 0
    assert set(states(latest(folder)).values()) == {"cached"}

    widened = [(text.replace("+= depth", "+= depth * 2"), tags) for text, tags in TRAIN]
    write_shop(folder, "trainer", train=widened)
    capsys.readouterr()
    assert main(["plan", "pipeline.toml"]) == 0
    planned = capsys.readouterr().out
    assert "train.widen" in planned
    assert "code changed in cell 4" in planned
    assert main(["run", "pipeline.toml"]) == 0
    again = states(latest(folder))
    assert [name for name, state in again.items() if state == "succeeded"] == [
        *("train.widen", "train.fit", "report.compare", "report.write"),
    ]

    (folder / "data" / "clean.json").unlink()
    assert main(["run", "pipeline.toml"]) == 0
    again = states(latest(folder))
    assert [name for name, state in again.items() if state == "succeeded"] == [
        "ingest.clean"
    ]
    assert (folder / "data" / "clean.json").is_file()


def test_parameters_are_for_all_notebooks_or_for_one(shop: Path) -> None:
    folder = shop.parent
    assert main(["run", "pipeline.toml", "-p", "factor=3", "-p", "ingest.days=4"]) == 0
    assert json.loads((folder / "data" / "clean.json").read_text()) == [3, 6, 9]
    run = latest(folder)
    assert {each.name: each.value for each in run.facts.parameters} == {
        "ingest.days": 4,
        "ingest.factor": 3,
        "train.factor": 3,
        "train.depth": 3,
    }
    assert (
        main(
            [
                "run",
                "pipeline.toml",
                "-p",
                "factor=3",
                "-p",
                "train.factor=7",
                "-p",
                "days=4",
            ]
        )
        == 0
    )
    assert [
        name for name, state in states(latest(folder)).items() if state == "succeeded"
    ] == [
        *("train.fit", "report.compare", "report.write"),
    ]


def test_a_failure_says_notebook_cell_and_line_and_is_resumed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop.parent
    # What it changes is needed further down: nothing of that can have begun before it
    # fails.
    wrong = "print(limits, os.environ.get('MODE'))"
    broken = [(text.replace(wrong, "1 / 0"), tags) for text, tags in TRAIN]
    write_shop(folder, "trainer", train=broken)
    assert main(["run", "pipeline.toml"]) == 1
    said = capsys.readouterr().out
    assert "train.widen failed in train.ipynb, cell 1 of 1, line 2" in said
    assert "ZeroDivisionError" in said
    failed = states(latest(folder))
    assert failed["train.widen"] == "failed"
    assert failed["report.write"] == "skipped"
    assert main(["show"]) == 0
    assert str(folder / "models" / "train.ipynb") in capsys.readouterr().out
    assert main(["logs", "latest", "ingest.clean"]) == 0
    assert "5 {'low': 0, 'high': 8}" in capsys.readouterr().out

    assert main(["debug", "latest", "train.widen"]) == 0
    (written,) = (folder / "models").glob("debug_*.ipynb")
    assert (
        json.loads(written.read_text())["metadata"]["kernelspec"]["name"] == "trainer"
    )

    write_shop(folder, "trainer")
    assert main(["resume", "latest"]) == 0
    done = latest(folder)
    assert done.resumed_from
    assert states(done)["ingest.clean"] == "cached"
    assert states(done)["report.write"] == "succeeded"
    report = (RunStore(folder).folder(done.run_id).report).read_text()
    assert "train.ipynb" in report
    assert "report.write" in report
    assert main(["runs"]) == 0
    assert "shop" in capsys.readouterr().out


def test_notebooks_that_are_named_are_resumed_as_they_were_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop.parent
    shop.unlink()
    write_shop(
        folder, report=[REPORT[0], ("1 / 0", ["stage:compare"]), REPORT[2]]
    ).unlink()
    names = ["ingest.ipynb", "models/train.ipynb", "report.ipynb"]
    assert main(["run", *names]) == 1
    write_shop(folder).unlink()
    assert main(["resume", "latest"]) == 0
    run = latest(folder)
    assert list(states(run)) == STAGES
    assert run.pipeline == "ingest+train+report"
    assert states(run)["ingest.load"] == "cached"


def test_the_environment_of_one_notebook_is_not_that_of_the_next(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train` asks for the variable that `ingest` sets: it gets what a new kernel
    has."""
    asked = [*INGEST[:3], ("print(os.environ['MODE'])", ["stage:clean"])]
    write_shop(
        shop.parent,
        "trainer",
        ingest=[*asked, ("limits = {'high': 1}", ["shares:limits"])],
    )
    (shop.parent / "data").mkdir()
    (shop.parent / "data" / "clean.json").write_text("[2]")
    assert main(["run", "pipeline.toml"]) == 0
    store = RunStore(shop.parent)
    run = latest(shop.parent)
    got = executed_outputs(
        store.folder(run.run_id).path, store.read_pipeline(run.run_id)
    )
    assert ["stream", "set by ingest\n"] in [
        one for cell in got["ingest"] for one in cell
    ]
    assert ["stream", "{'high': 4} None\n"] in [
        one for cell in got["train"] for one in cell
    ]


HIDDEN = "import base64\nplace = base64.b64decode('Li4vaGlkZGVuLnR4dA==').decode()"


def test_a_file_that_the_code_does_not_show_is_seen_in_the_run(shop: Path) -> None:
    """`train`, in another folder, reads at once what `ingest` takes its time to write.
    No code shows it."""
    folder = shop.parent
    slow = "import base64, time\nplace = base64.b64decode('aGlkZGVuLnR4dA==').decode()\ntime.sleep(1)"
    write_shop(
        folder,
        ingest=[
            (
                f"{slow}\nwith open(place, 'w') as file:\n    print(7, file=file)",
                ["stage:write"],
            )
        ],
        train=[
            (
                f"{HIDDEN}\nwith open(place) as file:\n    print(file.read())",
                ["stage:read"],
            )
        ],
        report=[("print('done')", ["stage:end"])],
    )
    (folder / "hidden.txt").write_text("6")
    assert main(["run", "pipeline.toml"]) == 0
    store = RunStore(folder)
    run = latest(folder)
    got = executed_outputs(
        store.folder(run.run_id).path, store.read_pipeline(run.run_id)
    )
    assert got["train"] == [[["stream", "7\n\n"]]]
    assert ("ingest.write", "train.read") in {
        (edge.from_, edge.to) for edge in store.read_pipeline(run.run_id).edges
    }
    assert main(["run", "pipeline.toml"]) == 0
    assert set(states(latest(folder)).values()) == {"cached"}


def test_a_part_of_the_pipeline_runs_by_the_names_of_its_stages(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "pipeline.toml", "--target", "train.read"]) == 0
    assert list(states(latest(shop.parent))) == [
        "ingest.load",
        "ingest.clean",
        "train.read",
    ]
    assert main(["run", "pipeline.toml", "--target", "train.raed"]) == 2
    assert "Did you mean 'train.read'?" in capsys.readouterr().err


def test_an_instance_of_a_notebooks_class_is_refused_where_it_is_taken(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shop(
        shop.parent,
        ingest=[
            ("class Box:\n    n = 1", ()),
            ("box = Box()", ["stage:make", "shares:box"]),
        ],
        train=[("print(box.n)", ["stage:use"])],
        report=[("print('done')", ["stage:end"])],
    )
    assert main(["run", "pipeline.toml"]) == 1
    assert "box holds an instance of 'Box'" in capsys.readouterr().out


def test_python_and_the_command_line_run_the_same(shop: Path) -> None:
    import jupyter_pipe

    run = jupyter_pipe.run(shop, parameters={"factor": 3, "ingest.days": 4})
    assert run.exit_code == 0
    assert json.loads((shop.parent / "data" / "clean.json").read_text()) == [3, 6, 9]
    named = [
        shop.parent / each
        for each in ("ingest.ipynb", "models/train.ipynb", "report.ipynb")
    ]
    assert jupyter_pipe.run(named, root=shop.parent).exit_code == 0
    with pytest.raises(PipeError, match="not found from"):
        jupyter_pipe.run(shop, workdir=shop.parent / "data")


def test_a_contract_that_is_broken_or_missing_names_its_own_file(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = [*TRAIN[:2], (TRAIN[2][0], ["stage:read", "contract:rows"]), *TRAIN[3:]]
    write_shop(shop.parent, "trainer", train=watched)
    assert main(["run", ".", "--strict"]) == 4
    said = capsys.readouterr().out
    assert "Write the file, and commit it: models/train.contracts/rows.yaml." in said
    assert "train.read" in said
    contract = shop.parent / "models" / "train.contracts" / "rows.yaml"
    contract.parent.mkdir()
    contract.write_text("policy: stop\nrows: [100, 200]\n")
    assert main(["run", "."]) == 4
    said = capsys.readouterr().out
    assert "widen the contract in models/train.contracts/rows.yaml." in said
