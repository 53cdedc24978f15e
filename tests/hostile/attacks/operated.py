"""What a stranger leaves for pages and for answers of people: links to the victim's
records, answers that the victim did not give, exports that are none, votes without
end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from jupyter_pipe.approvals import Approval, waiting_stages
from jupyter_pipe.labels import label_config
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.keys import key_of
from jupyter_pipe.trust.signatures import sign
from tests.hostile.attacks import attack
from tests.hostile.attacks.models import insert_rows, write_database
from tests.hostile.attacks.shown import CONTROLS, PAGE
from tests.hostile.repository import STRANGER, Repository, notebook_json
from tests.hostile.watching import run_command

PRIVATE = "the victim's own"


def _write_log(folder: Path) -> Path:
    """A request log of the last hour that names something private."""
    path = folder / "requests-1.sqlite"
    columns = (
        "id, at, status, version, digest, role, seconds, rows, predictions, problem"
    )
    write_database(
        path, f"CREATE TABLE answers ({columns}); CREATE TABLE masks (dropped, hashed);"
    )
    rows = json.dumps([{PRIVATE: 1}])
    line = [
        "a",
        time.time() - 60,
        200,
        PRIVATE,
        "d",
        "champion",
        0.1,
        rows,
        json.dumps([PRIVATE]),
        None,
    ]
    insert_rows(path, [("answers", line)] * 9)
    return path


def _write_queue(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.tasks.json").write_text(json.dumps([{"data": {"a": text}}]))
    (folder / f"{name}.tasks.xml").write_text(label_config(["a"], [text, "other"]))
    answer = {
        "completed_by": text,
        "result": [{"type": "choices", "value": {"choices": [text]}}],
    }
    line = json.dumps({"data": {"a": text}, "annotations": [answer]})
    (folder / f"{name}.answers.jsonl").write_text(f"{line}\n")


@attack("what pages show are links to records of the victim", only="monitor")
def records_elsewhere(repository: Repository) -> None:
    log = _write_log(repository.outside / "log")
    by_folder, by_file = (
        repository.state / "serving" / name for name in ("flow", "other")
    )
    by_folder.mkdir(parents=True)
    (by_folder / "log").symlink_to(log.parent)
    (by_file / "log").mkdir(parents=True)
    (by_file / "log" / log.name).symlink_to(log)
    _write_queue(repository.outside, "rows", PRIVATE)
    for name, ending in enumerate(("tasks.json", "tasks.xml", "answers.jsonl")):
        _write_queue(repository.folder, f"queue{name}", "a")
        linked = repository.folder / f"queue{name}.{ending}"
        linked.unlink()
        linked.symlink_to(repository.outside / f"rows.{ending}")


@attack(
    "rows that wait for labels are pipes, devices, numbers and controls", only="labels"
)
def rows_without_end(repository: Repository) -> None:
    page = PAGE.format(address=repository.address)
    folder = repository.folder
    for name in ("pipe", "device", "deep", "number", "shown", "queue"):
        _write_queue(folder, name, f"{CONTROLS}{page}")
    for ending in ("tasks.json", "tasks.xml", "answers.jsonl"):
        for name in ("pipe", "device"):
            (folder / f"{name}.{ending}").unlink()
        os.mkfifo(folder / f"pipe.{ending}")
        (folder / f"device.{ending}").symlink_to("/dev/zero")
    (folder / "deep.tasks.json").write_text("[" * 100_000)
    (folder / "deep.answers.jsonl").write_text("[" * 100_000)
    (folder / "number.tasks.json").write_text(
        f'[{{"data": {{"a": {"9" * 4000}, "b": 1e400}}}}]'
    )
    (folder / "queue.answers.jsonl").write_bytes(b'\xff\xfe{"data": \n' * 1000)


def _votes(labels: int) -> list[dict[str, Any]]:
    """One row with a vote of everybody, each of another label."""
    annotations = [
        {
            "completed_by": number,
            "result": [{"type": "choices", "value": {"choices": [str(number)]}}],
        }
        for number in range(labels)
    ]
    return [{"data": {"a": 1}, "annotations": annotations}]


@attack("a question is answered by the stranger", runs="run resume")
def approval_of_a_stranger(repository: Repository) -> None:
    """What comes after the question is what the stranger wants to be done."""
    canary = repository.python_canary("approved")
    asking = [
        ("n = 3", "parameters"),
        (
            "rows = [[number] for number in range(n)]",
            "stage:make",
            "approve:Is that so?",
        ),
        (f"total = len(rows)\n{canary}", "stage:add", "metric:total"),
    ]
    repository.flow.write_text(json.dumps(notebook_json(asking)))
    done = run_command(
        ["run", "flow.ipynb", "-q"],
        repository.folder,
        environment={"JUPYTER_PIPE_KEY": STRANGER},
    )
    assert done.code == 5, done.output
    store = RunStore(repository.folder)
    (asked,) = waiting_stages(store.read(store.ids()[0]))
    said = to_json(Approval(approved=True, by="the victim", at=1.0))
    folder = repository.state / "approvals"
    folder.mkdir()
    (folder / f"{asked.digest}.json").write_bytes(
        sign("approval", asked.digest, said, key=key_of(STRANGER))
    )


@attack(
    "answers are as Label Studio never writes them, and votes without end",
    only="labels",
)
def answers_of_nobody(repository: Repository) -> None:
    folder = repository.folder
    (folder / "answers.json").write_text(json.dumps(_votes(30_000)))
    (folder / "answers.jsonl").write_text(
        "\n".join(
            json.dumps({"data": {"a": 1}, "annotations": wrong})
            for wrong in (5, [5], [{"result": 5}])
        )
    )
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "votes.csv").write_text("a,b\n" + "1," * 50_000 + "\n\0\n")
