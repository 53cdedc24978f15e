"""What the server does with runs. Blocks; knows nothing of HTTP. Raises PipeError."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.events import Event, StageState
from jupyter_pipe.runs import Run, RunFolder, RunStore
from jupyter_pipe.runs.report.notes import RunNote, read_note, write_note
from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.payloads import (
    DebugRequest,
    EngineList,
    ExecutedOutputs,
    LogChunk,
    NoteRequest,
    RunList,
    RunSummary,
    Started,
    StartRequest,
    SubmitRequest,
    WrittenNotebook,
)
from jupyter_pipe.server.runs.engines import list_engines, require_usable
from jupyter_pipe.server.runs.runner import Order
from jupyter_pipe.server.runs.starting import start_run
from jupyter_pipe.server.runs.watcher import RunWatcher
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["RUN_ID", "STAGE", "RunService"]

RUN_ID = r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4,}"
# Of several notebooks it is `notebook.stage`.
STAGE = r"[^/\\.%]+(?:\.[^/\\.%]+)?"
# A browser shows no more; older runs are found with `jupyter pipe runs`.
_LONGEST_LIST = 2000
# A long log comes in pieces: the page asks again until it has all of it.
_LOG_CHUNK = 1 << 20
_DONE = frozenset({StageState.succeeded, StageState.cached})


class RunService:
    """The runs below one root. A run is addressed by the folder that holds
    `.jupyter_pipe/`, as a path below the root, and its id."""

    def __init__(self, root: Root, watcher: RunWatcher) -> None:
        self._root = root
        self._watcher = watcher
        self._summaries: dict[Path, tuple[tuple[int, int], RunSummary]] = {}

    def list(self, root: str, notebook: str) -> RunList:
        """The runs of a folder, or of one notebook in it, newest first."""
        store = self.store(root)
        # By name, so that runs are found after the folder was moved.
        wanted = Path(notebook).name
        found = []
        for run_id in store.ids():
            summary = self._summarised(store, run_id)
            if summary and (not wanted or Path(summary.notebook).name == wanted):
                found.append(summary)
            if len(found) == _LONGEST_LIST:
                break
        return RunList(tuple(found))

    def annotate(self, root: str, run_id: str, asked: NoteRequest) -> RunSummary:
        """Name, note and pin of a run."""
        store = self.store(root)
        store.require_no_links()
        run = store.read(run_id)
        folder = self._folder(store, run_id)
        write_note(
            folder, RunNote(asked.name.strip(), asked.note.strip(), asked.pinned)
        )
        return self._summary(run, folder)

    def start(self, request: StartRequest) -> Started:
        """Start a run of the saved notebook, or of those in a list, in a process of its
        own."""
        path = self._root.pipeline(request.notebook)
        return self._begin(
            Order(
                root=str(path.parent),
                run_id=RunStore(path.parent).next_run_id(),
                notebook=str(path),
                request=request,
            )
        )

    def engines(self, notebook: str) -> EngineList:
        """The engines that can run the notebook, or those in a list, and why others
        cannot."""
        return list_engines(self._root.pipeline(notebook).parent)

    def submit(self, request: SubmitRequest) -> Started:
        """Have another engine run the saved notebook, or those in a list. Returns when
        the engine has them."""
        path = self._root.pipeline(request.notebook)
        require_usable(request.engine, path.parent)
        return self._begin(
            Order(
                root=str(path.parent),
                run_id=RunStore(path.parent).next_run_id(),
                notebook=str(path),
                request=StartRequest(request.notebook, request.parameters),
                engine=request.engine,
            )
        )

    def resume(self, root: str, run_id: str) -> Started:
        """Continue a run that ended without success: a new run, which reuses what still
        fits."""
        run = self.read(root, run_id)
        if not run.is_final:
            raise RunError(
                "The run still goes on.", code="run_active", hint="Cancel it first."
            )
        # What the record names was written by whoever wrote the record, so it is
        # confined as well.
        for path in filter(
            None, (run.facts.notebook, *run.facts.paths, run.facts.package)
        ):
            self._root.confine(Path(path), Path(path).name)
        if run.facts.notebook.endswith(".toml"):
            self._root.require_list_inside(Path(run.facts.notebook))
        folder = self._root.directory(root)
        following = RunStore(folder).next_run_id()
        return self._begin(
            Order(root=str(folder), run_id=following, resumed_from=run_id)
        )

    def read(self, root: str, run_id: str) -> Run:
        """The run as it is now."""
        return self.store(root).read(run_id)

    def events(self, root: str, run_id: str, since: int) -> tuple[Event, ...]:
        """What happened after event number `since`."""
        store = self.store(root)
        store.read(run_id)
        return tuple(store.events(run_id, since))

    def cancel(self, root: str, run_id: str) -> Run:
        """Ask the run to stop; it ends soon after. One that has ended stays as it
        is."""
        from jupyter_pipe.engine import request_cancel
        from jupyter_pipe.submit.following import end_in_engine

        store = self.store(root)
        if request_cancel(store, run_id):
            end_in_engine(store, run_id)
        return store.read(run_id)

    def delete(self, root: str, run_id: str) -> None:
        """Remove the run's folder. What it computed stays in the artifact store."""
        store = self.store(root)
        store.require_no_links()
        if not store.read(run_id).is_final:
            raise RunError(
                "The run still goes on.", code="run_active", hint="Cancel it first."
            )
        try:
            shutil.rmtree(store.folder(run_id).path)
        except OSError as error:
            raise RunError(
                f"Run {run_id} cannot be removed: {error.strerror or error}.",
                code="root_unwritable",
            ) from error

    def report(self, root: str, run_id: str) -> bytes:
        """The report's HTML: of a run that goes on, as far as it has come."""
        from jupyter_pipe.runs.report.report import report_html, write_report

        store = self.store(root)
        folder = self._folder(store, run_id)
        run = store.read(run_id)
        if not run.is_final:
            return report_html(run, store.read_pipeline(run_id), folder).encode()
        if not folder.report.exists():
            write_report(folder.path)
        return self._content(folder.report)

    def executed(self, root: str, run_id: str, stage: str) -> bytes:
        """The executed notebook of a stage, as JSON."""
        executed = self.stage_folder(root, run_id, stage).executed(stage)
        if not executed.exists():
            raise RunError(
                f"Stage '{stage}' has not run in this run.", code="executed_missing"
            )
        return self._content(executed)

    def outputs(self, root: str, run_id: str, stage: str) -> ExecutedOutputs:
        """What the stage's cells showed, by the id of the source cell."""
        from jupyter_pipe.runs.report.cell_outputs import read_executed

        cells = read_executed(self.stage_folder(root, run_id, stage).executed(stage))
        return ExecutedOutputs({cell.id: list(cell.outputs) for cell in cells})

    def debug(self, root: str, run_id: str, request: DebugRequest) -> WrittenNotebook:
        """A notebook beside the source that begins with the stage's inputs restored;
        made once a run."""
        from jupyter_pipe.runs.debug import write_debug_notebook

        self.stage_folder(root, run_id, request.stage)
        store = self.store(root)
        run = store.read(run_id)
        folder = store.root
        if run.facts.notebooks:  # each ran in its own folder, which the record names
            folder = self._root.confine(
                Path(run.facts.folder_of(request.stage)), request.stage
            )
        target = folder / f"debug_{request.stage}_{run_id[-4:]}.ipynb"
        if not target.exists():
            write_debug_notebook(store, run, run.stage(request.stage), target)
        return WrittenNotebook(self._root.path_of(target))

    def log(self, root: str, run_id: str, stage: str, offset: int) -> LogChunk:
        """What happened in the run, or what a stage printed, from a byte offset on."""
        run = self.read(root, run_id)
        if stage:
            from jupyter_pipe.runs.report.cell_outputs import printed_text

            data = printed_text(
                self.stage_folder(root, run_id, stage).executed(stage)
            ).encode()
        else:
            data = b"".join(_told(self.store(root), run))
        end = _whole_characters(data, offset + _LOG_CHUNK)
        text = data[offset:end].decode("utf-8", "replace")
        return LogChunk(
            text, offset, max(offset, end), final=run.is_final and end >= len(data)
        )

    def _content(self, path: Path) -> bytes:
        """What a file of a run holds. Raises RunError for a link, or whatever else is
        not the run's own."""
        try:
            return read_regular_file(path, follow=False)
        except OSError as error:
            raise RunError(
                f"'{path.name}' of the run cannot be read: {error.strerror or error}.",
                code="run_damaged",
            ) from error

    def _begin(self, order: Order) -> Started:
        folder = Path(order.root)
        self._watcher.watch(self._root.path_of(folder), folder)
        start_run(order)
        return Started(order.run_id)

    def store(self, root: str) -> RunStore:
        """The runs of a folder below the root."""
        folder = self._root.directory(root)
        store = RunStore(folder)
        for path in (store.state_folder, store.runs_folder):
            self._root.confine(path, path.name)
        self._watcher.watch(self._root.path_of(folder), folder)
        return store

    def _folder(self, store: RunStore, run_id: str) -> RunFolder:
        """The folder of a run, and not a link to another folder that has files of such
        names."""
        folder = store.folder(run_id)
        self._root.confine(folder.path, run_id)
        return folder

    def stage_folder(self, root: str, run_id: str, stage: str) -> RunFolder:
        """The folder of a run that has the stage."""
        store = self.store(root)
        if stage not in {each.name for each in store.read(run_id).stages}:
            raise RunError(
                f"Run {run_id} has no stage '{stage}'.", code="stage_unknown"
            )
        folder = self._folder(store, run_id)
        self._root.confine(folder.stage(stage), stage)
        return folder

    def _summarised(self, store: RunStore, run_id: str) -> RunSummary | None:
        """The summary of a run. Of one that has ended it is made once, unless its files
        change."""
        folder = store.folder(run_id)
        state = (_stamp(folder.summary), _stamp(folder.note))
        known = self._summaries.get(folder.path)
        if known is not None and known[0] == state:
            return known[1]
        run = _read_or_none(store, run_id)
        if run is None:
            return None
        summary = self._summary(run, folder)
        if run.is_final:
            self._summaries[folder.path] = (state, summary)
        return summary

    def _summary(self, run: Run, folder: RunFolder) -> RunSummary:
        note = read_note(folder)
        failed = [
            stage.name for stage in run.stages if stage.state is StageState.failed
        ]
        return RunSummary(
            run_id=run.run_id,
            pipeline=run.pipeline,
            state=run.state,
            trigger=run.trigger,
            queued=run.queued,
            seconds=run.seconds,
            stages_done=sum(stage.state in _DONE for stage in run.stages),
            stages_total=len(run.stages),
            notebook=self._notebook(run),
            seq=run.seq,
            started=run.started,
            finished=run.finished,
            failed_stage=failed[0] if failed else None,
            resumed_from=run.resumed_from,
            parameters={
                each.name: each.literal for each in run.facts.parameters if each.changed
            },
            metrics=run.metrics,
            name=note.name,
            note=note.note,
            pinned=note.pinned,
        )

    def _notebook(self, run: Run) -> str:
        """What the run is of: a notebook, or a list of several; several that were named
        are none of them."""
        facts = run.facts
        is_named = bool(facts.notebooks) and not facts.notebook.endswith(".toml")
        return "" if is_named else self._root.path_of(Path(facts.notebook))


def _stamp(path: Path) -> int:
    """When a file was written last, in nanoseconds; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read_or_none(store: RunStore, run_id: str) -> Run | None:
    try:
        return store.read(run_id)
    except PipeError:
        return None


def _whole_characters(data: bytes, end: int) -> int:
    """The place at or before `end` where no character is cut in two."""
    end = min(end, len(data))
    # In UTF-8 the bytes 10xxxxxx go on with a character.
    while 0 < end < len(data) and data[end] & 0b1100_0000 == 0b1000_0000:
        end -= 1
    return end


def _told(store: RunStore, run: Run) -> Iterator[bytes]:
    """The run's events as lines, whoever started it; at its end, what the server's
    runner had to say."""
    from jupyter_pipe.runs.report.event_lines import log_lines

    yield from (f"{line}\n".encode() for line in log_lines(store.events(run.run_id)))
    if run.is_final:
        yield _read_or_empty(store.folder(run.run_id).log)


def _read_or_empty(path: Path) -> bytes:
    try:
        return read_regular_file(path, follow=False)
    except OSError:
        return b""
