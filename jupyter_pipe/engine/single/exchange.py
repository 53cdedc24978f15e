"""What a stage gets from those before it, and leaves for those after it: results,
files, values.

In a root that is a folder all of it lies there, and the stages share one working
directory. With a URL, or with bundles, each stage has a working directory to itself
(`alone`), and the files that it changed are kept by content. Raises RunError,
UntrustedError, ArtifactError and OSError.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations, StageResult
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.cache.store import references
from jupyter_pipe.engine.request import PreparedRun
from jupyter_pipe.engine.scheduling.priorities import Neighbours
from jupyter_pipe.engine.single.working_files import (
    FileChanges,
    WorkingFiles,
    content_path,
)
from jupyter_pipe.errors import ArtifactError, RunError, UntrustedError
from jupyter_pipe.model import to_json
from jupyter_pipe.observe.digests import MISSING, file_digest
from jupyter_pipe.runs.model import Failure, RunFacts
from jupyter_pipe.runs.remote import RemoteRoot, fetch_runs, publish_values
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.keys import KEY_VARIABLE
from jupyter_pipe.trust.records import UNREADABLE, UnsignedError, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Exchange"]


class Exchange:
    """The place of stage `stage` in the run in `folder`."""

    def __init__(
        self,
        prepared: PreparedRun,
        folder: RunFolder,
        stage: str,
        *,
        alone: bool = False,
    ) -> None:
        self._prepared = prepared
        self._store = prepared.store
        self._folder = folder
        self._stage = stage
        self._alone = alone or bool(self._store.url)
        self._remote = RemoteRoot(self._store.url) if self._store.url else None
        base = folder.stage(stage) if self._alone else folder.path
        self._store.require_no_links(base / "files")
        given = prepared.request.workdir
        self._workdir = given.absolute() if given is not None else base / "files"
        source = prepared.request.target.notebook.parent
        self._files = (
            None if given else WorkingFiles(source, self._workdir, base / "carried")
        )

    @property
    def facts(self) -> RunFacts:
        """Those of the prepared run, with the working directory."""
        return replace(self._prepared.facts, workdir=str(self._workdir))

    def fetch(self) -> None:
        """Bring here what the stages before this one left under the URL."""
        if self._remote is not None:
            fetch_runs(self._remote, self._store, [self._folder.run_id])

    def find_result(self, stage: str) -> StageResult | None:
        """What the stage left, if it has."""
        try:
            return self._read_result(stage)
        except RunError:
            return None

    def earlier_results(self) -> dict[str, StageResult]:
        """What the stages that this one depends on left behind."""
        names = Neighbours(self._prepared.pipeline).ancestors(self._stage)
        return {name: self._read_result(name) for name in names}

    def withdraw(self) -> None:
        """Take back what an earlier attempt left: no later stage may start from it if
        this one fails."""
        for path in self._published():
            path.unlink(missing_ok=True)
            if self._remote is not None:
                self._remote.remove(self._name(path))

    def lay_out(self, results: dict[str, StageResult]) -> None:
        """Put the files that the stage needs into its working directory."""
        if self._files is None:
            return
        # What an earlier attempt at the stage made of these files is not what this one
        # begins with.
        if self._alone:
            for part in ("files", "carried"):
                shutil.rmtree(
                    self._folder.stage(self._stage) / part, ignore_errors=True
                )
        pipeline = self._prepared.pipeline
        self._files.carry(
            pipeline.stage(self._stage),
            self._prepared.facts.parameters,
            pipeline.folder_of(self._stage),
        )
        if not self._alone:
            return
        # In notebook order, so that of two stages that wrote one file the later one
        # counts.
        for stage in self._prepared.pipeline.stages:
            if stage.name in results:
                self._files.apply(self.read_changes(stage.name), self._bring)
        self._files.remember()

    def left_behind(self, observed: Observations) -> Failure | None:
        """A failure if the stage looked for files that were not laid out for it."""
        return self._files.left_behind(observed) if self._files is not None else None

    def keep_changes(self) -> None:
        """Keep what the stage did to files for the stages after it, where they cannot
        see it."""
        if self._files is None or not self._alone:
            return
        changes = self._files.changes(self._keep)
        document = sign(
            "files", f"{self._folder.run_id}/{self._stage}", to_json(changes)
        )
        replace_file(self._changes_path(self._stage), document)

    def read_changes(self, stage: str | None = None) -> FileChanges:
        """What the stage (default: this one) did to files."""
        stage = stage or self._stage
        try:
            data = read_record(
                self._changes_path(stage), "files", f"{self._folder.run_id}/{stage}"
            )
            return msgspec.json.decode(data, type=FileChanges)
        except FileNotFoundError:
            return FileChanges()
        except UnsignedError:
            raise self._unsigned(stage) from None
        except UNREADABLE as error:
            raise RunError(
                f"The record of the files that stage {stage!r} changed cannot be read: {error}.",
                code="run_damaged",
            ) from None

    def publish(self, result: StageResult | None) -> None:
        """Put under the URL what the stage left: values before what refers to them, and
        of a stage that failed its notebook and its log."""
        if self._remote is None:
            return
        if result is not None:
            publish_values(self._remote, self._store, references(result))
            for digest in self.read_changes().files.values():
                if digest != MISSING:
                    self._publish(content_path(self._store.state_folder, digest))
        attempts = sorted(
            self._folder.stage(self._stage).glob("attempts/*/events.jsonl")
        )
        run = (self._folder.pipeline, self._folder.parameters, self._folder.summary)
        for path in (*run, *attempts, self._folder.report, *self._published()):
            if path.is_file():
                self._publish(path)

    def _published(self) -> tuple[Path, ...]:
        """What stands for the stage; its result comes last, since it tells that the
        rest is there."""
        executed = self._folder.stage(self._stage) / "executed.ipynb"
        return (
            executed,
            self._changes_path(self._stage),
            self._folder.result(self._stage),
        )

    def _read_result(self, stage: str) -> StageResult:
        path = self._folder.result(stage)
        trust = self._prepared.request.options.trust
        try:
            data = read_record(
                path, "result", f"{self._folder.run_id}/{stage}", trust=trust
            )
            return msgspec.json.decode(data, type=StageResult)
        except UnsignedError:
            raise self._unsigned(stage) from None
        except UNREADABLE as error:
            raise RunError(
                f"Stage {stage!r} has no result in {self._folder.path}.",
                code="stage_not_run",
                hint="Stages run in the order of the edges in pipeline.json, with one --run-root and "
                "--run-id, or with --take for each stage that they depend on, directly or not.",
            ) from error

    def _unsigned(self, stage: str) -> UntrustedError:
        return UntrustedError(
            f"The result of stage {stage!r} in {self._folder.path} is not signed by you, so its values are "
            "not loaded.",
            code="result_untrusted",
            hint=f"Where stages run on several machines, give all of them the same key: {KEY_VARIABLE}.",
        )

    def _changes_path(self, stage: str) -> Path:
        return self._folder.stage(stage) / "files.json"

    def _keep(self, path: Path, digest: str) -> None:
        target = content_path(self._store.state_folder, digest)
        if not target.is_file():
            replace_file(target, path.read_bytes())

    def _bring(self, digest: str, target: Path) -> None:
        kept = content_path(self._store.state_folder, digest)
        if self._remote is not None and not kept.is_file():
            self._remote.fetch(self._name(kept), kept)
        if file_digest(kept) != digest:
            raise ArtifactError(
                f"The file {kept} is missing, or somebody changed it.",
                code="artifact_unusable",
                hint="Run the stage that wrote it again.",
            )
        shutil.copyfile(kept, target)

    def _publish(self, path: Path) -> None:
        assert self._remote is not None
        self._remote.publish(path, self._name(path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._store.state_folder).as_posix()
