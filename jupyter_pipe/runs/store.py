"""The runs under one root: `.jupyter_pipe/runs/`. Reads, finds, creates; knows the
folder's layout.

Reading is cheap: it needs msgspec and nothing of Jupyter. A run whose runner died reads
as `interrupted`; `reconcile` also writes that down. Raises RunError.
"""

from __future__ import annotations

import datetime
import os
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.cache.replacing import rename_over, replace_file
from jupyter_pipe.errors import RunError, UntrustedError
from jupyter_pipe.events import Event, RunFinished, RunState, decode_event
from jupyter_pipe.model import Pipeline, from_json, to_json
from jupyter_pipe.notebook.sound_names import require_sound_names
from jupyter_pipe.runs.fold import RunFold, fold
from jupyter_pipe.runs.log import EventLog, read_events
from jupyter_pipe.runs.model import Run, RunFacts
from jupyter_pipe.runs.processes import is_alive, is_beating, is_here
from jupyter_pipe.runs.shared.turns import has_live_stage
from jupyter_pipe.runs.writing import RunWriter
from jupyter_pipe.trust.folders import find_link_above, remove_dangling_links
from jupyter_pipe.trust.keys import notify
from jupyter_pipe.trust.records import (
    UNREADABLE,
    UnsignedError,
    open_regular_file,
    read_record,
    read_regular_file,
)
from jupyter_pipe.trust.signatures import sign

__all__ = ["STATE_FOLDER", "RunFolder", "RunStore", "is_file_name", "new_run_id"]

STATE_FOLDER = ".jupyter_pipe"

# A separator of any system, NUL, or a name that begins with a dot.
_NO_FILE_NAME = re.compile(r"[/\\\0]|^\.")
# Bytes: the first event of a run with thousands of stages is shorter.
_LONGEST_LINE = 1 << 20
_SALT = re.compile(r"[0-9a-f]{64}")
# `20261121-063053-06d7`
_GIVEN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4,}")


class _CopyOf(Struct, frozen=True):
    """What the file `url` says."""

    url: str


def is_file_name(name: str) -> bool:
    """Whether a name from a record can be that of one file in a folder."""
    return 0 < len(
        name.encode("utf-8", "surrogatepass")
    ) <= 200 and not _NO_FILE_NAME.search(name)


