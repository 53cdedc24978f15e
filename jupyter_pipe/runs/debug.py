"""A failed stage to try out by hand: a notebook, or a script for a terminal, that
begins with the stage's inputs as it received them.

Nothing that is done there reaches the run: values are loaded from the store, none is
stored. The code, and what it is given, come from files of the run, so they must be
signed by the user; `trust` takes them from anybody. Raises RunError and UntrustedError.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.bootstrap import bootstrap_source
from jupyter_pipe.artifacts.context_file import read_context, sources_digest
from jupyter_pipe.artifacts.protocol import StageContext
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError, UntrustedError
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.report.words import failure_place, failure_text
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.records import UNREADABLE, UnsignedError, read_regular_file

__all__ = ["debug_cells", "debug_script", "fetch_inputs", "write_debug_notebook"]

_Cell = dict[str, Any]


def write_debug_notebook(
    store: RunStore,
    run: Run,
    stage: StageRun,
    target: Path,
    *,
    force: bool = False,
    trust: bool = False,
) -> Path:
    """Write the notebook; an existing file is left alone unless `force`."""
    cells = list(debug_cells(store, run, stage, trust=trust))
    if target.exists() and not force:
        raise RunError(
            f"{target} exists already.",
            code="debug_exists",
            hint="Open it, or write it anew with --force.",
        )
    executed = _executed(store, run, stage)
    document = {
        "cells": [_heading(run, stage), *cells],
        "metadata": {
            **executed.metadata,
            "jupyter_pipe": {"debug": run.run_id, "stage": stage.name},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    try:
        replace_file(
            target, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
        )
    except OSError as error:
        raise RunError(
            f"Cannot write {target}: {error.strerror}.", code="debug_unwritable"
        ) from error
    return target


def fetch_inputs(
    store: RunStore, run: Run, stage: StageRun, *, trust: bool = False
) -> None:
    """Bring what the stage received here, where the run's root is a URL."""
    # Values are here already.
    if not store.url:
        return
    from jupyter_pipe.runs.remote import RemoteRoot, fetch_values

    _, context = _context_of(store, run, stage, trust=trust)
    refs = [
        *(payload.ref for payload in context.inputs),
        *(value.ref for value in context.ambient),
    ]
    fetch_values(RemoteRoot(store.url), store, refs)


def debug_script(
    store: RunStore, run: Run, stage: StageRun, *, trust: bool = False
) -> str:
    """What a terminal runs first: everything before the cell that failed."""
    failed = stage.failure.cell_id if stage.failure else None
    sources = []
    for cell in debug_cells(store, run, stage, trust=trust):
        if cell["cell_type"] != "code":
            continue
        if cell["id"] == failed:
            break
        sources.append("".join(cell["source"]))
    return "\n\n".join(sources) + "\n"


def debug_cells(
    store: RunStore, run: Run, stage: StageRun, *, trust: bool = False
) -> Iterator[_Cell]:
    """The stage's cells without outputs, behind one that restores what it received."""
    path, context = _context_of(store, run, stage, trust=trust)
    cells = _executed(store, run, stage).cells
    if not trust and sources_digest(cells) != context.sources:
        raise UntrustedError(
            f"The executed notebook of stage {stage.name!r} is not what run {run.run_id} executed: it was "
            "changed afterwards.",
            code="executed_altered",
            hint="Run the stage again, with --force, and debug that run.",
        )
    yield _cell(
        "debug-begin", f"# Makes the stage's inputs loadable\n{bootstrap_source(path)}"
    )
    failure = stage.failure
    for cell in cells:
        # It would store values; nothing that is tried out reaches the run.
        if cell.get("metadata", {}).get("jupyter_pipe", {}).get("role") == "outputs":
            continue
        if failure is not None and cell.get("id") == failure.cell_id:
            place = f"line {failure.line}" if failure.line else "here"
            yield _text(
                "debug-failure",
                f"**Failed in the next cell, {place}:** `{_one_line(failure_text(failure))}`",
            )
        if cell.get("cell_type") == "code":
            yield {**cell, "outputs": [], "execution_count": None}
        else:
            yield cell


def _heading(run: Run, stage: StageRun) -> _Cell:
    said = (
        f"failed in {failure_place(stage.failure)}"
        if stage.failure
        else stage.state.value
    )
    return _text(
        "debug-heading",
        f"# {stage.name}, to try out\n\nStage `{stage.name}` of run `{run.run_id}` {said}. "
        "The cells below begin with its inputs as it received them. "
        "Nothing that you do here changes the run; when it works, change the source notebook and resume.",
    )


class _Executed(msgspec.Struct):
    """What is read of an executed notebook."""

    cells: list[dict[str, Any]]
    metadata: dict[str, Any] = {}


def _executed(store: RunStore, run: Run, stage: StageRun) -> _Executed:
    path = store.folder(run.run_id).executed(stage.name)
    try:
        found = msgspec.json.decode(
            read_regular_file(path, follow=False), type=_Executed
        )
    except UNREADABLE as error:
        raise RunError(
            f"Stage {stage.name!r} has no executed notebook in run {run.run_id}.",
            code="debug_impossible",
            hint="Only a stage that has started can be tried out.",
        ) from error
    return found


def _context_of(
    store: RunStore, run: Run, stage: StageRun, *, trust: bool
) -> tuple[Path, StageContext]:
    """What the last attempt was given, and the file that says so."""
    if not trust:
        store.require_own(run.run_id)
    attempt = max(stage.attempts, 1)
    path = (
        store.folder(run.run_id).stage(stage.name)
        / "attempts"
        / str(attempt)
        / "context.json"
    )
    try:
        return path, read_context(path, run.run_id, stage.name, attempt, trust=trust)
    except UnsignedError:
        raise UntrustedError(
            f"What stage {stage.name!r} received in run {run.run_id} is not signed by you, so it is not "
            "loaded.",
            code="run_untrusted",
            hint=f"If you trust who made it: jupyter pipe trust {shlex.quote(str(store.root))}",
        ) from None
    except UNREADABLE:
        raise _unknown_inputs(run, stage) from None


def _unknown_inputs(run: Run, stage: StageRun) -> RunError:
    if stage.cached_from:
        return RunError(
            f"Stage {stage.name!r} was reused in run {run.run_id}.",
            code="debug_impossible",
            hint=f"Try the run that computed it: jupyter pipe debug {stage.cached_from} {stage.name}",
        )
    return RunError(
        f"Run {run.run_id} no longer knows what stage {stage.name!r} received.",
        code="debug_impossible",
        hint="Run the stage again, with --force, and debug that run.",
    )


def _cell(cell_id: str, source: str) -> _Cell:
    return {
        "cell_type": "code",
        "id": cell_id,
        # JupyterLab shows it folded: it is ours, and not what failed.
        "metadata": {"jupyter": {"source_hidden": True}},
        "execution_count": None,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _text(cell_id: str, source: str) -> _Cell:
    return {
        "cell_type": "markdown",
        "id": cell_id,
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }


def _one_line(text: str) -> str:
    # A backtick would end the code in which the message stands.
    return " ".join(text.replace("`", "'").split())
