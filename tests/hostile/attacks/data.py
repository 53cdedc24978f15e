"""What a stranger puts where contracts, profiles, studies, scorers, notes, bundles and
parameters are read: texts that grow when they are read, numbers without end, names that
lead elsewhere, code in pickles."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.model import to_json
from jupyter_pipe.scoring.bundle import MANIFEST, MODULE, VALUES, Manifest
from jupyter_pipe.scoring.columns import RowsForm
from jupyter_pipe.sweeps.model import Dimension, Study
from jupyter_pipe.trust.keys import key_of
from jupyter_pipe.trust.signatures import sign, unsigned
from tests.hostile.attacks import attack
from tests.hostile.attacks.shown import CONTROLS, PAGE
from tests.hostile.attacks.stores import Poison, replace_references
from tests.hostile.repository import STRANGER, Repository

MANY = "9" * 400
TOLD = "told.jsonl"
# Ten lists of ten lists of ten lists …: a short text for what no memory holds.
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 10)}]\n"
    for depth in range(1, 20)
)


def _write_texts(repository: Repository, text: str) -> None:
    """A contract of `rows`, and a file of parameters."""
    repository.edit(repository.flow, ('"stage:make"', '"stage:make", "contract:rows"'))
    contracts = repository.folder / "flow.contracts"
    contracts.mkdir()
    (contracts / "rows.yaml").write_text(text)
    (repository.folder / "params.yaml").write_text(text)


@attack(
    "contracts and parameters are short texts that stand for what no memory holds",
    runs="contract run",
)
def texts_that_grow(repository: Repository) -> None:
    _write_texts(repository, f"{BOMB}n: *a19\ncolumns: *a19\n")
    inside = "".join(f"  - {line.partition(': ')[2]}\n" for line in BOMB.splitlines())
    (repository.folder / "params.yaml").write_text(f"n:\n{inside}")


@attack("contracts and files of parameters are pipes and devices", runs="contract")
def data_without_end(repository: Repository) -> None:
    _write_texts(repository, "")
    for path in (
        repository.folder / "flow.contracts" / "rows.yaml",
        repository.folder / "params.yaml",
    ):
        path.unlink()
        os.mkfifo(path)
    for name in ("values.env", "rows.csv"):
        (repository.folder / name).unlink(missing_ok=True)
        os.mkfifo(repository.folder / name)


@attack(
    "folders for contracts and packages are links to folders of the victim",
    runs="contract compile",
)
def written_elsewhere(repository: Repository) -> None:
    repository.edit(repository.flow, ('"stage:make"', '"stage:make", "contract:rows"'))
    shutil.rmtree(repository.package / "notebooks")
    for name in ("flow.contracts", "fails_pipeline", "flow_pipeline/notebooks"):
        target = repository.outside / name
        target.mkdir(parents=True)
        (repository.folder / name).symlink_to(target)


@attack(
    "folders for studies, suggestions and files of stages are links to folders of the victim",
    runs="sweep",
)
def kept_elsewhere(repository: Repository) -> None:
    for name in ("studies", "suggested", "files"):
        target = repository.outside / name
        target.mkdir()
        (repository.state / name).symlink_to(target)


def _profiles(repository: Repository, least: int) -> Mapping[str, Any]:
    """Of a frame whose columns are as no kernel writes them; `least` is the smallest of
    their counts."""
    page = PAGE.format(address=repository.address)
    columns = [
        {
            "name": f"{CONTROLS}{page}",
            "type": "text",
            "top": [[f"{CONTROLS}{page}", 10**18]],
            "filled": least,
        },
        {
            "name": "a",
            "type": "float",
            "quantiles": [1e308] * 7,
            "histogram": [10**18] * 3,
            "low": 1e308,
        },
        {
            "name": "b",
            "type": "int",
            "filled": -least,
            "nulls": least,
            "mean": -1e308,
            "high": -1e308,
        },
        {
            "name": "a",
            "type": "datetime",
            "quantiles": [1e300, -1e300] * 12,
            "low": -1e300,
            "high": 1e300,
        },
        {
            "name": "c",
            "type": "float",
            "quantiles": [0.0] * 23,
            "histogram": [0] * 64,
            "filled": 40,
        },
    ]
    profile = {
        "type": f"frame {CONTROLS}{page}",
        "rows": least,
        "looked": 10**18,
        "columns": columns,
    }
    return {
        "rows": profile,
        "total": {**profile, "by": page, "batches": {page: profile}},
    }


@attack("profiles of values are such as no kernel writes", runs="contract")
def profiles_of_nothing(repository: Repository) -> None:
    _write_profiles(repository, least=0)


@attack("profiles of values count below zero", runs="contract")
def profiles_of_less_than_nothing(repository: Repository) -> None:
    _write_profiles(repository, least=-(10**18))


def _write_profiles(repository: Repository, least: int) -> None:
    repository.edit(repository.flow, ('"stage:make"', '"stage:make", "contract:rows"'))
    contracts = repository.folder / "flow.contracts"
    contracts.mkdir()
    (contracts / "rows.yaml").write_text(
        "rows: [1, 5]\ncolumns: {a: {type: float, range: [0, 1], drift: 0.1}}\n"
    )
    for path in repository.state.glob("runs/*/stages/*/result.json"):
        document = {
            **json.loads(unsigned(path.read_bytes())),
            "profiles": _profiles(repository, least),
        }
        path.write_text(json.dumps(document))


def _study(repository: Repository, key: str | None) -> Path:
    """A study of `flow`, of which one trial goes on. Returns its folder."""
    space = (Dimension("n", low=1.0, high=3.0, whole=True),)
    notebook = str(repository.outside / "notes.ipynb")
    track = f"openlineage+{(repository.outside / TOLD).as_uri()}"
    study = Study("total", notebook, "total", "minimize", space, trials=2, track=track)
    folder = repository.state / "studies" / "total"
    folder.mkdir(parents=True)
    document = to_json(study)
    signed = sign("study", "total", document, key=key_of(key)) if key else document
    (folder / "study.json").write_bytes(signed)
    return folder


@attack("a study is the stranger's, and its trials name other folders", runs="sweep")
def study_of_a_stranger(repository: Repository) -> None:
    folder = _study(repository, STRANGER)
    code = repository.python_canary("trial")
    lines = [
        {"number": 0, "values": {"n": code}, "run_id": "../../../outside/taken"},
        {
            "number": -1,
            "values": {"n": 1},
            "run_id": "../../outside",
            "state": "succeeded",
            "value": 1e308,
        },
        {
            "number": 10**18,
            "values": {MANY: MANY},
            "run_id": CONTROLS,
            "reason": CONTROLS,
            "state": "failed",
        },
    ]
    (folder / "trials.jsonl").write_text("\n".join(json.dumps(line) for line in lines))


@attack("a study's trials are a link to a file of the victim", runs="sweep")
def trials_elsewhere(repository: Repository) -> None:
    folder = _study(repository, STRANGER)
    (folder / "trials.jsonl").symlink_to(repository.outside / "private.txt")
    (folder / "report.html").symlink_to(repository.outside / "private.txt")


def _scorer(repository: Repository, key: str | None) -> None:
    """A scorer whose module and values run code."""
    folder = repository.state / "scorers" / "flow"
    folder.mkdir(parents=True)
    module = f"{repository.python_canary('scorer')}\ndef score(rows):\n    return rows\n".encode()
    values = pickle.dumps({"constant": Poison(repository.shell_canary("scorer"))})
    (folder / MODULE).write_bytes(module)
    (folder / VALUES).write_bytes(values)
    digests = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in ((MODULE, module), (VALUES, values))
    }
    manifest = Manifest(
        version=1,
        name="flow",
        notebook="flow.ipynb",
        notebook_digest="",
        run_id="",
        rows="rows",
        score="total",
        python=".".join(map(str, sys.version_info[:2])),
        form=RowsForm("frame", ()),
        targets=(),
        keys=(),
        exact=True,
        proofs=(),
        golden=(),
        predictions=(),
        requirements=(),
        digests=digests,
    )
    signed = (
        sign("scorer", MANIFEST, to_json(manifest), key=key_of(key))
        if key
        else to_json(manifest)
    )
    (folder / MANIFEST).write_bytes(signed)
    (repository.folder / "rows.csv").write_text("a\n1\n")


@attack("a scorer holds code, and the stranger signed it", runs="score")
def scorer_of_a_stranger(repository: Repository) -> None:
    _scorer(repository, STRANGER)


@attack("a scorer holds code, and nobody signed it", runs="score")
def scorer_of_nobody(repository: Repository) -> None:
    _scorer(repository, None)


@attack("a bundle's references lead to files of the victim", runs="run-stage")
def bundle_that_leads_elsewhere(repository: Repository) -> None:
    bundle = repository.folder / "bundle"
    source = repository.state / "runs" / "shared" / "stages" / "make"
    stage = bundle / "stages" / "make"
    shutil.copytree(source, stage)
    code = hashlib.sha256(
        (repository.package / "notebooks" / "make.ipynb").read_bytes()
    ).hexdigest()
    (bundle / "bundle.json").write_text(
        json.dumps({"stage": "make", "run_id": "shared", "code": code})
    )
    up = "../" * 4
    result = json.loads(unsigned((stage / "result.json").read_bytes()))
    leading = replace_references(
        result, {"artifact": f"{up}outside/taken", "bytes": 14}
    )
    (stage / "result.json").write_text(json.dumps(leading))
    private = f"{up}outside/private.txt"
    changes = {"../../outside/taken.txt": private, "x": private}
    (stage / "files.json").write_text(json.dumps({"files": changes}))
    # What the names lead to from within the bundle lies where they lead from within the
    # store.
    for name, kept in (("files", private), ("artifacts", f"{up}outside/taken.payload")):
        (bundle / name).mkdir()
        target = Path(os.path.normpath(bundle / name / ".." / kept))
        target.parent.mkdir(parents=True, exist_ok=True)


@attack("notes of runs hold controls and pages, or are pipes and links")
def notes_of_runs(repository: Repository) -> None:
    page = PAGE.format(address=repository.address)
    runs = sorted(repository.state.glob("runs/*"))
    notes = [
        json.dumps(
            {
                "name": f"{CONTROLS}{page}" * 50,
                "note": CONTROLS * 10_000,
                "pinned": True,
            }
        )
    ]
    notes += ["[" * 100_000, json.dumps({"pinned": MANY, "name": int(MANY)})]
    for run, text in zip(runs, notes * len(runs), strict=False):
        (run / "note.json").write_text(text)
    (runs[0] / "note.json").unlink()
    os.mkfifo(runs[0] / "note.json")


@attack("reports of runs are pages of the stranger")
def reports_of_a_stranger(repository: Repository) -> None:
    for run in repository.state.glob("runs/*"):
        (run / "report.html").write_text(PAGE.format(address=repository.address))


@attack(
    "notebooks of a package's stages are missing, pipes or something else",
    runs="run run-stage compile",
)
def stages_without_notebooks(repository: Repository) -> None:
    notebooks = repository.package / "notebooks"
    (notebooks / "make.ipynb").unlink()
    os.mkfifo(notebooks / "make.ipynb")
    (notebooks / "add.ipynb").write_text("[" * 50_000)