class RunFolder:
    """Where the parts of one run lie. Nothing is read or made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stages = path / "stages"
        self.events = path / "events.jsonl"
        self.summary = path / "run.json"
        self.pipeline = path / "pipeline.json"
        self.parameters = path / "params.json"
        self.report = path / "report.html"
        self.cancel = path / "cancel"
        self.log = path / "runner.log"
        self.note = path / "note.json"
        self.submitted = path / "submitted.json"
        # As it was submitted to an engine: however long that waits, the run keeps this
        # one.
        self.package = path / "package"

    @property
    def run_id(self) -> str:
        return self.path.name

    def stage(self, name: str) -> Path:
        """The folder of a stage: its executed notebook, result and earlier attempts.

        Raises RunError for a name that no stage of ours has, and that may lead
        elsewhere.
        """
        if not is_file_name(name):
            raise RunError(
                f"{name[:80]!r} is not the name of a stage.", code="stage_unknown"
            )
        return self._stages / name

    def executed(self, name: str) -> Path:
        """The executed notebook of a stage; while it runs, that of the newest
        attempt."""
        folder = self.stage(name)
        published = folder / "executed.ipynb"
        if published.exists():
            return published
        attempts = folder.glob("attempts/*/executed.ipynb")
        return max(attempts, key=lambda path: int(path.parent.name), default=published)

    def result(self, name: str) -> Path:
        """The `StageResult` of a stage that has run or was reused, as JSON."""
        return self.stage(name) / "result.json"


class RunStore:
    """All runs of one root, which is the folder that holds `.jupyter_pipe/`."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()
        self.state_folder = self.root / STATE_FOLDER
        self.runs_folder = self.state_folder / "runs"

    @property
    def artifacts(self) -> Path:
        """The folder of the artifact store."""
        return self.state_folder / "artifacts"

    @property
    def url(self) -> str:
        """What this root is the working copy of (see `runs.remote`); empty for a root
        by itself.

        Only where this user made it so: a cloned folder could send everything away.
        """
        try:
            found = read_record(self._url_file, "url", str(self.root))
            return msgspec.json.decode(found, type=_CopyOf).url
        except UnsignedError:
            notify(
                f"{self._url_file} says that the runs of this folder belong to a URL. You did not sign that, "
                "so it is ignored; name the URL with --root if you mean it."
            )
        except UNREADABLE:
            pass
        return ""

    @property
    def _url_file(self) -> Path:
        return self.state_folder / "url"

    def become_copy_of(self, url: str) -> None:
        """Be the working copy of a URL. Raises OSError."""
        # Signing and writing at each run would change nothing.
        if self.url != url:
            self.make_state_folder()
            document = msgspec.json.encode(_CopyOf(url))
            replace_file(self._url_file, sign("url", str(self.root), document))

    def folder(self, run_id: str) -> RunFolder:
        return RunFolder(self.runs_folder / run_id)

    def create(
        self, pipeline: Pipeline, facts: RunFacts, *, run_id: str | None = None
    ) -> RunWriter:
        """Make the folder of a new run and open it for writing.

        Raises RunError if the root cannot be written or `run_id` exists.
        """
        try:
            self.make_state_folder()
            folder = self._make_run_folder(run_id)
            replace_file(folder.pipeline, to_json(pipeline))
            replace_file(folder.parameters, to_json(facts.parameters))
            folded = RunFold(facts)
            # Before the first event: it tells which process to ask about if that dies.
            replace_file(
                folder.summary, sign("run", folder.run_id, to_json(folded.run))
            )
            return RunWriter(
                EventLog(folder.events, folder.summary), folder.summary, folded
            )
        except OSError as error:
            raise RunError(
                f"Cannot keep runs in {self.state_folder}: {error.strerror or error}.",
                code="root_unwritable",
                hint="Choose another folder with --root DIR.",
            ) from error

    def make_state_folder(self) -> None:
        """Make `.jupyter_pipe/`, which version control leaves alone. Raises OSError and
        RunError."""
        self.require_no_links()
        self.runs_folder.mkdir(parents=True, exist_ok=True)
        ignore = self.state_folder / ".gitignore"
        if not ignore.exists():
            # The folder ignores itself, so no `.gitignore` of the user's has to.
            replace_file(ignore, b"*\n")
        _make_salt(self._salt_file)

    def require_no_links(self, path: Path | None = None) -> None:
        """Raises RunError if what is written here, or at `path` in here, could be a
        file somewhere else.

        Links that lead nowhere are removed: there is nothing that they could hide.
        """
        link = remove_dangling_links(self.state_folder) or (
            path and find_link_above(path, self.state_folder)
        )
        if link is not None:
            raise RunError(
                f"{link} is a symbolic link: what a run writes or removes would be somewhere else.",
                code="root_linked",
                hint="Remove the link, or keep runs in another folder with --root DIR.",
            )

    def salt(self) -> str:
        """The key of the digests of environment variables. It never leaves this folder,
        so that nobody elsewhere can try values; empty before the first run."""
        return _read_salt(self._salt_file)

    @property
    def _salt_file(self) -> Path:
        return self.state_folder / "salt"

    def ids(self) -> tuple[str, ...]:
        """The ids of all runs, newest first."""
        try:
            found = [(path, _first_line(path)) for path in self.runs_folder.iterdir()]
        except OSError:
            return ()
        begun = sorted(
            (_rank(path.name, line) for path, line in found if line.endswith(b"\n")),
            reverse=True,
        )
        return tuple(name for _, name in begun)

    def list(self) -> tuple[Run, ...]:
        """All readable runs, newest first."""
        found = (self._read_or_none(run_id) for run_id in self.ids())
        return tuple(run for run in found if run is not None)

    def find(self, prefix: str) -> str:
        """The id of the one run that starts with `prefix` (or ends with it: the short
        name that people read out); `latest` is the newest. Raises RunError if there is
        none, or several."""
        ids = self.ids()
        if prefix == "latest" and ids:
            return ids[0]
        if prefix in ids:
            return prefix
        matches = _matching(ids, prefix)
        if not matches:
            raise self._unknown(prefix, ids)
        if len(matches) > 1:
            raise _ambiguous(prefix, matches)
        return matches[0]

    def read(self, run_id: str) -> Run:
        """The run as it is now. Raises RunError if there is no such run."""
        folder = self.folder(run_id)
        summary = _read_summary(folder)
        if summary is not None and summary.is_final:
            return summary
        facts = summary.facts if summary else RunFacts()
        events = tuple(read_events(folder.events))
        if not events:
            raise self._unknown(run_id, self.ids())
        run = fold(events, facts)
        is_elsewhere = run.facts.shared and bool(self.url)
        if run.is_final or is_elsewhere or not _runner_died(run, folder):
            return run
        return fold([*events, _interruption(run, events[-1])], facts)

    def is_own(self, run_id: str) -> bool:
        """Whether the user, or a key that the user accepted, signed the run's summary.
        Other runs are shown; nothing that they say is carried out."""
        try:
            read_record(self.folder(run_id).summary, "run", run_id)
        except OSError:
            return False
        return True

    def require_own(self, run_id: str) -> None:
        """Raises UntrustedError unless the run is the user's own."""
        if not self.is_own(run_id):
            raise UntrustedError(
                f"Run {run_id} is not signed by you: it is shown, but nothing that its record says is "
                "carried out.",
                code="run_untrusted",
                hint=f"If you trust who made it: jupyter pipe trust {shlex.quote(str(self.root))}",
            )

    def read_pipeline(self, run_id: str) -> Pipeline:
        """The pipeline that the run ran. Raises RunError."""
        path = self.folder(run_id).pipeline
        try:
            pipeline = from_json(read_regular_file(path, follow=False), Pipeline)
        except UNREADABLE as error:
            raise RunError(
                f"The pipeline of run {run_id} cannot be read: {error}.",
                code="run_damaged",
            ) from error
        require_sound_names(pipeline, RunError)
        return pipeline

    def events(self, run_id: str, since: int = 0) -> Iterator[Event]:
        """The run's events after number `since`."""
        return read_events(self.folder(run_id).events, since)

    def reconcile(self) -> tuple[str, ...]:
        """Write down the interruption of every run whose runner died. Returns their
        ids."""
        return tuple(run_id for run_id in self.ids() if self._mark_interrupted(run_id))

    def is_current(self, run_id: str) -> bool:
        """Whether nothing new about the run can come from elsewhere: it has ended, its
        runner is a process of this machine, or it was submitted here, and who follows
        it brings what is new."""
        folder = self.folder(run_id)
        if folder.submitted.exists():
            return True
        summary = _read_summary(folder)
        if summary is None:
            return False
        runner = summary.facts.runner
        if summary.facts.shared:  # whoever runs a stage again goes on with it
            return summary.state is RunState.succeeded
        return summary.is_final or (runner is not None and is_here(runner))

    def _may_be_behind(self, run: Run) -> bool:
        """Whether the run may go on elsewhere although nothing of it came here
        lately."""
        runner = run.facts.runner
        return bool(self.url) and (
            run.facts.shared or (runner is not None and not is_here(runner))
        )

    def _read_or_none(self, run_id: str) -> Run | None:
        try:
            return self.read(run_id)
        except RunError:
            return None

    def _mark_interrupted(self, run_id: str) -> bool:
        folder = self.folder(run_id)
        summary = _read_summary(folder)
        if summary is not None and summary.is_final:
            return False
        run = self._read_or_none(run_id)
        if (
            run is None
            or run.state is not RunState.interrupted
            or self._may_be_behind(run)
        ):
            return False
        try:
            self._write_interruption(folder, run.facts)
        except (RunError, OSError):
            # somebody else writes it down, or this store is only ours to read
            return False
        return True

    def _write_interruption(self, folder: RunFolder, facts: RunFacts) -> None:
        with EventLog(folder.events, folder.summary) as log:
            folded = RunFold(facts)
            events = tuple(read_events(folder.events))
            for event in events:
                folded.add(event)
            writer = RunWriter(
                log, folder.summary, folded, signed=self.is_own(folder.run_id)
            )
            if events and not writer.run.is_final:
                writer.append(_interruption(writer.run, events[-1]))
            writer.flush()

    def _make_run_folder(self, run_id: str | None) -> RunFolder:
        path = self.runs_folder / (run_id or self.next_run_id())
        try:
            path.mkdir()
        except FileExistsError:
            if run_id is None:
                return self._make_run_folder(None)
            raise RunError(f"Run {run_id} exists already.", code="run_exists") from None
        return RunFolder(path)

    def next_run_id(self) -> str:
        """An id for a run that begins now. Ids sort as runs began, also those of one
        second."""
        return new_run_id(self._newest_name())

    def _newest_name(self) -> str:
        """The greatest name that we gave; runs that others named do not count."""
        try:
            names = [path.name for path in self.runs_folder.iterdir()]
        except OSError:
            return ""
        return max((name for name in names if _GIVEN.fullmatch(name)), default="")

    def _unknown(self, wanted: str, ids: tuple[str, ...]) -> RunError:
        hint = (
            f"The latest run is {ids[0]}."
            if ids
            else "Nothing has run here yet; see --root."
        )
        return RunError(
            f"There is no run {wanted!r} in {self.root}.", code="run_unknown", hint=hint
        )


