"""The results of stages, addressed by fingerprint: `.jupyter_pipe/cache/`.

An entry is published last, by renaming, once every payload it names is in the artifact
store, so a reader never sees half of it. What is not signed by the user, or by a key
that the user accepted, counts as absent: loading a value runs code. One signature is
enough, since an entry names its payloads by the hash of their content. Entries of one
key differ in what they used beyond it: generators' states, and the files, folders and
variables that their stage observed.
"""

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import ArtifactRef, StageResult
from jupyter_pipe.cache.fingerprint import Fingerprint
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.trust.records import UNREADABLE, is_foreign, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Cache", "CacheEntry", "Latest", "compiled_path", "latest_of", "references"]

# Old entries serve when something goes back to what it was, as a branch does. Each is
# compared in turn, so there is a limit.
_ENTRIES_A_KEY = 16


class CacheEntry(Struct, frozen=True):
    """One result, with what its stage read and wrote (`result.observed`). `generators`
    are the states that the stage drew from (component -> digest on entry), `executed`
    is its executed notebook, relative to the cache folder; `run_id` computed it in
    `seconds`, at `created`."""

    fingerprint: Fingerprint
    result: StageResult
    run_id: str
    seconds: float
    executed: str
    created: float
    generators: dict[str, str] = {}

    @property
    def circumstances(self) -> tuple[object, ...]:
        """What the result depends on beyond the key: two entries that agree in it are
        the same."""
        seen = self.result.observed
        paths = frozenset(
            (one.path, one.aspect, one.digest) for one in (*seen.read, *seen.modules)
        )
        variables = frozenset((one.name, one.digest) for one in seen.variables)
        return self.generators, paths, variables, seen.calendar


class Latest(Struct, frozen=True):
    """How a stage last succeeded; `unseeded` are generators that it drew from without a
    seed, which is why there is no entry to reuse. `written` are the files that it left
    (path -> digest), `received` those that it read as earlier stages had left them."""

    fingerprint: Fingerprint
    seconds: float = 0.0
    unseeded: tuple[str, ...] = ()
    written: dict[str, str] = {}
    received: tuple[str, ...] = ()


class _Entries(Struct, frozen=True):
    """What one file holds: the entries of a key, newest first."""

    entries: tuple[CacheEntry, ...]


_entries_decoder = msgspec.json.Decoder(_Entries)
_latest_decoder = msgspec.json.Decoder(Latest)


