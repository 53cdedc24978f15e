"""Bundles: what a stage leaves, as a folder that an engine carries to the stages after
it.

    bundle.json                     the stage, its run, the digest of its code
    stages/STAGE/…                  result, executed notebook, changes of files, the log of its attempts
    artifacts/…, files/…            values and contents of files, addressed by content

`leave_bundle` fills one from a root, `take_bundle` adds one to a root. Who names a
bundle believes it, unless keys are given in the environment: then one of them must have
signed it. Raises RunError, UntrustedError, ArtifactError and OSError.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.cache.store import references
from jupyter_pipe.engine.single.working_files import FileChanges, content_path
from jupyter_pipe.errors import RunError, UntrustedError
from jupyter_pipe.model import Pipeline, to_json
from jupyter_pipe.observe.digests import MISSING, file_digest
from jupyter_pipe.runs.store import RunFolder, RunStore, is_file_name
from jupyter_pipe.trust.keys import KEY_VARIABLE
from jupyter_pipe.trust.records import (
    UNREADABLE,
    UnsignedError,
    read_record,
    read_regular_file,
)
from jupyter_pipe.trust.signatures import sign

__all__ = [
    "Bundle",
    "code_digest",
    "empty_bundle",
    "leave_bundle",
    "read_bundle",
    "take_bundle",
]

T = TypeVar("T")
_PARTS = ("bundle.json", "stages", "artifacts", "files")


class Bundle(Struct, frozen=True):
    """What `bundle.json` says. `code` is the digest of the stage's notebook as it was
    run."""

    stage: str
    run_id: str
    code: str


def code_digest(package: Path, pipeline: Pipeline, stage: str) -> str:
    """The digest of what the stage executes. Raises RunError if its notebook is
    missing."""
    path = package / pipeline.stage(stage).notebook
    try:
        return hashlib.sha256(read_regular_file(path)).hexdigest()
    except OSError as error:
        raise RunError(
            f"{path} cannot be read: {error.strerror}.", code="package_unreadable"
        ) from None


def read_bundle(path: Path) -> Bundle:
    """What the bundle is of. Raises RunError if it is none."""
    try:
        found = msgspec.json.decode(
            read_regular_file(path / "bundle.json", follow=False), type=Bundle
        )
    except UNREADABLE as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise RunError(
            f"{path} is not what a stage left with --leave: {said}.",
            code="bundle_unusable",
            hint="Name the folder that run-stage --leave filled, for each stage that this one depends on.",
        ) from None
    if not (is_file_name(found.stage) and is_file_name(found.run_id)):
        raise RunError(f"{path} names no stage and run.", code="bundle_unusable")
    return found


def take_bundle(
    path: Path, store: RunStore, folder: RunFolder, pipeline: Pipeline, package: Path
) -> None:
    """Add what the bundle holds to the run in `folder`."""
    bundle = read_bundle(path)
    if all(stage.name != bundle.stage for stage in pipeline.stages):
        raise RunError(
            f"{path} is of stage {bundle.stage!r}, which this pipeline does not have.",
            code="bundle_unusable",
        )
    if bundle.code != code_digest(package, pipeline, bundle.stage):
        raise RunError(
            f"{path} comes from other code of stage {bundle.stage!r} than that of {package}.",
            code="bundle_unusable",
            hint="Run that stage again with this package.",
        )
    source = path / "stages" / bundle.stage
    # Signed anew below, since the run may have another name here.
    result = _read(source / "result.json", "result", bundle, StageResult)
    changes = _read(source / "files.json", "files", bundle, FileChanges)
    _copy_values(path, store, result)
    for digest in changes.files.values():
        if digest != MISSING:
            _copy_content(
                content_path(path, digest),
                content_path(store.state_folder, digest),
                digest,
            )
    target = folder.stage(bundle.stage)
    target.mkdir(parents=True, exist_ok=True)
    name = f"{folder.run_id}/{bundle.stage}"
    _copy_if_there(source / "executed.ipynb", folder.executed(bundle.stage))
    for log in sorted(source.glob("attempts/*/events.jsonl")):
        _copy_if_there(log, target / log.relative_to(source))
    replace_file(target / "files.json", sign("files", name, to_json(changes)))
    replace_file(folder.result(bundle.stage), sign("result", name, to_json(result)))


def empty_bundle(path: Path) -> None:
    """Take what an earlier attempt left out of the folder, and make it if it is not
    there. Raises RunError if it holds anything else."""
    path.mkdir(parents=True, exist_ok=True)
    others = sorted(entry.name for entry in path.iterdir() if entry.name not in _PARTS)
    if others:
        raise RunError(
            f"{path} holds {others[0]!r}, which is not of a bundle.",
            code="bundle_unusable",
            hint="Name an empty folder with --leave.",
        )
    for name in _PARTS:
        part = path / name
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def leave_bundle(
    path: Path,
    store: RunStore,
    folder: RunFolder,
    bundle: Bundle,
    result: StageResult,
    changes: FileChanges,
) -> None:
    """Fill an empty folder with what the stage left. `bundle.json` comes last: without
    it there is none."""
    values = Store(store.state_folder)
    for ref in references(result):
        source = values.path(ref)
        _copy_if_there(source, path / source.relative_to(store.state_folder))
    for digest in changes.files.values():
        if digest != MISSING:
            _copy_if_there(
                content_path(store.state_folder, digest), content_path(path, digest)
            )
    source = folder.stage(bundle.stage)
    for found in (
        source / "executed.ipynb",
        source / "result.json",
        source / "files.json",
        *sorted(source.glob("attempts/*/events.jsonl")),
    ):
        _copy_if_there(
            found, path / "stages" / bundle.stage / found.relative_to(source)
        )
    replace_file(path / "bundle.json", to_json(bundle))


def _read(path: Path, purpose: str, bundle: Bundle, kind: type[T]) -> T:
    trust = not os.environ.get(KEY_VARIABLE)
    try:
        data = read_record(
            path, purpose, f"{bundle.run_id}/{bundle.stage}", trust=trust
        )
        return msgspec.json.decode(data, type=kind)
    except UnsignedError:
        raise UntrustedError(
            f"{path} is not signed by a key in {KEY_VARIABLE}, so its values are not loaded.",
            code="result_untrusted",
            hint=f"Give all stages the same key, or none of them: {KEY_VARIABLE}.",
        ) from None
    except UNREADABLE as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise RunError(
            f"The bundle's file {path} cannot be read: {said}.", code="bundle_unusable"
        ) from None


def _copy_values(path: Path, store: RunStore, result: StageResult) -> None:
    values = Store(store.state_folder)
    for ref in references(result):
        target = values.path(ref)
        if not values.is_sound(ref):
            _copy_if_there(path / target.relative_to(store.state_folder), target)
            values.verify(ref)


def _copy_content(source: Path, target: Path, digest: str) -> None:
    _copy_if_there(source, target)
    if not target.is_file() or file_digest(target) != digest:
        target.unlink(missing_ok=True)
        raise RunError(
            f"The bundle's file {source} is missing, or was altered.",
            code="bundle_unusable",
        )


def _copy_if_there(source: Path, target: Path) -> None:
    # A link in a bundle could lead to any file of this machine.
    if source.is_symlink() or not source.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.urandom(8).hex()}.tmp")
    try:
        shutil.copyfile(source, aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
