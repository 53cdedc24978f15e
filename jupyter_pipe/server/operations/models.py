"""The page *Models*: versions with what they came from. Reads records, loads no
bundle."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.registry import ModelVersion, Registry, open_registry
from jupyter_pipe.registry.lineage import Lineage, read_lineage
from jupyter_pipe.render.words import value_text
from jupyter_pipe.scoring.bundle import read_manifest
from jupyter_pipe.server.operations.payloads import ModelShown, ModelsPage, VersionShown
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.tracking.address import sqlite_file

__all__ = ["models_page"]

_MOST_VERSIONS = 50
_MOST_FILES = 200
# Enough to tell files apart at a glance.
_DIGEST_LETTERS = 12


def models_page(place: Place) -> ModelsPage:
    """The models of the registry that the folder uses."""
    registry = open_registry(root=place.store.root)
    where = _where(registry, place.store.root)
    try:
        models = tuple(_model(place, registry, name) for name in registry.names())
    except PipeError as error:
        return ModelsPage(where, (), place.sentence(error))
    return ModelsPage(where, models)


def _where(registry: Registry, root: Path) -> str:
    """The registry's place for people: a path below the root, or the URI without what
    logs somebody in."""
    file = sqlite_file(registry.address.registry)
    if file is not None:
        return os.path.relpath(file, root)
    scheme, _, rest = registry.address.registry.partition("://")
    # `https://user:password@host` without what stands before the sign.
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _model(place: Place, registry: Registry, name: str) -> ModelShown:
    found = registry.versions(name)[:_MOST_VERSIONS]
    read = [_lineage(place, version) for version in found]
    versions = tuple(_version(*each) for each in zip(found, read, strict=True))
    metric = next(
        (each.metric for each in read if isinstance(each, Lineage) and each.metric), ""
    )
    return ModelShown(name, versions, metric)


def _lineage(place: Place, version: ModelVersion) -> Lineage | str:
    """What a version came from, or why nobody knows."""
    if version.bundle is None:
        return "Its files are in the registry and not on this machine; promoting it fetches them."
    try:
        return read_lineage(version.bundle, version.name)
    except PipeError as error:
        return place.sentence(error)


def _version(version: ModelVersion, lineage: Lineage | str) -> VersionShown:
    """A version with what is known of its origin; without that, only what the registry
    says."""
    known = lineage if isinstance(lineage, Lineage) else None
    problem = "" if known else str(lineage)
    return VersionShown(
        number=version.number,
        aliases=version.aliases,
        registered=version.registered,
        run_id=version.run_id,
        rejected=version.rejected,
        verdict=version.verdict,
        metrics=known.metrics if known else {},
        gates=known.gates if known else {},
        proofs=_proofs(version.bundle) if known and version.bundle else {},
        parameters={name: value_text(value) for name, value in known.parameters.items()}
        if known
        else {},
        files=_files(known) if known else {},
        commit=str(known.git.get("commit", ""))[:_DIGEST_LETTERS] if known else "",
        notebook=Path(version.notebook).name,
        problem=problem,
    )


def _proofs(bundle: Path) -> dict[str, bool]:
    try:
        return {proof.name: proof.passed for proof in read_manifest(bundle).proofs}
    except PipeError:
        return {}


def _files(lineage: Lineage) -> dict[str, str]:
    return {
        each.path: each.digest[:_DIGEST_LETTERS] for each in lineage.files[:_MOST_FILES]
    }
