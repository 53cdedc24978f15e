"""What a run came from, and what it left on disk: from its records alone, which nobody
had to make."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from jupyter_pipe.runs.data.observations import read_observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore

__all__ = ["RunLineage", "TouchedFile", "lineage_of_run"]


class TouchedFile(Struct, frozen=True):
    """A file that a stage read or wrote. `digest` is the SHA-256 of its content then,
    empty where nobody had to know it, `missing` where nothing was there."""

    path: str
    digest: str
    stage: str


class RunLineage(Struct, frozen=True):
    """`reused` maps a stage whose result came from another run to that run. `read` has
    files that no stage of the run had written before."""

    run_id: str
    state: str
    queued: float
    notebook: str
    notebook_digest: str
    resumed_from: str | None
    git: dict[str, Any]
    parameters: dict[str, Any]
    metrics: dict[str, float | int | bool | str]
    gates: dict[str, bool]
    reused: dict[str, str]
    read: tuple[TouchedFile, ...]
    written: tuple[TouchedFile, ...]
    contacts: tuple[str, ...]


def lineage_of_run(store: RunStore, run: Run) -> RunLineage:
    """Everything that is known of where the run's results came from."""
    read, written = _files(store, run)
    provenance = run.facts.provenance
    return RunLineage(
        run_id=run.run_id,
        state=run.state.value,
        queued=run.queued,
        notebook=run.facts.notebook,
        notebook_digest=str(provenance.get("notebook_digest", "")),
        resumed_from=run.resumed_from,
        # There is no commit outside a repository, where the record may say null.
        git=provenance.get("git") or {},
        parameters={each.name: each.value for each in run.facts.parameters},
        metrics=run.metrics,
        gates={
            gate.expression: gate.passed for stage in run.stages for gate in stage.gates
        },
        reused={
            stage.name: stage.cached_from for stage in run.stages if stage.cached_from
        },
        read=read,
        written=written,
        contacts=tuple(
            dict.fromkeys(each for stage in run.stages for each in stage.contacts)
        ),
    )


def _files(
    store: RunStore, run: Run
) -> tuple[tuple[TouchedFile, ...], tuple[TouchedFile, ...]]:
    """Sources, and what was written, each by path."""
    read: dict[str, TouchedFile] = {}
    written: dict[str, TouchedFile] = {}
    for stage, observed in read_observations(store.folder(run.run_id), run):
        for each in (*observed.read, *observed.modules):
            # What an earlier stage wrote is no source: the run made it itself.
            if each.aspect == "content" and each.path not in written:
                read.setdefault(each.path, TouchedFile(each.path, each.digest, stage))
        # After the reading of the same stage: a file that it reads and then writes over
        # is a source.
        for each in observed.written:
            written[each.path] = TouchedFile(each.path, each.digest, stage)
    return tuple(read[path] for path in sorted(read)), tuple(
        written[path] for path in sorted(written)
    )
