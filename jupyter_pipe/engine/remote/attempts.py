"""Attempts on machines that share nothing with the runner but the URL of the run's
root.

The runner sends what the attempt needs (`send_off`): values and files through the URL,
the stage notebook with the order. The worker makes it into an ordinary attempt in a
folder of its own (`run_far_stage`). What is in that folder afterwards comes home
(`bring_home`): the executed notebook, the result, and the files that the stage wrote in
its working directory, which lie beside the notebook in the end.

A stage finds there the local modules that it imports and the files that its code names
literally, below the working directory. Who writes to the URL could change what lies
there, so everything is fetched by the digest that came with the order or its answer.
Raises RunError, ArtifactError and OSError.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.cache.files import files_below, needed_files
from jupyter_pipe.cache.store import references
from jupyter_pipe.engine.attempts.attempt import (
    StageOutcome,
    StageWork,
    input_refs,
    run_stage,
    stage_notebook,
    write_context,
)
from jupyter_pipe.engine.attempts.attempt_folder import attempt_folder
from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.errors import ArtifactError
from jupyter_pipe.events import Event
from jupyter_pipe.observe.digests import MISSING, file_digest
from jupyter_pipe.runs.remote import RemoteRoot, local_root, publish_values
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.keys import KEY_VARIABLE

__all__ = ["FarOutcome", "FarWork", "bring_home", "run_far_stage", "send_off"]

_OURS = (
    "PYTHONHASHSEED",
    "JPY_SESSION_NAME",
    "JUPYTER_PIPE_RUN_ID",
    "JUPYTER_PIPE_STAGE",
)
_LEFT = ("executed.ipynb", "result.json", "kernel.log")


class FarWork(Struct, frozen=True):
    """An order that can be carried out elsewhere. `files` are to lie in the working
    directory (path -> digest), their content is under the URL; of `work` no path is
    used."""

    work: StageWork
    notebook: bytes = b""
    files: dict[str, str] = {}


class FarOutcome(Struct, frozen=True):
    """How it ended. `files` are those that are new or different in the working
    directory now, with their digests, `MISSING` for one that was removed; `left` the
    files of the attempt's own folder."""

    outcome: StageOutcome
    files: dict[str, str] = {}
    left: dict[str, str] = {}


# On the runner's side


def send_off(work: StageWork) -> FarWork:
    """Publish what the attempt needs, and write the order."""
    stage = work.pipeline.stage(work.stage)
    remote = RemoteRoot(work.url, trust=work.trust)
    publish_values(remote, _store(work), input_refs(work))
    files = {}
    for path in needed_files(
        stage, Path(work.workdir), below=work.pipeline.folder_of(stage.name)
    ):
        files[path.relative_to(work.workdir).as_posix()] = _publish_file(remote, path)
    known = {*_OURS, *stage.options.secrets}
    environment = {
        name: value for name, value in work.environment.items() if name in known
    }
    notebook = (Path(work.package) / stage.notebook).read_bytes()
    # For `debug`, which restores the stage's inputs on this machine.
    write_context(work, stage_notebook(work))
    return FarWork(replace(work, environment=environment), notebook, files)


def bring_home(work: StageWork, far: FarOutcome) -> StageOutcome:
    """Fetch what the attempt left, and put the stage's files beside the notebook."""
    remote = RemoteRoot(work.url, trust=work.trust)
    folder = attempt_folder(Path(work.run_folder), work.stage, work.attempt)
    for name in _LEFT:
        if name in far.left:
            _fetch(remote, f"{_place(work)}/{name}", far.left[name], folder / name)
    for name, digest in far.files.items():
        target = _inside(Path(work.workdir), name)
        if digest == MISSING:
            target.unlink(missing_ok=True)
        else:
            _fetch(remote, _address(digest), digest, target)
    return far.outcome


# On the worker's side


