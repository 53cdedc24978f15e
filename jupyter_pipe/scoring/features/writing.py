"""The files of `export features`: a module, its test with golden rows, and definitions
for a feature store.

Runs the scorer's code. Raises PipeError, also if the model does not make the notebook's
predictions of these features.
"""

from __future__ import annotations

import copy
import json
import pprint
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cloudpickle

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.bundle import Bundle, Manifest
from jupyter_pipe.scoring.columns import rows_from_records
from jupyter_pipe.scoring.features.cutting import FeaturePart, cut_features
from jupyter_pipe.scoring.features.texts import (
    feast_text,
    module_text,
    text_of_the_test,
)
from jupyter_pipe.scoring.proving.comparison import first_difference
from jupyter_pipe.scoring.scorer import Scorer, plain_predictions

__all__ = ["write_features"]

_PLAIN = (bool, int, float, str, type(None))
# Columns of the generated module.
_LITERAL_WIDTH = 100
_VALUES = "values.pickle"


def write_features(bundle: Bundle, folder: Path) -> tuple[str, ...]:
    """Write the files into a folder that is new or empty; returns their names."""
    if folder.exists() and any(folder.iterdir()):
        raise PipeError(
            f"'{folder}' is not empty.",
            code="features_exist",
            hint="Remove it, or name another one: -o DIR",
        )
    manifest, values = bundle.manifest, bundle.scorer.values
    if manifest.form.form != "frame":
        raise PipeError(
            f"The raw rows of {manifest.name} are no frame of pandas ({manifest.form.form}).",
            code="features_none",
            hint="Make them one in the cell that is tagged rows:.",
        )
    part = cut_features(bundle.scorer.source, values)
    literals = {
        name: text
        for name in part.constants
        if (text := _literal(values[name])) is not None
    }
    pickled = {name: values[name] for name in part.constants if name not in literals}
    module = module_text(manifest.name, part, literals, tuple(pickled))
    features = _run(module, pickled, manifest)
    _require_same(bundle, part, features)
    columns, dtypes, rows = _table(features)
    golden = {"rows": manifest.golden, "columns": columns, "features": rows}
    files = {
        f"{manifest.name}_features.py": module.encode(),
        f"test_{manifest.name}_features.py": text_of_the_test(manifest).encode(),
        "golden.json": json.dumps(golden, indent=1, allow_nan=False).encode() + b"\n",
        "feature_store.py": feast_text(
            manifest, dict(zip(columns, dtypes, strict=True))
        ).encode(),
    }
    if pickled:
        files[_VALUES] = cloudpickle.dumps(pickled)
    for name, content in files.items():
        replace_file(folder / name, content)
    return tuple(files)


def _literal(value: Any) -> str | None:
    """Python's text of a value that can be read in a module; None for all others."""
    value = (
        value.item()
        if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
        else value
    )
    if not _is_plain(value):
        return None
    text = pprint.pformat(value, width=_LITERAL_WIDTH)
    return (
        # Longer ones, such as a list of a thousand words, would hide the code.
        text if len(text) < 2_000 and "nan" not in text and "inf" not in text else None
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple)):
        return all(_is_plain(each) for each in value)
    return type(value) in _PLAIN


def _run(module: str, pickled: Mapping[str, Any], manifest: Manifest) -> Any:
    """The features of the golden rows, by the very text that is written."""
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-features-") as folder:
        path = Path(folder) / "features.py"
        path.with_name(_VALUES).write_bytes(cloudpickle.dumps(dict(pickled)))
        names: dict[str, Any] = {"__name__": "features", "__file__": str(path)}
        exec(compile(module, "<features>", "exec"), names)  # noqa: S102 - the signed scorer's own lines
        return names["features"](rows_from_records(manifest.golden, manifest.form))


class _Spy:
    """Stands in for a model, and keeps what it is asked with."""

    def __init__(self, model: Any, method: str) -> None:
        self._model = model
        self._method = method
        self.asked: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if name != self._method:
            return found

        def ask(rows: Any, *more: Any, **options: Any) -> Any:
            # Copied, since the scorer may change the rows later.
            self.asked.append(copy.copy(rows))
            return found(rows, *more, **options)

        return ask


def _require_same(bundle: Bundle, part: FeaturePart, features: Any) -> None:
    """These are what the proved scorer asks its model with, and its answers are the
    notebook's."""
    manifest, scorer = bundle.manifest, bundle.scorer
    spy = _Spy(scorer.values[part.model], part.method)
    watched = Scorer(scorer.source, {**scorer.values, part.model: spy}, manifest.form)
    predicted = plain_predictions(watched.score_records(manifest.golden))
    difference = first_difference(predicted, list(manifest.predictions), manifest.exact)
    if difference is None and _table(spy.asked[0]) != _table(features):
        difference = "the model is asked with other values"
    if difference is not None:
        raise PipeError(
            f"The features are not those of the scorer: {difference}.",
            code="features_none",
        )


def _table(features: Any) -> tuple[list[str], list[str], list[list[Any]]]:
    """Columns, their types, and rows with plain values; gaps are None."""
    if hasattr(features, "columns"):
        names = [str(name) for name in features.columns]
        values = [features[name].to_list() for name in features.columns]
        dtypes = [str(features[name].dtype) for name in features.columns]
    else:
        array = _dense(features)
        names = [f"feature_{number}" for number in range(array.shape[1])]
        values = [array[:, number].tolist() for number in range(array.shape[1])]
        dtypes = [str(array.dtype)] * len(names)
    return (
        names,
        dtypes,
        [[_plain(value) for value in row] for row in zip(*values, strict=True)],
    )


def _dense(features: Any) -> Any:
    import numpy

    array = (
        features.toarray() if hasattr(features, "toarray") else numpy.asarray(features)
    )
    return array.reshape(len(array), -1)


def _plain(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - NaN, NaT
        return None
    return (
        value
        if isinstance(value, _PLAIN)
        else value.item()
        if hasattr(value, "item")
        else str(value)
    )
