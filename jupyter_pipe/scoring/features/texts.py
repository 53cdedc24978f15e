"""The texts of `export features`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_pipe.compiler.codegen.source import in_docstring
from jupyter_pipe.scoring.bundle import Manifest
from jupyter_pipe.scoring.features.cutting import FeaturePart

__all__ = ["feast_text", "module_text", "text_of_the_test"]

# Only in modules whose values cannot be written out.
_VALUES = """
import pathlib
import pickle

_values = pickle.loads(pathlib.Path(__file__).with_name("values.pickle").read_bytes())
"""
_TEST = '''\
"""The features of {notebook} are still what its model was asked with, for golden rows of run {run_id}."""

import json
from pathlib import Path

import pandas as pd
import pytest

from {module} import features

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))


def rows(numbers):
    """Golden rows as a frame, with the types of the notebook."""
    frame = pd.DataFrame([GOLDEN["rows"][number] for number in numbers])
    return frame.astype({{name: kind for name, kind in {dtypes!r}.items() if name in frame}})


def plain(values):
    """A list for each row, with None for what is missing."""
    frame = pd.DataFrame(values.toarray() if hasattr(values, "toarray") else values)
    return [[None if pd.isna(value) else value for value in row] for row in frame.values.tolist()]


def is_same(found, expected):
    numbers = isinstance(found, (int, float)) and isinstance(expected, (int, float))
    return found == pytest.approx(expected, rel=1e-9) if numbers else found == expected


def test_golden_rows_have_their_features():
    found = plain(features(rows(range(len(GOLDEN["rows"])))))
    assert len(found) == len(GOLDEN["features"])
    for number, (row, expected) in enumerate(zip(found, GOLDEN["features"], strict=True)):
        assert all(map(is_same, row, expected)), f"row {{number + 1}}: {{row}} instead of {{expected}}"


@pytest.mark.parametrize("number", range(0, len(GOLDEN["rows"]), 7))
def test_a_row_alone_has_the_features_that_it_has_in_a_batch(number):
    (found,) = plain(features(rows([number])))
    assert all(map(is_same, found, GOLDEN["features"][number]))
'''
_FEAST = '''\
"""The features of {notebook} for Feast, computed on demand from raw rows. Adapt where they come from, then:
feast apply"""

import pandas as pd
from feast import Entity, Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Bool, Float64, Int64, String, UnixTimestamp

from {module} import features

{keys}raw = RequestSource(
    name="{name}_rows",
    schema=[
{raw}
    ],
)


@on_demand_feature_view(
    sources=[raw],
    schema=[
{fields}
    ],
)
def {name}_features(inputs: pd.DataFrame) -> pd.DataFrame:
    return features(inputs)
'''
# Kind of a column -> the type in Feast.
_KINDS = {
    "integer": "Int64",
    "number": "Float64",
    "boolean": "Bool",
    "text": "String",
    "time": "UnixTimestamp",
}


def module_text(
    name: str, part: FeaturePart, literals: Mapping[str, str], pickled: Sequence[str]
) -> str:
    """The module. `literals` are values that are written out, `pickled` names of those
    that are loaded."""
    head = f'"""The features of {name}. Compiled from the notebook: change that, and not this."""\n'
    imports = "".join(f"{line}\n" for line in part.imports)
    loading = f"{_VALUES}" if pickled else ""
    values = "".join(f'{each} = _values["{each}"]\n' for each in pickled)
    values += "".join(f"{each} = {text}\n" for each, text in literals.items())
    body = "".join(f"    {line}\n" for line in part.lines)
    about = '    """What the model is asked with, for rows in the form of the notebook\'s."""\n'
    own = "    # The rows of whoever calls stay as they are.\n"
    copied = f"    {part.rows} = {part.rows}.copy()\n"
    parts = [head, imports, loading, values]
    text = "\n".join(each for each in parts if each)
    return f"{text}\n\ndef features({part.rows}):\n{about}{own}{copied}{body}"


def text_of_the_test(manifest: Manifest) -> str:
    """The test, which needs nothing but pandas and pytest."""
    return _TEST.format(
        notebook=in_docstring(manifest.notebook),
        run_id=manifest.run_id,
        module=f"{manifest.name}_features",
        dtypes={
            column.name: column.dtype
            for column in manifest.form.columns
            if column.dtype
        },
    )


def feast_text(manifest: Manifest, dtypes: Mapping[str, str]) -> str:
    """The definitions, with the raw rows as the request and the key columns as
    entities."""
    raw = "\n".join(
        f'        Field(name="{column.name}", dtype={_KINDS.get(column.kind, "String")}),'
        for column in manifest.form.columns
        if column.name not in manifest.targets
    )
    fields = "\n".join(
        f'        Field(name="{name}", dtype={_feast(dtype)}),'
        for name, dtype in dtypes.items()
    )
    keys = "".join(
        f'{key} = Entity(name="{key}", join_keys=["{key}"])\n' for key in manifest.keys
    )
    return _FEAST.format(
        notebook=in_docstring(manifest.notebook),
        name=manifest.name,
        module=f"{manifest.name}_features",
        keys=f"{keys}\n" if keys else "",
        raw=raw,
        fields=fields,
    )


def _feast(dtype: str) -> str:
    name = dtype.lower()
    if name.startswith(("int", "uint")):
        return "Int64"
    if name.startswith("float"):
        return "Float64"
    if name.startswith("bool"):
        return "Bool"
    return "UnixTimestamp" if name.startswith("datetime") else "String"
