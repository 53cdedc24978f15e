"""Bundles: a folder with a scorer and all that it needs, signed by whoever proved it.

    scorer.py       the module, to be read
    values.pickle   its captured values
    bundle.json     form of the rows, proofs, golden rows with their predictions, digests of the other files

Loading a bundle runs its code, so one that no key of this user has signed is refused
(`trust`). Raises PipeError.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from msgspec import Struct

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.profiling import profile_value
from jupyter_pipe.compiler.codegen.requirements import requirement_lines
from jupyter_pipe.contracts import Contract, Profile
from jupyter_pipe.errors import PipeError, UntrustedError
from jupyter_pipe.model import from_json, to_json
from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.columns import RowsForm, to_records
from jupyter_pipe.scoring.proving.proofs import Proof, take
from jupyter_pipe.scoring.scorer import Scorer, plain_predictions
from jupyter_pipe.trust.records import (
    UNREADABLE,
    UnsignedError,
    read_record,
    read_regular_file,
)
from jupyter_pipe.trust.signatures import sign

__all__ = [
    "Bundle",
    "Manifest",
    "load_bundle",
    "make_manifest",
    "read_manifest",
    "require_no_secret",
    "write_bundle",
]

MANIFEST = "bundle.json"
MODULE = "scorer.py"
VALUES = "values.pickle"
_PURPOSE = "scorer"
# Scored at each start of a service, so there are few.
_GOLDEN_ROWS = 50
_DOUBT = "Make it anew from the notebook: jupyter pipe verify NOTEBOOK --score"


class Manifest(Struct, frozen=True):
    """`bundle.json`. `notebook` is the name of its file, `score` and `rows` are names
    in it; `run_id` is the run whose values are captured. `python` is the version that
    can load the values; `golden` are rows with the predictions that they must get.
    `profile` and `predicted` tell what the raw rows and predictions of that run looked
    like, `contract` what the rows must look like, if the notebook has a contract for
    them."""

    version: int
    name: str
    notebook: str
    notebook_digest: str
    run_id: str
    rows: str
    score: str
    python: str
    form: RowsForm
    targets: tuple[str, ...]
    keys: tuple[str, ...]
    exact: bool
    proofs: tuple[Proof, ...]
    golden: tuple[dict[str, Any], ...]
    predictions: tuple[Any, ...]
    requirements: tuple[str, ...]
    digests: dict[str, str]
    profile: Profile | None = None
    predicted: Profile | None = None
    contract: Contract | None = None


class Bundle(Struct, frozen=True):
    """A bundle that was loaded: what it says of itself, and the scorer."""

    manifest: Manifest
    scorer: Scorer


def make_manifest(
    built: Built,
    *,
    name: str,
    rows: str,
    score: str,
    digest: str,
    run_id: str,
    contract: Contract | None = None,
) -> Manifest:
    """What a bundle of this scorer says of itself."""
    trace, subject = built.recording.trace, built.subject
    places = range(min(_GOLDEN_ROWS, len(subject.positions)))
    golden = take(subject.rows, subject.positions[list(places)])
    modules = {
        type(constant.value).__module__
        for constant in built.recording.module.constants.values()
    }
    modules |= {*trace.imports.values(), type(subject.rows).__module__}
    # `sklearn.ensemble` is installed as what has the module `sklearn`.
    top = {module.partition(".")[0] for module in modules} - {"builtins", "__main__"}
    return Manifest(
        version=1,
        name=name,
        notebook=built.recording.module.notebook,
        notebook_digest=digest,
        run_id=run_id,
        rows=rows,
        score=score,
        python=_python(),
        form=built.scorer.form,
        targets=tuple(sorted(trace.targets)),
        keys=tuple(each for each in subject.absent if each not in trace.targets),
        exact=subject.exact,
        proofs=built.proofs,
        golden=tuple(to_records(golden, built.scorer.form)),
        predictions=tuple(plain_predictions(take(subject.score, places))),
        requirements=tuple(requirement_lines(top, Path(sys.executable), Path())),
        digests={
            MODULE: _digest(built.scorer.source.encode()),
            VALUES: _digest(built.values),
        },
        profile=profile_value(subject.rows),
        predicted=profile_value(subject.score),
        contract=contract,
    )


def require_no_secret(built: Built, manifest: Manifest, masker: Masker) -> None:
    """Raises PipeError for a scorer that holds a secret: bundles are registered, packed
    and sent away."""
    parts = {
        "its module": built.scorer.source.encode(),
        "its constants": built.values,
        "its golden rows": to_json(manifest),
    }
    # Without secrets nothing has to be searched.
    for place, data in parts.items() if masker else ():
        for name in masker.names_in_memory(data):
            raise PipeError(
                f"No scorer: {place} would hold the value of the secret {name}.",
                code="score_refused",
                hint="Keep what reads the secret out of the lines between rows: and score:, and out of both.",
            )


def write_bundle(folder: Path, built: Built, manifest: Manifest) -> None:
    """Write and sign a bundle, in place of an earlier one. Raises PipeError if a proof
    has failed."""
    if not all(proof.passed for proof in manifest.proofs):
        raise PipeError(
            "A scorer whose proofs do not hold is not kept.", code="scorer_unproved"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    (made / MODULE).write_text(built.scorer.source, encoding="utf-8")
    (made / VALUES).write_bytes(built.values)
    (made / MANIFEST).write_bytes(sign(_PURPOSE, MANIFEST, to_json(manifest)))
    if folder.exists():
        # A folder cannot be renamed over one that is not empty.
        old = folder.with_name(f".{folder.name}-old-{os.getpid()}")
        os.replace(folder, old)
        os.replace(made, folder)
        shutil.rmtree(old)
    else:
        os.replace(made, folder)


def read_manifest(folder: Path, *, trust: bool = False) -> Manifest:
    """What a bundle says of itself, without loading it. Raises UntrustedError and
    PipeError."""
    try:
        return from_json(
            read_record(folder / MANIFEST, _PURPOSE, MANIFEST, trust=trust), Manifest
        )
    except UnsignedError:
        raise UntrustedError(
            f"The bundle '{folder}' was not signed by you: loading it would run somebody else's code.",
            code="scorer_untrusted",
            hint="If you trust whoever made it, pass --trust; or make it anew from its notebook.",
        ) from None
    except FileNotFoundError:
        raise PipeError(
            f"'{folder}' holds no scorer.", code="scorer_missing", hint=_DOUBT
        ) from None
    except UNREADABLE as error:
        raise PipeError(
            f"The bundle '{folder}' is damaged: {error}.",
            code="scorer_missing",
            hint=_DOUBT,
        ) from None


def load_bundle(folder: Path, *, trust: bool = False) -> Bundle:
    """The scorer in a folder. Runs its code. Raises UntrustedError and PipeError."""
    manifest = read_manifest(folder, trust=trust)
    # Pickled functions hold bytecode, which changes with each minor version.
    if manifest.python != _python():
        raise PipeError(
            f"The bundle '{folder}' was made by Python {manifest.python}, this is Python {_python()}.",
            code="scorer_missing",
            hint=_DOUBT,
        )
    contents = {
        name: _read(folder / name, digest) for name, digest in manifest.digests.items()
    }
    values = pickle.loads(contents[VALUES])
    return Bundle(manifest, Scorer(contents[MODULE].decode(), values, manifest.form))


def _read(path: Path, digest: str) -> bytes:
    try:
        data = read_regular_file(path, follow=False)
    except OSError as error:
        raise PipeError(
            f"'{path}' cannot be read: {error}.", code="scorer_missing", hint=_DOUBT
        ) from None
    if _digest(data) != digest:
        raise UntrustedError(
            f"'{path}' is not what was signed: somebody has altered it.",
            code="scorer_untrusted",
            hint=_DOUBT,
        )
    return data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"
