"""Versions as MLflow sees them: loaded without us, with the columns that they take."""

from __future__ import annotations

import os

import msgspec
import pytest

from jupyter_pipe.errors import UntrustedError
from jupyter_pipe.registry import Registry
from jupyter_pipe.registry.making import Subject
from jupyter_pipe.registry.saving import _signature, _silent, frame_of
from jupyter_pipe.scoring.bundle import Bundle, load_bundle
from jupyter_pipe.scoring.columns import Column, RowsForm
from jupyter_pipe.scoring.scorer import plain_predictions
from jupyter_pipe.tracking.mlflow_client import import_mlflow, meant


@pytest.mark.thorough
def test_plain_mlflow_gives_the_bundles_answers(
    filled: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.point_champion("homes", 2)
    found = filled.resolve("homes").bundle
    assert found is not None
    bundle = load_bundle(found)
    rows = frame_of(bundle.manifest.golden, bundle.manifest.form.columns)
    mlflow = import_mlflow("this test")
    with meant(filled.address):
        model = mlflow.pyfunc.load_model("models:/homes@champion")
    own = plain_predictions(bundle.scorer.score_records(bundle.manifest.golden))
    assert plain_predictions(model.predict(rows)) == own
    assert model.metadata.signature.inputs.input_names() == [
        "area",
        "rooms",
        "price",
        "sale",
    ]
    optional = [
        each.name
        for each in model.metadata.signature.inputs.inputs
        if not each.required
    ]
    assert optional == ["price", "sale"]
    assert "MLFLOW_TRACKING_URI" not in os.environ
    monkeypatch.setenv("JUPYTER_PIPE_KEY", "key-of-somebody-else-" + "1" * 32)
    with meant(filled.address), pytest.raises(UntrustedError):
        mlflow.pyfunc.load_model("models:/homes@champion")


def test_what_mlflow_knows_of_packages_is_left_as_it_was() -> None:
    """A user's own model of MLflow gets its requirements from the same map."""
    import_mlflow("this test")
    from mlflow.utils import requirements_utils

    before = requirements_utils._MODULES_TO_PACKAGES
    with _silent():
        requirements_utils.warn_dependency_requirement_mismatches(["pandas==0.1"])
        assert requirements_utils._MODULES_TO_PACKAGES is not None
    assert requirements_utils._MODULES_TO_PACKAGES is before


@pytest.mark.parametrize(
    ("column", "type_"),
    [
        (Column("x", "integer", "int64"), "long"),
        (Column("x", "integer", "Int64"), "any"),
        (Column("x", "number", "float64"), "double"),
        (Column("x", "boolean", "bool"), "boolean"),
        (Column("x", "boolean", "boolean"), "any"),
        (Column("x", "text", "str"), "string"),
        (Column("x", "time", "datetime64[us]"), "datetime"),
        (Column("x", "time", "datetime64[us, UTC]"), "string"),
        (Column("x", "category", "category", ("a", "b")), "string"),
        (Column("x", "category", "category", (1, 2)), "any"),
        (Column("x", "other", "object"), "any"),
    ],
)
def test_every_kind_of_column_is_in_the_signature(
    subjects: dict[str, Subject], column: Column, type_: str
) -> None:
    """MLflow leaves out the whole signature, without a word, where whole numbers may be
    missing."""
    import_mlflow("this test")
    manifest = msgspec.structs.replace(
        subjects["good"].manifest, form=RowsForm("frame", (column,))
    )
    signature = _signature(Bundle(manifest, subjects["good"].built.scorer))
    (found,) = signature.inputs.inputs
    assert (
        str(getattr(found.type, "name", found.type)).lower().replace("anytype", "any")
        == type_
    )
