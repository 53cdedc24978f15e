"""Bundles for services: versions of one small notebook, and ones that must not go
live."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.contracts import ColumnRule, Contract
from jupyter_pipe.model import to_json
from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.bundle import (
    MANIFEST,
    Manifest,
    make_manifest,
    read_manifest,
    write_bundle,
)
from jupyter_pipe.trust.signatures import sign
from tests.scoring.harness import build

__all__ = ["CONTRACT", "NOTEBOOK", "falsify", "make_deadly", "write_version"]

NOTEBOOK = """
# %%
import numpy as np, pandas as pd
from sklearn.tree import DecisionTreeRegressor
# %% rows:raw key:name
rng = np.random.default_rng(SEED)
raw = pd.DataFrame({"area": rng.normal(80, 20, 60), "rooms": rng.integers(1, 6, 60)})
raw["name"] = [f"H{n}" for n in range(60)]
raw["district"] = [["North", "South"][n % 2] for n in range(60)]
raw["price"] = rng.normal(size=60)
raw.loc[::7, "area"] = np.nan
# %%
def code(text):
    return {"North": 0, "South": 1}[text]

sales = raw[raw["price"] > -1].reset_index(drop=True)
middle = sales["area"].median()
sales["area"] = sales["area"].fillna(middle)
sales["place"] = sales["district"].map(code)
model = DecisionTreeRegressor(random_state=0).fit(sales[["area", "rooms", "place"]], sales["price"])
# %% score:predicted
predicted = model.predict(sales[["area", "rooms", "place"]])
"""
CONTRACT = Contract(
    "raw",
    columns=(
        ColumnRule("area", "float", low=0.0, high=400.0, outside=0.05),
        ColumnRule("rooms", "int", nulls=0.0, low=1.0, high=9.0),
    ),
)


@functools.cache
def built(version: int) -> Built:
    """The scorer of a version, each from other data."""
    made, _ = build(NOTEBOOK.replace("SEED", str(version)))
    assert made.passed, made.proofs
    return made


def write_version(
    folder: Path, version: int, *, contract: Contract | None = CONTRACT
) -> Manifest:
    """Write a version in the place of what the folder holds."""
    about: dict[str, Any] = {
        "name": "homes",
        "rows": "raw",
        "score": "predicted",
        "digest": "d",
    }
    manifest = make_manifest(
        built(version), **about, run_id=f"run-{version}", contract=contract
    )
    write_bundle(folder, built(version), manifest)
    return manifest


def falsify(folder: Path) -> None:
    """Golden rows that the scorer does not repeat, under a signature that is right."""
    manifest = read_manifest(folder)
    false = (manifest.predictions[0] + 1, *manifest.predictions[1:])
    record = to_json(
        msgspec.structs.replace(manifest, predictions=false, run_id="run-false")
    )
    (folder / MANIFEST).write_bytes(sign("scorer", MANIFEST, record))


def make_deadly(
    folder: Path, code: str = "import os\nos.kill(os.getpid(), 11)"
) -> None:
    """A scorer that ends whoever loads it, under a signature that is right."""
    manifest = read_manifest(folder)
    module = f"{code}\n{(folder / 'scorer.py').read_text()}".encode()
    (folder / "scorer.py").write_bytes(module)
    digests = {**manifest.digests, "scorer.py": hashlib.sha256(module).hexdigest()}
    record = to_json(
        msgspec.structs.replace(manifest, digests=digests, run_id="run-deadly")
    )
    (folder / MANIFEST).write_bytes(sign("scorer", MANIFEST, record))
