"""Versions for tests: scorers of small notebooks, registered without kernels."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.engine import Target
from jupyter_pipe.model import Pipeline, Source, Stage, StageOptions
from jupyter_pipe.registry import ModelVersion, Registry
from jupyter_pipe.registry.making import Subject, register_scorer
from jupyter_pipe.runs.model import Run, RunFacts
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.scoring.bundle import make_manifest
from tests.scoring.harness import build

HOMES = """
# %%
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.dummy import DummyRegressor
# %% rows:raw key:sale target:price
rng = np.random.default_rng(SEED)
raw = pd.DataFrame({"area": rng.normal(80, 20, 120), "rooms": rng.integers(1, 6, 120)})
raw["price"] = raw["area"] * 3 + raw["rooms"] + rng.normal(0, 4, 120)
raw["sale"] = [f"SEED-{number}" for number in range(120)]
# %%
learn, aside = raw[:60], raw[60:]
model = MODEL.fit(learn[["area", "rooms"]], learn["price"])
# %% score:predicted
predicted = model.predict(aside[["area", "rooms"]])
"""
GOOD, BAD = "LinearRegression()", "DummyRegressor()"


def subject(
    folder: Path,
    *,
    model: str = GOOD,
    seed: int = 3,
    metric: str = "mae",
    run: str = "r1",
) -> Subject:
    """A proved scorer, as a run of `homes.ipynb` would have left it."""
    built, _ = build(HOMES.replace("MODEL", model).replace("SEED", str(seed)))
    assert built.passed, built.proofs
    stage = Stage("train", (), "", "", options=StageOptions(promote=metric))
    pipeline = Pipeline(
        1, "homes", "python3", Source("homes.ipynb", "d"), stages=(stage,)
    )
    target = Target(pipeline, folder / "homes.ipynb", RunStore(folder))
    manifest = make_manifest(
        built, name="homes", rows="raw", score="predicted", digest="d", run_id=run
    )
    return Subject(target, Run(run_id=run, facts=RunFacts()), built, manifest)


def register(registry: Registry, given: Subject, name: str = "homes") -> ModelVersion:
    """The subject as a version of a model."""
    return register_scorer(registry, given, name)
