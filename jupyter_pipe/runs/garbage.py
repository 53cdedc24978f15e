"""Removes old runs, and the results and values that no run is left to refer to.

What a kept run refers to is kept, its cached results included, so that the next run
reuses what it would have reused. Values younger than an hour are left alone: a run may
be about to refer to them. A run that goes on is kept, and so is every result that it
could still reuse. One that begins meanwhile could have found a result before that was
removed: values then wait for the next time.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.cache.store import Cache, compiled_path, references
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.notes import read_note
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["Collected", "Limits", "collect", "stored_bytes"]

GRACE_SECONDS = 3600.0
# A worker's folder that old belongs to no stage that still runs.
LONGEST_STAGE_SECONDS = 7 * 86400.0
_result_decoder = msgspec.json.Decoder(StageResult)


class Limits(Struct, frozen=True):
    """What is kept: so many runs, runs younger than so many seconds, the newest runs
    that together take so many bytes. A run must satisfy all that are given; the newest
    is always kept."""

    runs: int | None = None
    seconds: float | None = None
    bytes: int | None = None


class Collected(Struct, frozen=True):
    """What was removed, or would be: ids of runs, numbers of results and values, bytes
    in all."""

    runs: tuple[str, ...] = ()
    results: int = 0
    values: int = 0
    bytes: int = 0


def collect(
    store: RunStore,
    limits: Limits,
    *,
    now: float,
    dry_run: bool = False,
    needed_runs: Collection[str] = (),
) -> Collected:
    """Remove what `limits` do not keep; `needed_runs` are kept in any case. Raises
    RunError if links lead out of the folder."""
    store.require_no_links()
    runs, values = store.list(), Store(store.state_folder)
    # Nothing is loaded here, and what others signed may be trusted tomorrow.
    cache = Cache(store.state_folder / "cache", trust=True)
    going_on = _going_on(runs)
    pinned = {run.run_id for run in runs if read_note(store.folder(run.run_id)).pinned}
    kept = {*_kept(store, values, runs, limits, now), *going_on, *pinned, *needed_runs}
    needed = _needed(store, cache, kept, anything=bool(going_on))
    old_runs = [store.folder(run.run_id).path for run in runs if run.run_id not in kept]
    old_results = _old_results(cache, needed)
    notebooks = {run.facts.notebook for run in runs if run.run_id in kept}
    # In this order, what is left of an interrupted removal refers to nothing that is
    # gone.
    paths = (*old_runs, *old_results, *_leftovers(store, notebooks, now))
    size = sum(map(_size, paths))
    if not dry_run:
        _remove_all(paths)
    # Looked at after results were removed: from here on no run can find them.
    begun = _going_on(store.list()) - going_on
    old_values = {} if begun else _old_values(values, needed, now)
    size += sum(map(_size, old_values.values()))
    if not dry_run:
        _remove_values(values, old_values)
    results = sum(path.suffix == ".json" for path in old_results)
    return Collected(
        tuple(path.name for path in old_runs), results, len(old_values), size
    )


def stored_bytes(store: RunStore) -> int:
    """What all stored values take, of every run."""
    return sum(_size(path) for _, path in Store(store.state_folder).entries())


def _going_on(runs: Sequence[Run]) -> set[str]:
    return {run.run_id for run in runs if not run.is_final}


def _needed(
    store: RunStore, cache: Cache, kept: Collection[str], *, anything: bool
) -> set[str]:
    """Addresses of the values that kept runs refer to; with `anything` also those that
    a run which goes on could still find in the cache."""
    needed = {address for run_id in kept for address in _references(store, run_id)}
    if anything:
        needed |= {
            ref.artifact
            for _, entry in cache.entries()
            for ref in references(entry.result)
        }
    return needed


def _kept(
    store: RunStore, values: Store, runs: Sequence[Run], limits: Limits, now: float
) -> Iterator[str]:
    """Ids of the runs that stay; `runs` are newest first."""
    counted: set[str] = set()
    total = 0
    for number, run in enumerate(runs):
        # A value that several runs share counts for the newest of them.
        addresses = set(_references(store, run.run_id)) - counted
        counted |= addresses
        total += _size(store.folder(run.run_id).path)
        total += sum(
            values.size(address) for address in addresses if values.has(address)
        )
        too_many = limits.runs is not None and number >= limits.runs
        too_old = limits.seconds is not None and now - run.queued > limits.seconds
        too_large = limits.bytes is not None and total > limits.bytes
        # The newest run is what the next one is compared with.
        if number == 0 or not (too_many or too_old or too_large):
            yield run.run_id


def _references(store: RunStore, run_id: str) -> Iterator[str]:
    """Addresses of the values that a run's stages stored or reused."""
    for path in store.folder(run_id).path.glob("stages/*/result.json"):
        with contextlib.suppress(*UNREADABLE):
            yield from (
                ref.artifact
                for ref in references(_result_decoder.decode(read_regular_file(path)))
            )


def _old_results(cache: Cache, needed: set[str]) -> list[Path]:
    """Files of cache entries that refer to a value which goes, with their notebooks."""
    found: dict[Path, list[Path]] = {}
    spared = set()
    for path, entry in cache.entries():
        found.setdefault(path, []).append(cache.executed_path(entry))
        if all(ref.artifact in needed for ref in references(entry.result)):
            spared.add(path)
    return [
        each
        for path, notebooks in found.items()
        if path not in spared
        for each in (path, *notebooks)
    ]


def _old_values(values: Store, needed: set[str], now: float) -> dict[str, Path]:
    found = values.entries()
    return {
        address: path
        for address, path in found
        if address not in needed and _is_old(path, now)
    }


def _leftovers(
    store: RunStore, notebooks: Collection[str], now: float
) -> Iterator[Path]:
    """Packages that were compiled for runs of notebooks of which none is kept, values
    whose writer was killed, and folders of workers that were."""
    state = store.state_folder
    compiled = {compiled_path(state, notebook) for notebook in notebooks}
    unused = (path for path in state.glob("cache/compiled/*") if path not in compiled)
    halves = (path for path in store.artifacts.glob(".writing-*"))
    yield from (path for path in (*unused, *halves) if _is_old(path, now))
    yield from (
        path
        for path in state.glob("work/*")
        if _is_old(path, now, LONGEST_STAGE_SECONDS)
    )


def _remove_all(paths: Sequence[Path]) -> None:
    for path in paths:
        _remove(path)


def _remove_values(values: Store, addresses: Collection[str]) -> None:
    for address in addresses:
        values.remove(address)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_old(path: Path, now: float, seconds: float = GRACE_SECONDS) -> bool:
    try:
        return now - path.stat().st_mtime > seconds
    except OSError:
        return False


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(_size(child) for child in path.iterdir())
    try:
        return path.stat().st_size
    except OSError:
        return 0