def _matching(ids: Sequence[str], part: str) -> list[str]:
    """The ids that begin with this text; where none does, those that end with it."""
    if not part:
        return []
    beginning = [run_id for run_id in ids if run_id.startswith(part)]
    return beginning or [run_id for run_id in ids if run_id.endswith(part)]


def _ambiguous(prefix: str, matches: list[str]) -> RunError:
    listed = ", ".join(matches[:4]) + (", …" if len(matches) > 4 else "")
    return RunError(
        f"{len(matches)} runs start with {prefix!r}: {listed}.",
        code="run_ambiguous",
        hint="Type more of the id.",
    )


def _first_line(path: Path) -> bytes:
    """Of a run's log, as far as it is written: a run's folder is made a moment before
    its first event, and a runner may die between, or within."""
    try:
        with open_regular_file(path / "events.jsonl", follow=False) as file:
            return file.readline(_LONGEST_LINE)
    except OSError:
        return b""


def _rank(name: str, first_line: bytes) -> tuple[str, str]:
    """Where a run stands among the others. The names that we give sort by themselves; a
    run that others named stands where it began."""
    if _GIVEN.fullmatch(name):
        return name, name
    try:
        return _stamp(decode_event(first_line).time), name
    except (*UNREADABLE, OverflowError):
        return "", name


