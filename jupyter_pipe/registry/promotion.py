"""Whether a version may answer: its gates, its proofs, and the comparison with the
champion.

Loads both bundles, which runs their code: each must be signed by somebody whom this
user trusts, and registered under this name. Raises UntrustedError and RegistryError.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from jupyter_pipe.errors import RegistryError, UntrustedError
from jupyter_pipe.registry.comparing import (
    LEAST_ROWS,
    Comparison,
    compare,
    default_metric,
)
from jupyter_pipe.registry.identity import RowIdentity, unpack
from jupyter_pipe.registry.lineage import Lineage, read_lineage
from jupyter_pipe.registry.mlflow_names import EVALUATION, SEEN
from jupyter_pipe.registry.model import CHAMPION, ModelVersion
from jupyter_pipe.registry.registry import Registry
from jupyter_pipe.render.words import amount
from jupyter_pipe.scoring.bundle import Bundle, load_bundle
from jupyter_pipe.scoring.columns import RowsError
from jupyter_pipe.scoring.proving.comparison import first_difference
from jupyter_pipe.scoring.scorer import plain_predictions
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["Verdict", "find_false_proof", "judge", "promote"]

Row = Mapping[str, Any]


class Verdict(Struct, frozen=True):
    """What became of a promotion, and why. `undecided` leaves everything as it was."""

    outcome: Literal["promoted", "rejected", "undecided"]
    reason: str
    comparison: Comparison | None = None
    hint: str = ""


class _Loaded(Struct, frozen=True):
    """A version with its bundle loaded and its origin read."""

    version: ModelVersion
    lineage: Lineage
    bundle: Bundle


def promote(
    registry: Registry,
    name: str,
    which: str | int,
    *,
    rows: Sequence[Row] | None = None,
    metric: str = "",
    force: bool = False,
) -> tuple[Verdict, ModelVersion]:
    """Judge a version, and let it answer if it is good enough.

    `rows` are labelled rows to compare on, by default those that the notebook set
    aside. `metric` takes the place of the one that the notebook names. `force` leaves
    out the comparison, never gates and proofs.
    """
    version = registry.resolve(name, which)
    verdict = judge(registry, version, rows, metric, force=force)
    if verdict.outcome == "promoted":
        return verdict, registry.point_champion(name, version.number, verdict.reason)
    if verdict.outcome == "rejected":
        return verdict, registry.reject(name, version.number, verdict.reason)
    return verdict, version


def judge(
    registry: Registry,
    version: ModelVersion,
    rows: Sequence[Row] | None = None,
    metric: str = "",
    *,
    force: bool = False,
) -> Verdict:
    """Whether a version may answer, as `promote` would say it. Moves nothing."""
    if CHAMPION in version.aliases:
        return Verdict("undecided", f"{version.label} is the champion already.")
    lineage = read_lineage(_folder(version), version.name)
    # Asked first: the record says it, and no code of the bundle has run.
    broken = next((gate for gate, passed in lineage.gates.items() if not passed), None)
    if broken is not None:
        return Verdict("rejected", f"The gate '{broken}' of its run is false.")
    loaded = _Loaded(version, lineage, load_bundle(_folder(version)))
    unproved = find_false_proof(loaded.bundle)
    if unproved:
        return Verdict("rejected", unproved)
    champion = registry.aliases(version.name).get(CHAMPION)
    if champion is None:
        return Verdict("promoted", "Gates and proofs hold; it is the first champion.")
    if force:
        return Verdict(
            "promoted",
            "Gates and proofs hold; it was not compared with the champion (--force).",
        )
    return _against(
        _load(registry.resolve(version.name, champion)), loaded, rows, metric
    )


def find_false_proof(bundle: Bundle) -> str:
    """The proof of a bundle that does not hold, as a sentence; empty if all do. Its
    golden rows are scored anew: they must get what they got when it was made."""
    manifest = bundle.manifest
    failed = next((proof for proof in manifest.proofs if not proof.passed), None)
    if failed is not None:
        return f"A proof does not hold: {failed.name}."
    try:
        found = plain_predictions(bundle.scorer.score_records(manifest.golden))
    # Its code is the notebook's, and may raise anything.
    except Exception as error:
        return f"Its golden rows cannot be scored: {type(error).__name__}: {error}."
    wrong = first_difference(found, list(manifest.predictions), manifest.exact)
    return f"It does not repeat its golden rows: {wrong}." if wrong else ""


def _load(version: ModelVersion) -> _Loaded:
    lineage = read_lineage(_folder(version), version.name)
    return _Loaded(version, lineage, load_bundle(_folder(version)))


def _folder(version: ModelVersion) -> Path:
    if version.bundle is None:  # `resolve` has fetched it
        raise RegistryError(
            f"The files of {version.label} are not here.", code="version_unusable"
        )
    return version.bundle


def _against(
    old: _Loaded, new: _Loaded, rows: Sequence[Row] | None, metric: str
) -> Verdict:
    """The verdict of the comparison, on rows that neither version has learned from."""
    target = _target_of(new.lineage)
    if not target:
        return Verdict(
            "undecided",
            "Nothing says which column holds what came out.",
            hint="Tag the cell of the raw rows target:COLUMN, and register the run again.",
        )
    offered = list(rows) if rows is not None else list(_set_aside(new))
    fresh = _unseen(offered, target, (old, new))
    if len(fresh) < LEAST_ROWS:
        return _too_few(len(offered), len(fresh), new.lineage, given=rows is not None)
    truth = [row[target] for row in fresh]
    try:
        before, now = (
            plain_predictions(each.bundle.scorer.score_records(fresh))
            for each in (old, new)
        )
    except RowsError as error:
        return Verdict(
            "undecided", f"The two cannot be compared: {error.message}", hint=error.hint
        )
    found = compare(
        metric or new.lineage.metric or default_metric(truth), truth, before, now
    )
    return _verdict(found, old, new)


def _target_of(lineage: Lineage) -> str:
    # With several targets nobody said which one the predictions are of.
    return lineage.targets[0] if len(lineage.targets) == 1 else ""


def _set_aside(loaded: _Loaded) -> Iterator[Row]:
    """The labelled rows that travel with a version."""
    data = _beside(loaded, EVALUATION)
    yield from (json.loads(line) for line in data.decode().splitlines())


def _unseen(rows: Sequence[Row], target: str, versions: Sequence[_Loaded]) -> list[Row]:
    """The labelled rows, each once, that none of these versions may have learned
    from."""
    seen = [(_identity(each), unpack(_beside(each, SEEN))) for each in versions]
    own = _identity(versions[-1])
    fresh: dict[bytes, Row] = {}
    for row in rows:
        if row.get(target) is None or any(
            identity.digest(row) in known for identity, known in seen
        ):
            continue
        fresh.setdefault(own.digest(row), row)
    return list(fresh.values())


def _identity(loaded: _Loaded) -> RowIdentity:
    return RowIdentity(loaded.lineage.keys, loaded.lineage.targets)


def _beside(loaded: _Loaded, name: str) -> bytes:
    """A file that travels with a version, if it is what was signed. Raises
    UntrustedError."""
    path = _folder(loaded.version).parent / name
    try:
        data = read_regular_file(path, follow=False)
    except OSError as error:
        raise RegistryError(
            f"'{path}' cannot be read: {error}.", code="version_unusable"
        ) from None
    if hashlib.sha256(data).hexdigest() != loaded.lineage.digests.get(name):
        raise UntrustedError(
            f"'{path}' is not what was signed.", code="scorer_untrusted"
        )
    return data


def _too_few(offered: int, fresh: int, lineage: Lineage, *, given: bool) -> Verdict:
    reason = (
        f"{fresh} labelled rows are there that neither version has learned from, and {LEAST_ROWS} are needed"
        f" ({offered} were looked at)."
    )
    if given:
        hint = "Give newer rows with their outcome: --on FILE"
    elif lineage.metric:
        hint = "Give labelled rows that are newer than both: --on FILE. Or leave the comparison out: --force"
    else:
        hint = (
            "If the notebook sets aside the rows that it scores, say so with the tag promote:METRIC on that "
            "stage; or give newer labelled rows: --on FILE"
        )
    return Verdict("undecided", reason, hint=hint)


def _verdict(found: Comparison, old: _Loaded, new: _Loaded) -> Verdict:
    figures = (
        f"{found.metric} {amount(found.challenger)} against {amount(found.champion)} of the champion "
        f"(version {old.version.number}) on {found.rows} rows that neither has seen; "
        f"{_in_words(found.gain)}, in 90 of 100 draws {_in_words(found.low)} to {_in_words(found.high)}"
    )
    if found.outcome == "better":
        return Verdict("promoted", f"{figures}.", found)
    word = "Worse" if found.outcome == "worse" else "Not better than chance explains"
    return Verdict(
        "rejected",
        f"{word}: {figures}.",
        found,
        hint=f"To let it answer all the same: jupyter pipe promote {new.version.label} --force",
    )


def _in_words(gain: float) -> str:
    """`2,164 worse` for -2164."""
    return f"{amount(abs(gain))} {'worse' if gain < 0 else 'better'}"
