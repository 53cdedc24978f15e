"""What moved in the data between two runs: the profiles of values that both have."""

from __future__ import annotations

from collections import Counter

from jupyter_pipe.contracts import Drift, find_drift
from jupyter_pipe.errors import ContractError
from jupyter_pipe.runs.data.profiles import ValueProfile, read_profiles
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore

__all__ = ["compare_data"]


def compare_data(store: RunStore, before: Run, after: Run) -> list[Drift]:
    """One `Drift` for each value with columns. A name that several stages leave is
    `stage.name`. Raises ContractError if the runs have no such value in common."""
    old = _named(read_profiles(store.folder(before.run_id), before))
    new = _named(read_profiles(store.folder(after.run_id), after))
    found = [
        find_drift(name, old[name].profile, one.profile)
        for name, one in new.items()
        if name in old and one.profile.columns and old[name].profile.columns
    ]
    if not found:
        raise ContractError(
            f"Runs {before.run_id} and {after.run_id} have no profiled frame or array in common.",
            code="profile_missing",
            hint="Values are profiled that a later stage, a metric or a contract reads.",
        )
    return found


def _named(profiles: list[ValueProfile]) -> dict[str, ValueProfile]:
    counts = Counter(one.name for one in profiles)
    return {
        # Two stages may leave `df`, which are two values.
        one.name if counts[one.name] == 1 else f"{one.stage}.{one.name}": one
        for one in profiles
    }
