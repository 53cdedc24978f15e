"""Writes a bundle as a model of MLflow: a folder that `mlflow.pyfunc.load_model` and
MLflow's servers take.

The model is code around the bundle, not a pickle: `model.py` loads it as everybody
does, so signatures are asked for there, too. Raises RegistryError if what was written
does not say what rows it takes, or answers otherwise than the bundle.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe import __version__
from jupyter_pipe.errors import RegistryError
from jupyter_pipe.registry.mlflow_names import BUNDLE
from jupyter_pipe.scoring.bundle import Bundle, load_bundle
from jupyter_pipe.scoring.columns import Column
from jupyter_pipe.scoring.proving.comparison import first_difference
from jupyter_pipe.scoring.scorer import plain_predictions
from jupyter_pipe.tracking.mlflow_client import import_mlflow

__all__ = ["save_model"]

MODEL_CODE = """\
\"\"\"The model of a bundle of jupyter_pipe, for MLflow: `artifacts/bundle` holds the scorer.\"\"\"

from mlflow.models import set_model

from jupyter_pipe.registry.pyfunc import BundleModel

set_model(BundleModel())
"""
PACKAGED_CODE = MODEL_CODE.replace(
    "set_model(BundleModel())",
    "# The bundle was checked when it was packaged: who loads this trusts it. Its digests are checked.\n"
    "set_model(BundleModel(trust=True))",
)
_EXAMPLE_ROWS = 5


def save_model(
    bundle_folder: Path,
    target: Path,
    *,
    beside: Mapping[str, Path] | None = None,
    packaged: bool = False,
    trust: bool = False,
) -> Bundle:
    """Write the bundle in a folder as a model into `target`, which must not be there
    yet.

    `beside` are further files that travel with it (name -> path). A `packaged` model
    loads where nobody has a key. The bundle is loaded, so it must be signed by somebody
    whom this user trusts, unless `trust`. Returns it.
    """
    mlflow = import_mlflow("Writing models of MLflow")
    bundle = load_bundle(bundle_folder, trust=trust)
    files = {
        "bundle": str(bundle_folder),
        **{name: str(path) for name, path in (beside or {}).items()},
    }
    with tempfile.TemporaryDirectory() as scratch, _silent():
        code = Path(scratch) / "model.py"
        code.write_text(PACKAGED_CODE if packaged else MODEL_CODE, encoding="utf-8")
        mlflow.pyfunc.save_model(
            str(target),
            python_model=str(code),
            artifacts=files,
            signature=_signature(bundle),
            input_example=_example(bundle),
            pip_requirements=[
                *bundle.manifest.requirements,
                # This version alone surely reads the bundle that it wrote.
                f"jupyter_pipe[ml]=={__version__}",
            ],
        )
    _prove(mlflow, bundle, target)
    return bundle


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What MLflow and its libraries say to whoever calls them is not for the user."""
    with (
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
        _unmapped(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _unmapped() -> Iterator[None]:
    """Within, MLflow does not read the list of files of everything that is installed,
    an eighth of what registering costs. It would, to warn of versions that are not
    those of the requirements: they are this environment's own."""
    from mlflow.utils import requirements_utils

    before = requirements_utils._MODULES_TO_PACKAGES
    requirements_utils._MODULES_TO_PACKAGES = before or {}
    try:
        yield
    finally:
        requirements_utils._MODULES_TO_PACKAGES = before


def _signature(bundle: Bundle) -> Any:
    """What rows the model takes, column by column, and the type of a prediction."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    form = bundle.manifest.form
    inputs = [
        ColSpec(_type(column), column.name, required=not column.optional)
        for column in form.columns
    ]
    kinds = {type(value) for value in bundle.manifest.predictions}
    return ModelSignature(
        inputs=Schema(inputs), outputs=Schema([ColSpec(_type_of_answers(kinds))])
    )


def _type(column: Column) -> Any:
    """MLflow takes no gap in a `long`, and no whole number in a `double`: whole numbers
    that may be missing, for which it would leave the signature out without a word, are
    of any type."""
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType

    if column.kind == "integer":
        return AnyType() if column.dtype[:1].isupper() else DataType.long
    if column.kind == "time":
        # `datetime64[ns, UTC]` has a zone, of which MLflow's type knows nothing.
        return DataType.datetime if "," not in column.dtype else DataType.string
    if column.kind == "category" and not all(
        isinstance(each, str) for each in column.categories
    ):
        return AnyType()
    types = {
        "number": DataType.double,
        "boolean": DataType.boolean,
        "text": DataType.string,
    }
    is_nullable = column.kind == "boolean" and column.dtype == "boolean"
    return (
        AnyType()
        if is_nullable
        else {**types, "category": DataType.string}.get(column.kind, AnyType())
    )


def _type_of_answers(kinds: set[type]) -> Any:
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, Array

    # Of a notebook that predicts several numbers for a row.
    if kinds == {list}:
        return Array(DataType.double)
    known = {
        float: DataType.double,
        int: DataType.long,
        bool: DataType.boolean,
        str: DataType.string,
    }
    return known.get(next(iter(kinds)), AnyType()) if len(kinds) == 1 else AnyType()


def _example(bundle: Bundle) -> Any:
    return frame_of(
        bundle.manifest.golden[:_EXAMPLE_ROWS], bundle.manifest.form.columns
    )


def frame_of(records: tuple[dict[str, Any], ...], columns: tuple[Column, ...]) -> Any:
    """A frame of records, with times as times."""
    import pandas

    frame = pandas.DataFrame(list(records))
    for column in columns:
        if column.kind == "time" and "," not in column.dtype and column.name in frame:
            frame[column.name] = pandas.to_datetime(frame[column.name])
        if column.kind == "number" and column.name in frame:
            frame[column.name] = frame[column.name].astype(float)
    return frame


def _prove(mlflow: Any, bundle: Bundle, folder: Path) -> None:
    """MLflow leaves a signature out that it cannot make sense of, and says so in its
    log alone."""
    model = mlflow.models.Model.load(str(folder))
    names = [column.name for column in bundle.manifest.form.columns]
    if model.signature is None or model.signature.inputs.input_names() != names:
        raise _unusable(bundle, "MLflow does not keep which columns it takes")
    if not (folder / BUNDLE).is_dir():
        raise _unusable(bundle, f"MLflow has not put the bundle into {BUNDLE}")
    golden = bundle.manifest.golden
    with _silent():
        loaded = mlflow.pyfunc.load_model(str(folder))
        found = plain_predictions(
            loaded.predict(frame_of(golden, bundle.manifest.form.columns))
        )
    wrong = first_difference(
        found, list(bundle.manifest.predictions), bundle.manifest.exact
    )
    if wrong:
        raise _unusable(bundle, f"MLflow answers otherwise than the bundle: {wrong}")


def _unusable(bundle: Bundle, why: str) -> RegistryError:
    return RegistryError(
        f"{bundle.manifest.name} cannot be kept as a model of MLflow: {why}.",
        code="version_unusable",
        hint="Serve the bundle itself: jupyter pipe score BUNDLE FILE",
    )