def _stamp(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y%m%d-%H%M%S}"


def new_run_id(newest: str = "") -> str:
    """An id that sorts behind `newest`, even if that is of this second or the clock was
    set back."""
    now = _stamp(time.time())
    stamp, _, number = newest.rpartition("-")
    if stamp < now:
        # Random, so that two machines that share a folder do not take the same id.
        return f"{now}-{os.urandom(2).hex()}"
    following = int(number, 16) + 1
    return (
        f"{stamp}-{following:04x}"
        # `ffff` has no successor of four digits; a longer name sorts behind it.
        if len(f"{following:x}") <= len(number)
        else f"{newest}0"
    )


def _make_salt(path: Path) -> None:
    """Only its owner can read it. Of two runs that begin at once, one makes it."""
    if _read_salt(path):
        return
    aside = path.with_name(f".salt.{os.urandom(8).hex()}")
    # Made with these rights, not given them later: nobody can read it in between.
    made = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(made, os.urandom(32).hex().encode())
    os.close(made)
    try:
        os.link(aside, path)
    except FileExistsError:
        if not _read_salt(path):  # damaged, and not made by another run meanwhile
            rename_over(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _read_salt(path: Path) -> str:
    """Empty if there is none that can be used."""
    try:
        text = read_regular_file(path).decode("ascii")
    except UNREADABLE:
        return ""
    return text if _SALT.fullmatch(text) else ""


def _read_summary(folder: RunFolder) -> Run | None:
    try:
        return msgspec.json.decode(
            read_regular_file(folder.summary, follow=False), type=Run
        )
    except UNREADABLE:
        return None


def _runner_died(run: Run, folder: RunFolder) -> bool:
    if run.facts.shared:
        return not has_live_stage(run, folder.path)
    runner = run.facts.runner
    if runner is None:  # its summary is lost, so nobody can be asked
        return not is_beating(folder.summary)
    return not is_alive(runner, folder.summary)


def _interruption(run: Run, last: Event) -> RunFinished:
    """What the runner could not say any more; it died at or after its last event."""
    seconds = max(
        0.0, last.time - (run.started or run.queued)
    )  # clocks are set back, too
    return RunFinished(
        state=RunState.interrupted,
        exit_code=1,
        seconds=seconds,
        seq=last.seq + 1,
        time=last.time,
    )
