"""What a stranger has us show: names, messages, outputs and pages that would act on
whoever looks at them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hostile.attacks import attack
from tests.hostile.repository import Repository

# Titles, the clipboard, hidden text, an answer that the terminal would type, a line
# that writes over another.
CONTROLS = "\x1b]0;owned\x07\x1b]52;c;cm0gLXJm\x07\x1b[8mhidden\x1bP$q\x1b\\\x1b[2J\x9b31m\rall is well\b\x00\u202e"
PAGE = (
    "<script>alert(1)</script><img src='http://{address}/i'><link rel=stylesheet href='http://{address}/s'>"
    "<p style=\"background:image-set('http://{address}/b' 1x)\" onclick='x()'>text</p>"
    "<style>*{{display:none}}</style>"
)


def _change_json(path: Path, old: str, new: str) -> None:
    """Replace a text in a file of JSON, written as JSON has it."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, json.dumps(new)[1:-1]), encoding="utf-8")


@attack("records of runs hold terminal controls")
def controls_in_records(repository: Repository) -> None:
    for run in repository.state.glob("runs/*"):
        for path in (run / "events.jsonl", run / "run.json"):
            if path.exists():
                _change_json(path, "IndexError", f"Index{CONTROLS}Error")
                _change_json(path, "never ran", CONTROLS)
                _change_json(path, "total < 100", f"total {CONTROLS} < 100")


@attack("outputs, sources and tags hold terminal controls", runs="run verify")
def controls_in_notebooks(repository: Repository) -> None:
    notebook = json.loads(repository.flow.read_text())
    notebook["cells"][0]["source"] = f"n = 3  # how {CONTROLS} many"
    notebook["cells"][1]["source"] = f"rows = [[1]]\nprint({CONTROLS!r})"
    notebook["cells"][2]["metadata"]["tags"] = [
        "stage:add",
        f"metric:{CONTROLS}",
        f"gate:{CONTROLS}",
    ]
    repository.flow.write_text(json.dumps(notebook))
    for executed in repository.state.glob("runs/*/stages/*/executed.ipynb"):
        _change_json(executed, "made 3", CONTROLS)


@attack("pages of the store load and run things")
def pages_that_act(repository: Repository) -> None:
    page = PAGE.format(address=repository.address)
    for stage in repository.state.glob("runs/*/stages/*"):
        (stage / "cells.json").write_text(json.dumps({"html": page}))
    for executed in repository.state.glob("runs/*/stages/*/executed.ipynb"):
        notebook = json.loads(executed.read_text())
        shown = dict.fromkeys(
            ("text/html", "text/markdown", "image/svg+xml", "text/plain"), page
        )
        for cell in notebook["cells"]:
            cell["outputs"] = [
                {"output_type": "display_data", "data": shown, "metadata": {}}
            ]
        executed.write_text(json.dumps(notebook))


@attack("outputs are made so that reading them takes for ever")
def slow_outputs(repository: Repository) -> None:
    texts = [
        "<style>" * 60_000,
        "<div>" * 60_000,
        "&" * 300_000,
        "[" * 100_000,
        "\x1b]" * 100_000,
        "\r" * 300_000,
    ]
    for executed in repository.state.glob("runs/*/stages/*/executed.ipynb"):
        notebook = json.loads(executed.read_text())
        for cell in notebook["cells"]:
            cell["outputs"] = [
                {"output_type": "display_data", "data": {kind: text}, "metadata": {}}
                for text in texts
                for kind in ("text/html", "text/markdown", "text/plain")
            ]
        executed.write_text(json.dumps(notebook))


@attack("a package's names lead elsewhere", runs="run run-stage submit")
def names_of_a_package(repository: Repository) -> None:
    outside = str(repository.outside / "taken")
    repository.edit(
        repository.package / "pipeline.json",
        ('"name": "flow"', f'"name": {json.dumps(outside)}'),
    )


@attack("a package's stages have paths for names", runs="run run-stage")
def stages_of_a_package(repository: Repository) -> None:
    path = repository.package / "pipeline.json"
    pipeline = json.loads(path.read_text())
    pipeline["stages"][0]["notebook"] = "../../outside/notes.ipynb"
    pipeline["stages"][1]["name"] = "../../../outside/taken"
    path.write_text(json.dumps(pipeline))


@attack("a package's values break out of exports")
def values_of_a_package(repository: Repository) -> None:
    path = repository.package / "pipeline.json"
    pipeline = json.loads(path.read_text())
    shell = repository.shell_canary("export")
    pipeline["parameters"][0].update(
        {
            "default": f"1\n$(shell {shell})\nall: ; {shell}\n",
            "literal": f"1\n\t{shell}",
            "description": f"\n{shell}",
        }
    )
    pipeline["description"] = f'"""\n{repository.python_canary("description")}\n"""'
    pipeline["stages"][0]["options"] = {
        "image": f"i\n{shell}",
        "secrets": ["A"],
        "limits": {f"x\n{shell}": 1},
    }
    path.write_text(json.dumps(pipeline))


@attack("a run's pipeline has paths for names")
def names_of_a_run(repository: Repository) -> None:
    for path in repository.state.glob("runs/*/pipeline.json"):
        pipeline = json.loads(path.read_text())
        for stage in pipeline["stages"]:
            stage["name"] = f"../../../outside/{stage['name']}"
        path.write_text(json.dumps(pipeline))
