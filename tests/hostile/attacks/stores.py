"""What a stranger plants in `.jupyter_pipe`: values that run code when they are loaded,
records that say what to run, addresses to which everything would go."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jupyter_pipe.cache.store import compiled_path
from jupyter_pipe.kernel.payloads.payload_file import write_payload
from jupyter_pipe.trust.keys import key_of
from jupyter_pipe.trust.signatures import sign, unsigned
from tests.hostile.attacks import attack
from tests.hostile.repository import STRANGER, Repository


class Poison:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def poisoned_payload(
    repository: Repository, label: str, names: list[str]
) -> dict[str, Any]:
    """A payload as ours, correctly addressed, that leaves a file when it is loaded.
    Returns its reference."""
    stream = pickle.dumps(
        {name: Poison(repository.shell_canary(label)) for name in names}, protocol=5
    )
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    manifest = {
        "names": names,
        "types": {},
        "summary": {},
        "definitions": {},
        "python": python,
    }
    written = write_payload(
        str(repository.state / "artifacts"), [], stream, ([], []), manifest
    )
    return {
        "artifact": written.artifact,
        "digest": written.artifact,
        "bytes": written.bytes,
    }


def replace_references(value: Any, reference: dict[str, Any]) -> Any:
    """The same record with every reference to a payload replaced."""
    if isinstance(value, dict):
        if "artifact" in value:
            return {
                **value,
                "artifact": reference["artifact"],
                "bytes": reference["bytes"],
            }
        return {key: replace_references(each, reference) for key, each in value.items()}
    return (
        [replace_references(each, reference) for each in value]
        if isinstance(value, list)
        else value
    )


def _records(repository: Repository) -> Iterator[tuple[Path, str, str]]:
    """Every signed record that refers to values: its file, and what it is signed as."""
    for path in repository.state.glob("cache/entries/*/*.json"):
        yield path, "results", path.stem
    for path in repository.state.glob("runs/*/stages/*/result.json"):
        run, stage = path.parts[-4], path.parts[-2]
        yield path, "result", f"{run}/{stage}"
    for path in repository.state.glob("runs/*/stages/*/attempts/*/context.json"):
        run, stage, attempt = path.parts[-6], path.parts[-4], path.parts[-2]
        yield path, "context", f"{run}/{stage}/{attempt}"


def _poison(
    repository: Repository, label: str, seal: Callable[[bytes, str, str, bytes], bytes]
) -> None:
    """Poison every value, and seal the records anew with `seal(old, purpose, name,
    new)`."""
    reference = poisoned_payload(repository, label, ["rows", "total"])
    for path, purpose, name in _records(repository):
        old = path.read_bytes()
        document = json.loads(unsigned(old))
        changed = json.dumps(replace_references(document, reference)).encode()
        path.write_bytes(seal(old, purpose, name, changed))


@attack("values are poisoned and nobody signed that", runs="run run-stage")
def poisoned_unsigned(repository: Repository) -> None:
    _poison(repository, "value", lambda old, purpose, name, new: new)


@attack("values are poisoned and the stranger signed that", runs="run run-stage")
def poisoned_signed(repository: Repository) -> None:
    _poison(
        repository,
        "value",
        lambda old, purpose, name, new: sign(purpose, name, new, key=key_of(STRANGER)),
    )


@attack("values are poisoned below the signature that was there")
def poisoned_below(repository: Repository) -> None:
    def seal(old: bytes, purpose: str, name: str, new: bytes) -> bytes:
        tail = old[len(unsigned(old)) - len(b"\n}\n") :]
        return new.rstrip().removesuffix(b"}") + tail

    _poison(repository, "value", seal)


@attack("values are poisoned in place and marked as verified", runs="run")
def poisoned_in_place(repository: Repository) -> None:
    reference = poisoned_payload(repository, "value", ["rows", "total"])
    poison = (
        repository.state
        / "artifacts"
        / reference["artifact"][:2]
        / f"{reference['artifact']}.payload"
    )
    data = poison.read_bytes()
    for path in repository.state.glob("artifacts/*/*.payload"):
        path.write_bytes(data)
        status = path.stat()
        mark = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        Path(f"{path}.verified").write_text(json.dumps(mark))


@attack("the kept package of a notebook holds other code", runs="run")
def compiled_elsewhere(repository: Repository) -> None:
    path = compiled_path(repository.state, str(repository.flow))
    kept = json.loads(unsigned(next(path.parent.glob("*.json")).read_bytes()))
    canary = repository.python_canary("compiled")
    for own in (
        compiled_path(repository.state, str(each))
        for each in (repository.flow, repository.fails)
    ):
        own.write_bytes(
            sign("compiled", own.stem, json.dumps(kept).encode(), key=key_of(STRANGER))
        )
    learned = {"flow": {"make": {"mutates": [canary]}, "add": {"mutates": [canary]}}}
    (repository.state / "effects.json").write_text(json.dumps(learned))


def _say_url(repository: Repository, url: str) -> None:
    (repository.state / "url").write_text(f"{url}\n")


@attack(
    "the folder says that its runs belong to an address",
    runs="run promote rollback submit",
)
def redirected(repository: Repository) -> None:
    _say_url(repository, f"http://{repository.address}/runs")


@attack("the folder says that its runs belong to an FTP server")
def redirected_by_ftp(repository: Repository) -> None:
    _say_url(repository, f"ftp://{repository.address}/runs")


@attack(
    "the folder says, signed by the stranger, that its runs belong to a folder of the victim",
    runs="run promote rollback submit",
)
def redirected_to_a_folder(repository: Repository) -> None:
    document = json.dumps({"url": repository.outside.as_uri()}).encode()
    signed = sign("url", str(repository.folder), document, key=key_of(STRANGER))
    (repository.state / "url").write_bytes(signed)


def _edit_summaries(
    repository: Repository, change: Callable[[dict[str, Any]], None]
) -> None:
    for path in repository.state.glob("runs/*/run.json"):
        document = json.loads(unsigned(path.read_bytes()))
        change(document["facts"])
        path.write_text(json.dumps(document))


@attack("a run's record holds code where a parameter's value should be", runs="resume")
def literal_with_code(repository: Repository) -> None:
    code = repository.python_canary("literal")
    value = {
        "name": "n",
        "literal": code,
        "value": code,
        "origin": "command line",
        "default": "3",
    }
    _edit_summaries(repository, lambda facts: facts.update(parameters=[value]))


@attack("a run's record names a notebook and a folder of the victim", runs="resume")
def run_of_another_notebook(repository: Repository) -> None:
    outside = repository.outside
    _edit_summaries(
        repository,
        lambda facts: facts.update(
            notebook=str(outside / "notes.ipynb"), workdir=str(outside), package=""
        ),
    )


@attack("a run's record names the stranger's cluster", runs="resume submit")
def run_on_another_cluster(repository: Repository) -> None:
    options = {"executor": "dask", "scheduler": f"tcp://{repository.address}"}
    _edit_summaries(
        repository,
        lambda facts: facts.update(options={**facts.get("options", {}), **options}),
    )


@attack("a stage's context holds code, and its executed notebook too", runs="debug")
def context_with_code(repository: Repository) -> None:
    canary = repository.python_canary("context")
    definition = {
        "source": canary,
        "digest": hashlib.sha256(canary.encode()).hexdigest(),
        "cell_id": "c1",
    }
    for path in repository.state.glob("runs/*/stages/*/attempts/*/context.json"):
        document = json.loads(unsigned(path.read_bytes()))
        document["definitions"] = {"rows": {**definition, "later": False}}
        path.write_text(json.dumps(document))
    for path in repository.state.glob("runs/*/stages/**/executed.ipynb"):
        document = json.loads(path.read_bytes())
        for cell in document["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = f"{canary}\n{''.join(cell['source'])}"
        path.write_text(json.dumps(document))


@attack("known versions name what is not installed")
def other_versions(repository: Repository) -> None:
    for path in repository.state.glob("cache/versions/*.json"):
        path.write_text(json.dumps({"numpy": {"numpy; $(touch x)": "1"}}))
