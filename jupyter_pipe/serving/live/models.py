"""A version that is ready to answer. Loading runs its code; one whose golden rows
differ is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.bundle import Manifest, load_bundle
from jupyter_pipe.scoring.columns import RowsForm
from jupyter_pipe.scoring.proving.comparison import first_difference
from jupyter_pipe.scoring.scorer import Scorer, plain_predictions
from jupyter_pipe.serving.sources import Release, SourceAwayError, bundle_digest

__all__ = ["Model", "RefusedError", "load_model"]


class RefusedError(PipeError):
    """A version that must not go live."""

    status = 409


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded version. `joins` tells whether rows of several requests may be scored at
    once: where every prediction is exact, a proof says that a row alone gets what it
    gets in a batch, bit for bit."""

    release: Release
    manifest: Manifest
    scorer: Scorer

    @property
    def form(self) -> RowsForm:
        """What raw rows are."""
        return self.manifest.form

    @property
    def joins(self) -> bool:
        # A column of unknown kind gets its dtype from the values, and so from whoever
        # sends the others.
        return self.manifest.exact and all(
            column.kind != "other" for column in self.form.columns
        )

    @property
    def identity(self) -> dict[str, str]:
        """What every answer says of the version that made it."""
        release = self.release
        return {
            "name": release.name,
            "version": release.version,
            "digest": release.digest,
        }


def load_model(release: Release, *, trust: bool = False) -> Model:
    """Load a version aside and let it repeat its golden rows. Raises SourceAwayError if
    its folder changes meanwhile, RefusedError, and UntrustedError."""
    bundle = load_bundle(release.folder, trust=trust)
    if bundle_digest(release.folder) != release.digest:
        raise SourceAwayError(f"The bundle '{release.folder}' is being replaced.")
    model = Model(release, bundle.manifest, bundle.scorer)
    _check_golden_rows(model)
    return model


def _check_golden_rows(model: Model) -> None:
    manifest = model.manifest
    # Nothing would show that it still computes what it was proved to compute.
    if not manifest.golden:
        raise _refused(model, "it has no golden rows")
    found: list[Any] = []
    try:
        found = plain_predictions(model.scorer.score_records(manifest.golden))
    except Exception as error:
        raise _refused(
            model, f"its golden rows cannot be scored: {type(error).__name__}: {error}"
        ) from None
    difference = first_difference(found, list(manifest.predictions), manifest.exact)
    if difference is not None:
        raise _refused(model, f"its golden rows get {difference}")


def _refused(model: Model, why: str) -> RefusedError:
    release = model.release
    return RefusedError(
        f"Version {release.version} of {release.name} does not go live: {why}.",
        code="bundle_refused",
        hint="Prove it again on this machine: jupyter pipe verify NOTEBOOK --score",
    )