def run_far_stage(
    far: FarWork, report: Callable[[Event], None], stop: StopSignal
) -> FarOutcome:
    """Carry out the order in a folder of this machine, and publish what it leaves."""
    store = RunStore(local_root(far.work.url))
    store.make_state_folder()
    remote = RemoteRoot(far.work.url, trust=far.work.trust)
    work_folder = store.state_folder / "work"
    work_folder.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=work_folder))
    try:
        work = _settle(far, folder, store)
        _lay_out(far, work, remote)
        outcome = run_stage(work, report, stop)
        if outcome.result is not None:
            publish_values(remote, store, references(outcome.result))
        attempt = attempt_folder(Path(work.run_folder), work.stage, work.attempt)
        left = {
            name: file_digest(attempt / name)
            for name in _LEFT
            if (attempt / name).exists()
        }
        for name in left:
            remote.publish(attempt / name, f"{_place(work)}/{name}")
        return FarOutcome(
            outcome, _changed_files(far, Path(work.workdir), remote), left
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(far: FarWork, folder: Path, store: RunStore) -> StageWork:
    """The same attempt with this machine's paths and environment."""
    own = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
    return replace(
        far.work,
        package=str(folder / "package"),
        run_folder=str(folder / "run"),
        store=str(store.artifacts),
        workdir=str(folder / "files"),
        environment={**own, **far.work.environment},
    )


def _lay_out(far: FarWork, work: StageWork, remote: RemoteRoot) -> None:
    stage = work.pipeline.stage(work.stage)
    notebook = Path(work.package, stage.notebook)
    notebook.parent.mkdir(parents=True)
    notebook.write_bytes(far.notebook)
    workdir = Path(work.workdir)
    workdir.mkdir()
    for name, digest in far.files.items():
        _fetch(remote, _address(digest), digest, _inside(workdir, name))
    for (
        effect
    ) in stage.effects:  # a folder that is there beside the notebook may be written to
        name = effect.name.removeprefix("file:")
        if (
            effect.name.startswith("file:")
            and ".." not in Path(name).parts
            and not Path(name).is_absolute()
        ):
            (workdir / name).parent.mkdir(parents=True, exist_ok=True)


def _changed_files(far: FarWork, workdir: Path, remote: RemoteRoot) -> dict[str, str]:
    found = {}
    present = {
        path.relative_to(workdir).as_posix(): path for path in files_below(workdir)
    }
    for name, path in present.items():
        if far.files.get(name) != file_digest(path):
            found[name] = _publish_file(remote, path)
    return {**found, **{name: MISSING for name in far.files if name not in present}}


# On both


def _publish_file(remote: RemoteRoot, path: Path) -> str:
    digest = file_digest(path)
    if not remote.has(_address(digest), size=path.stat().st_size):
        remote.publish(path, _address(digest))
    return digest


def _fetch(remote: RemoteRoot, name: str, digest: str, target: Path) -> None:
    """Bring a file here if it is what its digest says."""
    aside = target.with_name(f".{target.name}.{os.urandom(8).hex()}.tmp")
    try:
        if not remote.fetch(name, aside) or file_digest(aside) != digest:
            raise ArtifactError(
                f"The file {name} below {remote.url} is missing, or somebody changed it.",
                code="artifact_unusable",
                hint="Run again; if it happens again, somebody else writes to that place.",
            )
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _inside(folder: Path, name: str) -> Path:
    """Where a file of the working directory belongs."""
    path = Path(name)
    if path.is_absolute() or path.drive or ".." in path.parts:
        raise ArtifactError(
            f"{name!r} does not lie in the working directory.", code="artifact_unusable"
        )
    return folder / path


def _address(digest: str) -> str:
    return f"files/{digest[:2]}/{digest}"


def _place(work: StageWork) -> str:
    return attempt_folder(
        Path("runs", work.run_id), work.stage, work.attempt
    ).as_posix()


def _store(work: StageWork) -> RunStore:
    return RunStore(Path(work.store).parent.parent)
