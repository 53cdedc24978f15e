"""SLURM, through its commands: a job a stage, submitted by the exported script. Secrets
and parameters travel in the environment that `sbatch` passes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from jupyter_pipe.export import export_text, find_exporter
from jupyter_pipe.submit import (
    Order,
    Sighting,
    SilentError,
    StageSeen,
    Started,
    State,
    SubmitError,
)
from jupyter_pipe.submit.settings import Configuration

__all__ = ["Slurm", "sighting_of"]

# For each command: a busy controller may take its time.
_SECONDS_TO_WAIT = 60.0
# The others (FAILED, TIMEOUT, NODE_FAIL, OUT_OF_MEMORY, …) have failed.
_STATES: dict[str, State] = {
    "PENDING": "waiting",
    "CONFIGURING": "waiting",
    "REQUEUED": "waiting",
    "SUSPENDED": "running",
    "RUNNING": "running",
    "COMPLETING": "running",
    "STAGE_OUT": "running",
    "COMPLETED": "succeeded",
    "CANCELLED": "cancelled",
}


class Slurm:
    """The handle has the number of each stage's job."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def require_settings(self) -> None:
        """SLURM's commands have to be there."""
        if shutil.which("sbatch") is None:
            raise _missing("sbatch")

    def start(self, order: Order) -> Started:
        """Submit the jobs. Raises SubmitError with what `sbatch` said."""
        script = order.folder / "submitted.sh"
        script.write_text(
            export_text(find_exporter("slurm"), order.plan), encoding="utf-8"
        )
        environment = {**os.environ, **order.values, "RUN_ID": order.run_id}
        done = _called(["bash", str(script)], environment)
        # For example: "train 17", and at last "run 20261130-…".
        pairs = [line.split() for line in done.stdout.splitlines()]
        jobs = {
            pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[1].isdigit()
        }
        if done.returncode == 0:
            return Started(jobs)
        if jobs:
            _called(["scancel", *jobs.values()])
        raise SubmitError(
            f"SLURM took {len(jobs)} of {len(order.plan.tasks)} stages: {_last_line(done.stderr)}.",
            code="engine_refused",
            hint="Those that it took were cancelled. SBATCH_PARTITION, SBATCH_ACCOUNT and the like say how "
            "your cluster wants its jobs.",
        )

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """Ask the controller, which forgets jobs some minutes after their end."""
        done = _called(
            # %i is the job's number, %T its state, %r the reason for that.
            ["squeue", "--all", "--states=all", "--noheader", "--format=%i|%T|%r"]
        )
        if done.returncode:
            raise SilentError(_last_line(done.stderr))
        return sighting_of(done.stdout, handle)

    def cancel(self, handle: Mapping[str, str]) -> None:
        """The stages' processes get SIGTERM, and end as cancelled."""
        done = _called(["scancel", *handle.values()])
        # A job that has ended is not to be cancelled any more.
        if done.returncode and "Invalid job id" not in done.stderr:
            raise SilentError(_last_line(done.stderr))


def sighting_of(listed: str, jobs: Mapping[str, str]) -> Sighting:
    """What lines such as `17|PENDING|Resources` say of the jobs. One that is not listed
    has ended, and its log is all that is left of it."""
    lines = [line.split("|", 2) for line in listed.splitlines() if line.count("|") >= 2]
    found = {number: (state, reason) for number, state, reason in lines}
    stages = {}
    for name, number in jobs.items():
        state, reason = found.get(number, ("COMPLETED", "None"))
        # For example: `PENDING (Resources)`.
        note = state if reason in {"None", ""} else f"{state} ({reason})"
        stages[name] = StageSeen(_STATES.get(state, "failed"), note)
    return Sighting(_whole({stage.state for stage in stages.values()}), stages)


def _whole(states: set[State]) -> State:
    if states == {"waiting"}:
        return "waiting"
    if states & {"waiting", "running"}:
        return "running"
    # Stages behind one that failed are cancelled: that is no reason to call it that.
    order: tuple[State, ...] = ("failed", "cancelled")
    return next((state for state in order if state in states), "succeeded")


def _called(
    command: list[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS_TO_WAIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SilentError(
            f"{command[0]} took longer than {_SECONDS_TO_WAIT:g} s"
        ) from None
    except FileNotFoundError:
        raise _missing(command[0]) from None


def _missing(program: str) -> SubmitError:
    return SubmitError(
        f"There is no program {program!r} on this machine.",
        code="engine_refused",
        hint="Submit from a machine that can reach the cluster.",
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1].rstrip(".")