class Cache:
    """The entries under one root. Unreadable entries count as absent: the stage runs
    again.

    `bring` is asked for a file that is missing, and puts it there if it has it
    elsewhere. With `trust` entries count whoever signed them, or nobody.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bring: Callable[[Path], object] = lambda path: None,
        trust: bool = False,
    ) -> None:
        self.folder = folder
        self._bring = bring
        self._trust = trust
        self._known: dict[Path, tuple[tuple[int, ...], Latest | None]] = {}

    def candidates(self, key: str, generators: Mapping[str, str]) -> list[CacheEntry]:
        """The entries whose generator states are those of `generators`, the newest
        first."""
        return [
            entry
            for entry in self._read(key)
            if all(
                generators.get(name) == digest
                for name, digest in entry.generators.items()
            )
        ]

    def freshen(self, entry: CacheEntry) -> None:
        """Keep the entry's observations as they are in `entry`: the same contents, with
        newer times."""
        key = entry.fingerprint.key
        kept = [
            entry if old.executed == entry.executed else old for old in self._read(key)
        ]
        self._publish(key, kept)

    def record(
        self,
        entry: CacheEntry,
        *,
        pipeline: str,
        stage: str,
        executed: Path,
        left: Collection[str] = (),
    ) -> CacheEntry:
        """Publish a result, and remember it as the stage's latest; `left` are files of
        earlier stages."""
        key = entry.fingerprint.key
        kept = msgspec.structs.replace(
            entry, executed=self._keep_notebook(key, executed)
        )
        others = [
            old for old in self._read(key) if old.circumstances != entry.circumstances
        ]
        self._publish(key, [kept, *others][:_ENTRIES_A_KEY])
        self.remember(pipeline, stage, latest_of(entry, left))
        return kept

    def remember(self, pipeline: str, stage: str, latest: Latest) -> None:
        """Note how the stage last succeeded, to explain the next difference."""
        document = sign("latest", f"{pipeline}/{stage}", msgspec.json.encode(latest))
        replace_file(self._latest_path(pipeline, stage), document)

    def latest(self, pipeline: str, stage: str) -> Latest | None:
        """How the stage last succeeded, None if it never did here. A run asks several
        times."""
        path = self._latest_path(pipeline, stage)
        try:
            status = os.stat(path)
        except OSError:
            return None
        # Another process may have remembered a newer one; the stamp says so without
        # reading.
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (
                stamp,
                self._read_latest(path, f"{pipeline}/{stage}"),
            )
        return known[1]

    def _read_latest(self, path: Path, name: str) -> Latest | None:
        try:
            return _latest_decoder.decode(
                read_record(path, "latest", name, trust=self._trust)
            )
        except UNREADABLE:
            return None

    def is_foreign(self, key: str) -> bool:
        """Whether there are results for the key that count as absent, since others
        signed them."""
        return not self._trust and is_foreign(self._entries_path(key), "results", key)

    def executed_path(self, entry: CacheEntry) -> Path:
        """The executed notebook that belongs to an entry."""
        return self._brought(self.folder / entry.executed)

    def files_of(self, entry: CacheEntry) -> tuple[Path, Path]:
        """The executed notebook of an entry, and the file that holds the entry."""
        return self.folder / entry.executed, self._entries_path(entry.fingerprint.key)

    def entries(self) -> Iterator[tuple[Path, CacheEntry]]:
        """Every readable entry with the file that holds it, for `gc`."""
        for path in sorted(self.folder.glob("entries/*/*.json")):
            for entry in self._read(path.stem):
                yield path, entry

    def _read(self, key: str) -> tuple[CacheEntry, ...]:
        path = self._brought(self._entries_path(key))
        try:
            return _entries_decoder.decode(
                read_record(path, "results", key, trust=self._trust)
            ).entries
        except UNREADABLE:
            return ()

    def _publish(self, key: str, entries: Sequence[CacheEntry]) -> None:
        document = msgspec.json.encode(_Entries(tuple(entries)))
        replace_file(self._entries_path(key), sign("results", key, document))

    def _brought(self, path: Path) -> Path:
        if not path.exists():
            self._bring(path)
        return path

    def _entries_path(self, key: str) -> Path:
        # By the first two digits: no folder gets more entries than file systems like.
        return Path(f"{self.folder}/entries/{key[:2]}/{key}.json")

    def _latest_path(self, pipeline: str, stage: str) -> Path:
        return Path(f"{self.folder}/latest/{pipeline}/{stage}.json")

    def _keep_notebook(self, key: str, executed: Path) -> str:
        name = f"notebooks/{key[:2]}/{key}-{time.time_ns()}.ipynb"
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # A second name takes no space; not every file system has them.
            os.link(executed, target)
        except OSError:
            import shutil

            shutil.copyfile(executed, target)
        return name


def latest_of(entry: CacheEntry, left: Collection[str] = ()) -> Latest:
    """What is remembered of a stage whose result this is; `left` are files of earlier
    stages."""
    observed = entry.result.observed
    written = {one.path: one.digest for one in observed.written}
    received = (
        {one.path for one in observed.read if one.path in left} if left else set()
    )
    return Latest(
        entry.fingerprint,
        entry.seconds,
        written=written,
        received=tuple(sorted(received)),
    )


def compiled_path(state_folder: Path, notebook: str) -> Path:
    """Where the package is kept that was compiled for running the notebook at an
    absolute path."""
    name = hashlib.sha256(notebook.encode()).hexdigest()
    return state_folder / "cache" / "compiled" / f"{name}.json"


def references(result: StageResult) -> Iterator[ArtifactRef]:
    """The payloads that a result needs."""
    for payload in result.outputs:
        yield payload.ref
    for value in result.ambient:
        yield value.ref
