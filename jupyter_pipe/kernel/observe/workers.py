"""Processes that the stage forks, or starts as workers of `multiprocessing` and joblib:
they note as well.

A fork goes on noting where it was; a started worker begins when it unpickles how it is
to be prepared. Each appends what is new to a file of its own, at once, since workers
are killed without notice; the stage collects these files when it ends. Records are
lines of JSON: `{"files": {path: fields}, "listings": […], …}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["PREPARING", "Records", "WorkerWatch", "start_in_forks"]

PREPARING = (
    "multiprocessing.spawn",
    "joblib.externals.loky.backend.spawn",
    "loky.backend.spawn",
)
"""Modules whose `get_preparation_data` makes what every worker is given first."""
_FUNCTION = "get_preparation_data"
_SOURCE = """
import importlib.util, sys
name = "jupyter_pipe_kernel"
if name not in sys.modules:
    spec = importlib.util.spec_from_file_location(name, {init!r}, submodule_search_locations=[{side!r}])
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
importlib.import_module(name + ".observe.observer").begin_worker({folder!r}, {salt!r}, {records!r})
"""
_forking: list[Callable[[], Callable[[], None]]] = []


class Records:
    """The files in which workers note; the folder of them is made when the first may
    come."""

    def __init__(self, folder: str = "") -> None:
        self.folder = folder

    def prepare(self) -> str:
        """The folder, there from now on."""
        if not self.folder:
            self.folder = tempfile.mkdtemp(prefix="joblib_memmapping_folder_observed_")
        return self.folder

    def append(self, record: dict[str, Any]) -> None:
        """To the file of this process."""
        path = os.path.join(self.folder, f"{os.getpid()}.jsonl")
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, json.dumps(record).encode() + b"\n")
        finally:
            os.close(descriptor)

    def collect(self) -> Iterator[dict[str, Any]]:
        """What all of them have noted; the folder is gone after that."""
        if not self.folder:
            return
        for name in sorted(os.listdir(self.folder)):
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                for line in file:
                    # The last line of a worker that was killed may be cut off.
                    with contextlib.suppress(ValueError):
                        yield json.loads(line)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = ""


class WorkerWatch:
    """Lets started workers begin to note, between `begin` and `end`. `kernel_side` is
    our folder."""

    def __init__(
        self, records: Records, kernel_side: str, folder: str, salt: str
    ) -> None:
        self._records = records
        self._side = kernel_side
        self._folder = folder
        self._salt = salt
        self._replaced: dict[str, Any] = {}

    def begin(self) -> None:
        for name in PREPARING:
            if name in sys.modules:
                self.arrived(name)

    def arrived(self, name: str) -> None:
        """The module has just been imported."""
        original = getattr(sys.modules.get(name), _FUNCTION, None)
        if original is None or name in self._replaced:
            return
        self._replaced[name] = original

        def prepared(*args: Any, **kwargs: Any) -> Any:
            data = original(*args, **kwargs)
            with contextlib.suppress(OSError):
                data["jupyter_pipe"] = _Beginning(self._source())
            return data

        setattr(sys.modules[name], _FUNCTION, prepared)

    def end(self) -> None:
        for name, original in self._replaced.items():
            setattr(sys.modules[name], _FUNCTION, original)
        self._replaced.clear()

    def _source(self) -> str:
        init = os.path.join(self._side, "__init__.py")
        records = self._records.prepare()
        return _SOURCE.format(
            init=init,
            side=self._side,
            folder=self._folder,
            salt=self._salt,
            records=records,
        )


class _Beginning:
    """Unpickled by a worker it executes the source; what a worker does with it else is
    nothing."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __reduce__(self) -> Any:
        guarded = "try:\n" + "".join(
            f"    {line}\n" for line in self._source.splitlines()
        )
        return exec, (guarded + "except Exception: pass\n", {})


def start_in_forks(prepare: Callable[[], Callable[[], None]] | None) -> None:
    """From now on `prepare` is called before each fork of this process, and what it
    returns in the fork."""
    if not _forking and prepare is not None and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_child=_in_fork)
    _forking[:] = [prepare] if prepare is not None else [_nothing]


_prepared: list[Callable[[], None]] = []


def _before() -> None:
    _prepared[:] = [_forking[0]()]


def _in_fork() -> None:
    _prepared[0]()


def _nothing() -> Callable[[], None]:
    return lambda: None
