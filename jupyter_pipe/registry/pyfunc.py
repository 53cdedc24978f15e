"""The model that MLflow loads: a bundle behind MLflow's interface. Imported by what
`saving` writes alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlflow.pyfunc import PythonModel

from jupyter_pipe.scoring.bundle import load_bundle

__all__ = ["BundleModel"]


class BundleModel(PythonModel):
    """Answers as the bundle does. A bundle that no key of this user has signed is
    refused, unless the model was packaged for where nobody has a key: `trust`."""

    def __init__(self, *, trust: bool = False) -> None:
        self._trust = trust

    def load_context(self, context: Any) -> None:
        """Load the bundle. Raises UntrustedError."""
        self._bundle = load_bundle(Path(context.artifacts["bundle"]), trust=self._trust)

    # Without annotations: MLflow would make a signature of them.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """One prediction a row of the frame."""
        return self._bundle.scorer.score_frame(model_input)
