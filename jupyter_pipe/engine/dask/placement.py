"""Which workers of a cluster may run a stage, from what it asks for and what they
offer. Pure.

A worker that was started with resources named CPU, MEMORY or GPU (`dask worker
--resources "GPU=2"`) offers so much of them, and Dask counts what its stages take. One
that names none is taken by its threads and its memory limit, and is not counted for: it
runs as many stages as it has threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from jupyter_pipe.model import StageOptions

__all__ = ["Placement", "place"]


class Placement(Struct, frozen=True):
    """What to tell Dask: `resources` to count, and `workers`, addresses, to choose from
    (None: any). With a `problem` no worker can run the stage."""

    resources: dict[str, float] = {}
    workers: tuple[str, ...] | None = None
    problem: str = ""


def _wanted(options: StageOptions) -> dict[str, float]:
    """What the stage asks for, by Dask's names: `{"CPU": 2.0}`."""
    amounts = {
        "CPU": options.cpus,
        "MEMORY": float(options.memory_bytes or 0),
        "GPU": float(options.gpus),
    }
    return {name: amount for name, amount in amounts.items() if amount}


def _fits(
    worker: Mapping[str, Any], wanted: Mapping[str, float], named: set[str]
) -> bool:
    return all(
        _offered(worker, name, named) >= amount for name, amount in wanted.items()
    )


def place(options: StageOptions, workers: Mapping[str, Mapping[str, Any]]) -> Placement:
    """`workers` is what Dask's scheduler says of each: `resources`, `nthreads`,
    `memory_limit`."""
    wanted = _wanted(options)
    named = {
        name for worker in workers.values() for name in worker.get("resources") or ()
    }
    fitting = [
        address for address, worker in workers.items() if _fits(worker, wanted, named)
    ]
    counted = {name: amount for name, amount in wanted.items() if name in named}
    if fitting or not workers:
        return Placement(
            counted, None if len(fitting) == len(workers) else tuple(sorted(fitting))
        )
    listed = ", ".join(f"{name}={amount:g}" for name, amount in wanted.items())
    return Placement(problem=f"No Dask worker offers {listed}.")


def _offered(worker: Mapping[str, Any], name: str, named: set[str]) -> float:
    """Once a cluster names a resource, workers that do not name it have none."""
    if name in named:
        return float((worker.get("resources") or {}).get(name, 0))
    if name == "MEMORY":
        return float(worker.get("memory_limit") or "inf")
    if name == "CPU":
        # Stages run in kernels of their own: one that asks for the default runs
        # anywhere.
        return max(float(worker.get("nthreads") or 1), 1.0)
    return float(
        "inf"
    )  # who does not say that it has no graphics processor is believed to have enough
