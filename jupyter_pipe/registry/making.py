"""From a run that has succeeded to a version in the registry: its scorer proved, its
origin written down.

Executes the notebook's code in this process. Raises PipeError.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_pipe.engine import Target
from jupyter_pipe.errors import RegistryError
from jupyter_pipe.registry.identity import RowIdentity, pack
from jupyter_pipe.registry.lineage import Lineage, bundle_digest, write_lineage
from jupyter_pipe.registry.mlflow_names import (
    EVALUATION,
    LINEAGE,
    SEEN,
    require_model_name,
)
from jupyter_pipe.registry.model import TAGS, ModelVersion
from jupyter_pipe.registry.registry import Registry
from jupyter_pipe.registry.saving import save_model
from jupyter_pipe.runs.data.files import files_of
from jupyter_pipe.runs.model import Run
from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.bundle import Manifest, write_bundle
from jupyter_pipe.scoring.columns import to_records
from jupyter_pipe.scoring.model import Place
from jupyter_pipe.scoring.notebooks import prove_run
from jupyter_pipe.scoring.proving.proofs import take

__all__ = ["Subject", "register_run", "register_scorer"]

_MOST_EVALUATED = 20_000
"""Labelled rows that travel with a version: enough to tell two models apart, and not
all of the data."""


def register_run(
    registry: Registry, target: Target, run: Run, *, name: str = ""
) -> ModelVersion:
    """A new version of a model from a run of a notebook, as the challenger.

    `name` is the model's, by default the pipeline's. Raises ScoringRefusedError if the
    notebook has no scorer, RegistryError if a proof fails or the registry cannot be
    written.
    """
    name = name or target.pipeline.name
    require_model_name(name)
    with _scratch(registry) as scratch:
        built, manifest = prove_run(
            target, run, folder=scratch / "bundle", meanwhile=registry.get_ready
        )
        _require_proofs(target, built)
    return register_scorer(registry, Subject(target, run, built, manifest), name)


def register_scorer(registry: Registry, subject: Subject, name: str) -> ModelVersion:
    """A new version of a scorer that is proved, as the challenger. Raises
    RegistryError."""
    with _scratch(registry) as scratch:
        bundle = scratch / "bundle"
        write_bundle(bundle, subject.built, subject.manifest)
        beside = _write_beside(scratch, bundle, name, subject)
        save_model(bundle, scratch / "model", beside=beside)
        tags = {
            TAGS.run: subject.run.run_id,
            TAGS.digest: bundle_digest(bundle),
            TAGS.notebook: subject.target.notebook.name,
        }
        return registry.add(name, scratch / "model", tags)


@contextlib.contextmanager
def _scratch(registry: Registry) -> Iterator[Path]:
    state_folder = registry.address.state_folder
    state_folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".registering-", dir=state_folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


class Subject:
    """What is registered, from all sides. `metric` is what the notebook's tag
    `promote:` names."""

    def __init__(
        self, target: Target, run: Run, built: Built, manifest: Manifest
    ) -> None:
        self.target = target
        self.run = run
        self.built = built
        self.manifest = manifest
        self.metric = next(
            (s.options.promote for s in target.pipeline.stages if s.options.promote), ""
        )

    def records(self) -> list[dict[str, Any]]:
        """The raw rows."""
        return to_records(self.built.recording.rows, self.manifest.form)

    def scored(self) -> list[dict[str, Any]]:
        """The raw rows that the notebook predicted for, in its order."""
        positions = self.built.subject.positions
        return to_records(
            take(self.built.recording.rows, positions), self.manifest.form
        )


def _require_proofs(target: Target, built: Built) -> None:
    failed = next((proof for proof in built.proofs if not proof.passed), None)
    if failed is not None:
        raise RegistryError(
            f"{target.notebook.name} is not registered: {failed.name}? {failed.detail}.",
            code="scorer_unproved",
            hint=f"See all proofs: jupyter pipe verify {target.notebook.name} --score",
        )


def _write_beside(
    scratch: Path, bundle: Path, name: str, subject: Subject
) -> dict[str, Path]:
    """The files that travel beside the bundle."""
    scored = subject.scored() if subject.metric else []
    evaluation = "".join(json.dumps(row) + "\n" for row in scored[-_MOST_EVALUATED:])
    (scratch / EVALUATION).write_text(evaluation, encoding="utf-8")
    (scratch / SEEN).write_bytes(pack(_seen(subject, scored)))
    digests = {
        each: hashlib.sha256((scratch / each).read_bytes()).hexdigest()
        for each in (EVALUATION, SEEN)
    }
    write_lineage(scratch / LINEAGE, _lineage(bundle, name, subject, digests))
    return {each: scratch / each for each in (LINEAGE, EVALUATION, SEEN)}


def _seen(subject: Subject, scored: list[dict[str, Any]]) -> set[bytes]:
    """The rows that the model may have been fitted on: all raw rows, but for those that
    the notebook says it set aside, each as often as it did so."""
    manifest = subject.manifest
    identity = RowIdentity(manifest.keys, manifest.targets)
    counts: dict[bytes, int] = {}
    for row in subject.records():
        digest = identity.digest(row)
        counts[digest] = counts.get(digest, 0) + 1
    # A row that stands twice and was set aside once may still have been learned from.
    for row in scored:
        counts[identity.digest(row)] -= 1
    return {digest for digest, count in counts.items() if count > 0}


def _lineage(
    bundle: Path, name: str, subject: Subject, digests: dict[str, str]
) -> Lineage:
    run, manifest, facts = subject.run, subject.manifest, subject.run.facts
    store = subject.target.store
    return Lineage(
        version=1,
        name=name,
        bundle=bundle_digest(bundle),
        run_id=run.run_id,
        notebook=subject.target.notebook.name,
        notebook_digest=manifest.notebook_digest,
        rows=manifest.rows,
        score=manifest.score,
        targets=manifest.targets,
        keys=manifest.keys,
        git=facts.provenance.get("git", {}),
        parameters={each.name: each.value for each in facts.parameters},
        metrics=run.metrics,
        gates={
            gate.expression: gate.passed for stage in run.stages for gate in stage.gates
        },
        files=files_of(store.folder(run.run_id), run),
        cells=_cells(subject.built),
        distributions=facts.provenance.get("distributions", {}),
        python=manifest.python,
        metric=subject.metric,
        digests=digests,
    )


def _cells(built: Built) -> tuple[Place, ...]:
    """The lines of the notebook that the scorer was made of, in its order."""
    lines = [
        (line.place.cell, line.place.line, line.place.text)
        for line in built.recording.module.lines
    ]
    constants = [each.place for each in built.recording.module.constants.values()]
    lines += [(place.cell, place.line, place.text) for place in constants]
    return tuple(Place(*each) for each in sorted(set(lines)))
