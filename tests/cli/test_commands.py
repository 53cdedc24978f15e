from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import COMMANDS, main
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.logs import Printed
from jupyter_pipe.runs import RunStore
from tests.cli.conftest import write_notebook, write_run
from tests.cli.scripted import RUN_ID, failed_events, gate_events, succeeded_events

Capture = pytest.CaptureFixture[str]
OTHER_ID = "20261120-160000-9a7e"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path, succeeded_events(), RUN_ID)
    write_run(tmp_path, gate_events(), OTHER_ID)
    return tmp_path


def usage_error(argv: list[str], capsys: Capture) -> str:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_with_an_example(
    name: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert f"jupyter pipe {name} " in capsys.readouterr().out.split("examples:")[1]


@pytest.mark.parametrize(
    ("argv", "suggestion"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["show", "x", "--jsno"], "Did you mean --json?"),
        (["home.ipynb"], "jupyter pipe run home.ipynb"),
        (["run", "x.ipynb", "-j", "0"], "at least 1"),
        (["run"], "NB|DIR"),
        ([], ""),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_what_was_meant(
    argv: list[str], suggestion: str, capsys: Capture
) -> None:
    assert suggestion in usage_error(argv, capsys)


def test_check_shows_all_problems_by_cell_with_line_and_caret(
    broken: Path, capsys: Capture
) -> None:
    assert main(["check", str(broken)]) == 2
    out = capsys.readouterr().out
    assert "cell 2" in out
    assert "cell 3" in out
    assert "   2 | print(x_trian)\n         |       ^" in out
    assert "x_train" in out
    assert "Traceback" not in out


def test_check_is_quiet_about_a_good_notebook(small: Path, capsys: Capture) -> None:
    assert main(["check", str(small)]) == 0
    assert capsys.readouterr().out == f"{small}: no problems found.\n"
    assert main(["check", "-q", str(small)]) == 0
    assert capsys.readouterr().out == ""


def test_check_annotates_for_github(broken: Path, capsys: Capture) -> None:
    assert main(["check", "--format", "github", str(broken)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert all(
        line.startswith(("::error file=", "::warning file=", "::notice file="))
        for line in lines
    )
    assert any("cell 2%2C line 2::" in line for line in lines)


def test_check_as_json_counts_unreadable_files_too(
    broken: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "none.ipynb").write_text("{")
    assert main(["check", "--json", str(broken), "none.ipynb"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["none.ipynb"][0]["code"] == "PIPE000"
    assert {item["severity"] for item in found[str(broken)]} >= {"error"}


@pytest.mark.parametrize("command", ["run", "plan", "compile", "graph"])
def test_a_notebook_that_does_not_compile_ends_with_2_and_all_its_errors(
    command: str, broken: Path, capsys: Capture
) -> None:
    assert main([command, str(broken)]) == 2
    err = capsys.readouterr().err
    assert "cell 2" in err
    assert "cell 3" in err
    assert "Traceback" not in err
    assert not (broken.parent / ".jupyter_pipe" / "runs").exists()


@pytest.mark.parametrize("command", ["run", "plan", "compile", "graph"])
@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"cells": []}'])
def test_what_is_no_notebook_ends_with_2_and_one_message(
    command: str, content: str | None, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_text(content)
    assert main([command, str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_a_folder_that_is_no_package_is_named(tmp_path: Path, capsys: Capture) -> None:
    assert main(["run", str(tmp_path)]) == 2
    assert "without pipeline.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("m=4", "There is no parameter 'm'"),
        ("n=x", "type int"),
        ("n", "not NAME=VALUE"),
    ],
)
def test_wrong_parameters_end_with_2(
    small: Path, parameter: str, message: str, capsys: Capture
) -> None:
    assert main(["plan", str(small), "-p", parameter]) == 2
    assert message in capsys.readouterr().err


def test_graph_draws_in_every_form(
    small: Path, tmp_path: Path, capsys: Capture
) -> None:
    for form, start in (
        ("mermaid", "flowchart"),
        ("dot", "digraph"),
        ("svg", "<svg"),
        ("json", "{"),
    ):
        assert main(["graph", str(small), "--format", form]) == 0
        assert capsys.readouterr().out.startswith(start)
    assert main(["graph", str(small), "--json", "-o", "dag.json"]) == 0
    edges = json.loads((tmp_path / "dag.json").read_text())["edges"]
    assert edges == [{"from": "make", "to": "add", "names": ["xs"]}]


def test_compile_writes_a_package_and_check_sees_when_it_is_stale(
    small: Path, capsys: Capture
) -> None:
    assert main(["compile", str(small), "--check"]) == 2
    assert main(["compile", str(small)]) == 0
    assert "2 stages (make, add)" in capsys.readouterr().out
    assert main(["compile", str(small), "--check"]) == 0
    small.write_text(small.read_text().replace("sum(xs)", "sum(xs) + 1"))
    assert main(["compile", str(small), "--check"]) == 2
    assert "notebooks/add.ipynb" in capsys.readouterr().out


def test_plan_says_what_would_run_and_leaves_no_run(
    small: Path, capsys: Capture
) -> None:
    assert main(["plan", str(small)]) == 0
    out = capsys.readouterr().out
    assert "make  run    never ran" in out
    assert "2 stages to run, 0 to reuse." in out
    assert main(["plan", str(small), "--json", "--target", "make"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert (stages[0]["name"], stages[0]["action"]) == ("make", "run")
    assert not list(small.parent.glob(".jupyter_pipe/runs/*"))


def test_runs_are_listed_newest_first(runs: Path, capsys: Capture) -> None:
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", OTHER_ID, RUN_ID]
    assert main(["runs", "--json", "-n", "1"]) == 0
    assert [run["run_id"] for run in json.loads(capsys.readouterr().out)] == [OTHER_ID]


def test_runs_are_found_from_a_folder_below(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (runs / "deep").mkdir()
    monkeypatch.chdir(runs / "deep")
    assert main(["show", "7b1e"]) == 0
    assert RUN_ID in capsys.readouterr().out


def test_show_prints_the_whole_run(runs: Path, capsys: Capture) -> None:
    assert main(["show", "latest"]) == 0
    out = capsys.readouterr().out
    for text in (
        "n_estimators=300",
        "gate failed",
        "best_mae < 25000 (best_mae = 27310)",
        "continue   jupyter pipe resume",
    ):
        assert text in out
    assert main(["show", "latest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3


def test_an_unknown_run_ends_with_2(runs: Path, capsys: Capture) -> None:
    assert main(["show", "nope"]) == 2
    assert "There is no run 'nope'" in capsys.readouterr().err


def test_logs_tell_what_happened(runs: Path, capsys: Capture) -> None:
    assert main(["logs", RUN_ID]) == 0
    out = capsys.readouterr().out
    assert "ingest    cached: unchanged, saves 6 s" in out
    assert "forest    succeeded, 37 s" in out
    assert main(["logs", RUN_ID, "ridge", "--json"]) == 0
    assert {
        json.loads(line)["stage"] for line in capsys.readouterr().out.splitlines()
    } == {"ridge"}
    assert main(["logs", RUN_ID, "rigde"]) == 2
    assert "Did you mean 'ridge'?" in capsys.readouterr().err


def test_following_a_run_that_is_over_ends(runs: Path, capsys: Capture) -> None:
    assert main(["logs", RUN_ID, "--follow"]) == 0


def test_compare_shows_what_differs_and_which_way(runs: Path, capsys: Capture) -> None:
    assert main(["compare", RUN_ID, OTHER_ID]) == 0
    out = capsys.readouterr().out
    assert "27,310 worse" in out
    assert "n_estimators" not in out
    assert main(["compare", RUN_ID, OTHER_ID, "--all"]) == 0
    assert "n_estimators" in capsys.readouterr().out
    assert main(["compare", RUN_ID]) == 2


def test_cancelling_a_run_that_has_ended_changes_nothing(
    runs: Path, capsys: Capture
) -> None:
    for _ in range(2):
        assert main(["cancel", RUN_ID]) == 0
        assert "has already ended: succeeded" in capsys.readouterr().out


def test_a_secret_file_that_cannot_be_read_shows_no_line_of_it(
    small: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "env").write_text("A=1\nhunter2\n")
    assert main(["plan", str(small), "--env-file", "env"]) == 2
    err = capsys.readouterr().err
    assert "line 2" in err
    assert "hunter2" not in err


def test_a_reader_that_leaves_is_no_error(runs: Path) -> None:
    command = [sys.executable, "-m", "jupyter_pipe.cli.main", "logs", RUN_ID]
    shell = f"{' '.join(command)} | head -1"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, check=True, cwd=runs
    )
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from jupyter_pipe.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'papermill', 'nbformat', 'nbclient', 'nbconvert', 'pandas', 'numpy', 'rich', 'IPython'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_a_run_imports_nothing_that_reads_notebooks_from_elsewhere() -> None:
    """And whoever wants these libraries afterwards gets them."""
    script = (
        "import sys\n"
        "from jupyter_pipe.cli.light_imports import leave_out_remote_notebooks\n"
        "leave_out_remote_notebooks()\n"
        "import papermill.iorw\n"
        "heavy = {'pyarrow', 'numpy', 'urllib3'}\n"
        "print(sorted(heavy & set(sys.modules)), papermill.iorw.requests is sys.modules['requests'])\n"
        "import pyarrow.fs, requests\n"
        "print(requests.get.__name__, sorted(heavy - set(sys.modules)))\n"
        "print([finder for finder in sys.meta_path if 'jupyter_pipe' in type(finder).__module__])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[] True", "get []", "[]"]


def test_no_colour_in_pipes(broken: Path) -> None:
    command = [sys.executable, "-m", "jupyter_pipe.cli.main", "check", str(broken)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "\x1b" not in done.stdout + done.stderr


def test_names_and_values_with_odd_characters_print_on_any_terminal(
    tmp_path: Path,
) -> None:
    notebook = write_notebook(tmp_path / "ü.ipynb", [("größe = 1", ["stage:a"])])
    command = [sys.executable, "-m", "jupyter_pipe.cli.main", "check", str(notebook)]
    env = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"}
    done = subprocess.run(command, capture_output=True, check=False, env=env)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_failed_runs_can_be_shown(tmp_path: Path, capsys: Capture) -> None:
    write_run(tmp_path, failed_events(), RUN_ID)
    assert main(["show", RUN_ID]) == 0
    out = capsys.readouterr().out
    assert "boosting failed in cell 2 of 2, line 2" in out
    assert "sales.py, line 12, in drop" in out
    assert "hint: 'price' was dropped in features, cell 1." in out


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENAMETOOLONG]
)
def test_a_disk_that_refuses_is_one_clear_sentence(
    runs: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "somewhere")

    monkeypatch.setattr(RunStore, "ids", refuse)
    assert main(["runs"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        f"error: 'somewhere' cannot be read or written: {os.strerror(number)}.\nhint: "
    )


def test_a_defect_of_ours_is_not_taken_for_trouble_with_a_disk(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EBADF, "bad descriptor")

    monkeypatch.setattr(RunStore, "ids", fail)
    with pytest.raises(OSError, match="bad descriptor"):
        main(["runs"])


def notebook_in(language: str, path: Path) -> Path:
    spec = {"name": language.lower(), "display_name": language, "language": language}
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "1",
        "outputs": [],
        "execution_count": None,
    }
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": spec},
        "cells": [cell],
    }
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_check_passes_over_what_cannot_be_a_pipeline_and_says_so(
    form: str, small: Path, tmp_path: Path, capsys: Capture
) -> None:
    others = [
        notebook_in("R", tmp_path / "r.ipynb"),
        notebook_in("Julia", tmp_path / "j.ipynb"),
    ]
    others.append(write_notebook(tmp_path / "empty.ipynb", [("", [])]))
    assert main(["check", "--format", form, *map(str, [*others, small])]) == 0
    out = capsys.readouterr().out
    assert all(path.name in out for path in others)
    assert out.lower().count("skipped") == 3
    assert (
        main(["check", "--format", form, *map(str, others)]) == 2
    )  # nothing was checked


def completions(line: str, script: Path) -> list[str]:
    """What bash would offer for the line, the last word of which is being typed."""
    words = line.split(" ")
    said = subprocess.run(
        [
            "bash",
            "-c",
            f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _jupyter_pipe; '
            'echo "${COMPREPLY[@]}"',
            "x",
            *words,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("jupyter-pipe com", ["compile", "compare", "completion"]),
        ("jupyter pipe com", ["compile", "compare", "completion"]),
        ("jupyter-pipe run --par", ["--parameter", "--parameters-file"]),
        ("jupyter pipe run --par", ["--parameter", "--parameters-file"]),
        ("jupyter-pipe contract acc", ["accept"]),
        ("jupyter-pipe export snake", ["snakemake"]),
        ("jupyter-pipe run home", []),
        ("jupyter lab", []),
    ],
)
def test_bash_completes_commands_options_and_choices(
    line: str, offered: list[str], tmp_path: Path, capsys: Capture
) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "script.sh"
    script.write_text(capsys.readouterr().out)
    assert completions(line, script) == offered


def test_other_shells_know_the_same_commands(capsys: Capture) -> None:
    for shell in ("zsh", "fish"):
        assert main(["completion", shell]) == 0
        out = capsys.readouterr().out
        assert all(name in out for name in COMMANDS)
        assert ("--parameters-file" in out) or ("-l parameters-file" in out)
        assert "snakemake" in out


def test_open_shows_the_report_of_the_latest_run(
    runs: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or True)
    report = RunStore(runs).folder(OTHER_ID).report
    assert main(["open", "--root", str(runs)]) == 0
    assert opened == [report.as_uri()]
    assert report.exists()  # the run was written without one
    assert capsys.readouterr().out.strip() == str(report)
    assert main(["open", "--root", str(runs), "--print", RUN_ID]) == 0
    assert len(opened) == 1


def test_logs_print_what_a_stage_shows_as_it_comes(
    tmp_path: Path, capsys: Capture
) -> None:
    executed = tmp_path / "executed.ipynb"

    def write(*texts: str) -> None:
        cells = [
            {
                "cell_type": "code",
                "id": str(at),
                "source": "",
                "outputs": [{"output_type": "stream", "text": text}],
            }
            for at, text in enumerate(texts)
        ]
        executed.write_text(json.dumps({"cells": cells}))

    printed = Printed(Terminal(), executed)
    printed.show_new()  # not there yet
    for texts in (
        ("epoch 1\n",),
        ("epoch 1\nepoch 2\n",),
        ("epoch 1\nepoch 2\n", "done\n"),
    ):
        write(*texts)
        printed.show_new()
        printed.show_new()
    assert capsys.readouterr().out.splitlines() == [
        "--- cell 1",
        "epoch 1",
        "epoch 2",
        "--- cell 2",
        "done",
    ]
