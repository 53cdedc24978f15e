"""The features of a scorer as a module: plain, proved, and refused where there is
none."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.bundle import (
    Bundle,
    Manifest,
    load_bundle,
    make_manifest,
    write_bundle,
)
from jupyter_pipe.scoring.features.cutting import cut_features
from jupyter_pipe.scoring.features.writing import write_features
from tests.scoring.harness import build

NOTEBOOK = """
# %%
import re
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestRegressor
# %% rows:raw key:name target:price
rng = np.random.default_rng(3)
raw = pd.DataFrame({"area": rng.normal(80, 20, 60), "rooms": rng.integers(1, 6, 60)})
raw["name"] = [f"H{n}" for n in range(60)]
raw["district"] = [["North", "South"][n % 2] for n in range(60)]
raw["price"] = raw["area"] * 3 + raw["rooms"]
raw.loc[::7, "area"] = np.nan
# %%
SCALE = 2.5
def code(text):
    return {"North": 0, "South": 1}[text]

homes = raw[raw["price"] > 10].reset_index(drop=True)
homes["area"] = homes["area"].fillna(homes["area"].median())
homes["size"] = homes["area"] * SCALE
homes["place"] = homes["district"].map(code)
typical = homes.groupby("district")["area"].mean()
homes["typical"] = homes["district"].map(typical)
# %%
columns = ["size", "rooms", "place", "typical"]
model = RandomForestRegressor(5, random_state=0).fit(homes[columns], homes["price"])
# %% score:predicted
predicted = model.predict(homes[columns]) * 1.02
"""


def bundle_of(text: str, folder: Path) -> Bundle:
    built: Built = build(text)[0]
    assert built.passed, built.proofs
    about: dict[str, Any] = {
        "name": "homes",
        "rows": "raw",
        "score": "predicted",
        "digest": "d",
        "run_id": "r",
    }
    manifest: Manifest = make_manifest(built, **about)
    write_bundle(folder / "bundle", built, manifest)
    return load_bundle(folder / "bundle")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle_of(NOTEBOOK, tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def written(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "homes_features"
    write_features(bundle, folder)
    return folder


def load(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location(
        "homes_features", folder / "homes_features.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_features_are_what_the_model_is_asked_with(
    bundle: Bundle, written: Path
) -> None:
    rows = pd.DataFrame(
        {
            "area": [70.0, None],
            "rooms": [3, 1],
            "name": ["a", "b"],
            "district": ["South", "North"],
        }
    )
    before = rows.copy()
    found = load(written).features(rows)
    assert list(found.columns) == ["size", "rooms", "place", "typical"]
    pd.testing.assert_frame_equal(rows, before)
    model = bundle.scorer.values["model"]
    expected = bundle.scorer.score_frame(rows)
    assert list(model.predict(found) * 1.02) == list(expected)


def test_the_module_is_plain(written: Path) -> None:
    text = (written / "homes_features.py").read_text()
    imported = {
        name.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert "jupyter_pipe" not in text
    assert imported <= {"pandas", "numpy", "pathlib", "pickle"}
    assert "predict" not in text
    assert "SCALE = 2.5" in text or "* 2.5" in text
    assert "# cell 3, line" in text


@pytest.mark.processes
def test_its_own_test_passes_and_fails_when_it_is_altered(written: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "test_homes_features.py",
    ]
    done = subprocess.run(
        command, cwd=written, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    module = written / "homes_features.py"
    text = module.read_text()
    module.write_text(text.replace("2.5", "2.6"))
    try:
        done = subprocess.run(
            command, cwd=written, capture_output=True, text=True, check=False
        )
    finally:
        module.write_text(text)
    assert done.returncode == 1
    assert "instead of" in done.stdout


def test_definitions_for_a_feature_store(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feast stands in as a module that keeps what it is told."""
    made: dict[str, Any] = {}

    def view(**about: Any) -> Any:
        def keep(function: Any) -> Any:
            made[function.__name__] = (about, function)
            return function

        return keep

    feast = types.ModuleType("feast")
    kinds = types.ModuleType("feast.types")
    for name in ("Bool", "Float64", "Int64", "String", "UnixTimestamp"):
        setattr(kinds, name, name)
    for name in ("Entity", "Field", "RequestSource"):
        setattr(feast, name, lambda **about: about)
    on_demand = types.ModuleType("feast.on_demand_feature_view")
    on_demand.on_demand_feature_view = view  # type: ignore[attr-defined]
    for module in (feast, kinds, on_demand):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.syspath_prepend(str(written))
    names: dict[str, Any] = {}
    exec((written / "feature_store.py").read_text(), names)
    about, function = made["homes_features"]
    raw = {each["name"]: each["dtype"] for each in about["sources"][0]["schema"]}
    assert raw == {
        "area": "Float64",
        "rooms": "Int64",
        "name": "String",
        "district": "String",
    }
    assert [each["name"] for each in about["schema"]] == [
        "size",
        "rooms",
        "place",
        "typical",
    ]
    assert names["name"] == {"name": "name", "join_keys": ["name"]}
    rows = pd.DataFrame(
        {"area": [70.0], "rooms": [3], "name": ["a"], "district": ["South"]}
    )
    assert len(function(rows)) == 1


def test_what_is_there_is_kept(bundle: Bundle, written: Path) -> None:
    with pytest.raises(PipeError, match="not empty"):
        write_features(bundle, written)


SCORERS = {
    "no model": ("def score(raw):\n    v = raw['a']\n    return v", "asks no model"),
    "two models": (
        "def score(raw):\n    a, b = raw[['x']], raw[['y']]\n    return model.predict(a) + other.predict(b)",
        "different features: a, b",
    ),
}


@pytest.mark.parametrize("name", SCORERS)
def test_where_nothing_can_be_divided_it_says_so(bundle: Bundle, name: str) -> None:
    source, message = SCORERS[name]
    model = bundle.scorer.values["model"]
    with pytest.raises(PipeError, match=message):
        cut_features(source, {"model": model, "other": model})


def test_lines_that_change_a_table_in_place_belong_to_it(bundle: Bundle) -> None:
    source = (
        "import re\nimport pandas as pd\n\ndef score(raw):\n    a = raw.copy()\n    b = a[['x']]\n"
        "    b['x'] = b['x'] * k\n    c = a['z']\n    p = model.predict(b)\n    return p + c"
    )
    part = cut_features(source, {"model": bundle.scorer.values["model"], "k": 3})
    assert part.lines == (
        "a = raw.copy()",
        "b = a[['x']]",
        "b['x'] = b['x'] * k",
        "return b",
    )
    assert (part.imports, part.constants, part.model) == ((), ("k",), "model")
