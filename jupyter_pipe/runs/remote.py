"""A root that is a URL: what lies below it, and the folder of this machine that is its
working copy.

Values are mapped into memory, so every machine works in a folder of its own. What a run
commits there is published under the URL, and what is missing is fetched from it; the
layout is the same in both places (`.jupyter_pipe/…`), and names here are relative to
it. Needs fsspec. Raises RunError, ExtraMissingError, and UntrustedError for a URL that
is a folder which others can write.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_pipe.artifacts.protocol import ArtifactRef
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.errors import ArtifactError, ExtraMissingError, RunError
from jupyter_pipe.runs.store import STATE_FOLDER, RunStore

__all__ = [
    "PAUSE_SECONDS",
    "RemoteRoot",
    "fetch_runs",
    "fetch_values",
    "is_url",
    "local_root",
    "publish_values",
]

# Here a file is there as a whole or not at all; elsewhere it is renamed when it is
# whole.
_OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"}
)
_FOLDERS = frozenset({"file", "local"})

PAUSE_SECONDS = 30.0
"""After which a running run asks again for a URL that it could not reach."""


def is_url(root: str) -> bool:
    """Whether a root is given as a URL."""
    return "://" in root


def local_root(root: str | Path) -> Path:
    """The folder that stands for a root on this machine: itself, or the working copy of
    a URL."""
    text = str(root)
    if not is_url(text):
        return Path(root)
    remote = RemoteRoot(text)
    # what is wrong with the URL is said before anything is made
    remote.require_bucket()
    platformdirs = _needed("platformdirs")
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    store = RunStore(
        Path(platformdirs.user_cache_path("jupyter_pipe")) / "roots" / name
    )
    try:
        store.become_copy_of(text)
        learned = store.state_folder / "effects.json"
        if not learned.exists():
            remote.fetch(learned.name, learned)
    except OSError as error:
        raise RunError(
            f"Cannot keep a working copy in {store.root}: {error.strerror or error}.",
            code="root_unwritable",
        ) from error
    return store.root


class RemoteRoot:
    """The files below `url`. Safe to use from several threads."""

    def __init__(self, url: str, *, trust: bool = False) -> None:
        self.url = url
        core = _needed("fsspec.core")
        try:
            self._files, base = core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise RunError(
                f"The root {url} cannot be used: {error}.", code="root_unusable"
            ) from error
        protocols = self._files.protocol
        self._protocols = {protocols} if isinstance(protocols, str) else set(protocols)
        self._base = f"{str(base).rstrip('/')}/{STATE_FOLDER}"
        if self._protocols & _FOLDERS:
            Store(
                self._base, trust=trust
            )  # refuses a folder that others could have filled

    def require_bucket(self) -> None:
        """Raise RunError if the URL is in a bucket that does not exist: nothing makes
        one on the way."""
        bucket = self._base.lstrip("/").partition("/")[0]
        if not self._protocols & (_OBJECT_STORES - {"memory"}):
            return
        with self._reached():
            try:
                self._files.info(bucket)
            except PermissionError:
                return  # who may not look at the bucket may still use it
            except FileNotFoundError:
                raise FileNotFoundError(f"there is no bucket {bucket}") from None

    def has(self, name: str, *, size: int | None = None) -> bool:
        """Whether the file is there, with that many bytes."""
        with self._reached():
            try:
                found = self._files.info(f"{self._base}/{name}")
            except FileNotFoundError:
                return False
        return size is None or found["size"] == size

    def publish(self, path: Path, name: str) -> None:
        """Put a copy of a file under `name`, over whatever is there."""
        target = f"{self._base}/{name}"
        with self._reached():
            if self._protocols & _OBJECT_STORES:
                self._files.put_file(str(path), target)
                return
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            # Two machines may publish the same value at once.
            aside = f"{target}.{os.urandom(8).hex()}.tmp"
            self._files.put_file(str(path), aside)
            self._files.mv(aside, target)

    def fetch(self, name: str, path: Path) -> bool:
        """Bring a file here, as a whole or not at all. False if there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
        try:
            with self._reached():
                try:
                    self._files.get_file(f"{self._base}/{name}", str(aside))
                except FileNotFoundError:
                    return False
                self._keep_time(name, aside)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
        return True

    def _keep_time(self, name: str, path: Path) -> None:
        """By the time of its summary a run on another machine shows that it lives."""
        if not name.endswith("/run.json"):
            return
        try:
            modified = self._files.modified(f"{self._base}/{name}").timestamp()
        except NotImplementedError:
            # storage that knows no times: such a run counts as alive while it is looked
            # at
            return
        os.utime(path, (modified, modified))

    def names(self, folder: str) -> Iterator[str]:
        """Every file below a folder."""
        start = f"{self._base}/{folder}"
        with self._reached():
            # fsspec keeps listings; other machines write there, too.
            self._files.invalidate_cache()
            found = self._files.find(start)
        for path in found:
            # What another machine is writing at this moment.
            if not path.endswith(".tmp"):
                yield f"{folder}{str(path).rpartition(start.lstrip('/'))[2]}"

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        with self._reached():
            try:
                self._files.rm_file(f"{self._base}/{name}")
            except FileNotFoundError:
                return

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Each kind of storage has errors of its own."""
        try:
            yield
        except Exception as error:
            raise RunError(
                f"{self.url} cannot be reached: {error or type(error).__name__}",
                code="root_unreachable",
                hint="Is it spelt well, and may you read and write there?",
            ) from error


def publish_values(
    remote: RemoteRoot, store: RunStore, refs: Iterable[ArtifactRef]
) -> None:
    """Publish stored values that are not there yet."""
    values = Store(store.state_folder)
    for ref in refs:
        path = values.path(ref)
        name = path.relative_to(store.state_folder).as_posix()
        if not remote.has(name, size=ref.bytes):
            remote.publish(path, name)


def fetch_values(
    remote: RemoteRoot, store: RunStore, refs: Iterable[ArtifactRef]
) -> None:
    """Fetch stored values that are missing or damaged here. Raises ArtifactError if one
    is so there."""
    values = Store(store.state_folder)
    for ref in refs:
        if values.is_sound(ref):
            continue
        path = values.path(ref)
        if not remote.fetch(path.relative_to(store.state_folder).as_posix(), path):
            raise ArtifactError(
                f"The stored value {path.name} is neither here nor in {remote.url}.",
                code="artifact_unusable",
                hint="Run the stage that made it again with --force STAGE.",
            )
        values.verify(ref)


def fetch_runs(
    remote: RemoteRoot, store: RunStore, run_ids: Iterable[str] | None = None
) -> None:
    """Bring the files of runs up to date here: of all, or of some. A run that has
    ended, or that a process of this machine writes, is as it should be."""
    chosen = None if run_ids is None else set(run_ids)
    wanted: dict[str, list[str]] = {}
    for name in remote.names("runs"):
        run_id = name.split("/")[1]
        if chosen is None or run_id in chosen:
            wanted.setdefault(run_id, []).append(name)
    for run_id, names in wanted.items():
        if not store.is_current(run_id):
            # The log comes last: a run without it is none yet.
            for name in sorted(names, key=lambda each: each.endswith("/events.jsonl")):
                remote.fetch(name, store.state_folder / name)


def _needed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ExtraMissingError("A root that is a URL", "remote") from None
