"""The nouns of sweeps: a study, its trials, and the dimensions of its space. Frozen
records, no I/O."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

__all__ = [
    "Dimension",
    "Direction",
    "Sampler",
    "Study",
    "Trial",
    "TrialState",
    "best_trial",
]

TrialState = Literal["running", "succeeded", "failed", "pruned", "infeasible"]
Direction = Literal["minimize", "maximize"]
Sampler = Literal["tpe", "random", "grid"]


class Dimension(Struct, frozen=True, omit_defaults=True):
    """What a parameter may be: one of `choices`, or a number from `low` to `high`, both
    included. `log` draws small ones as often as large ones, `step` is the distance
    between two, `whole` leaves whole numbers."""

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False


class Study(Struct, frozen=True):
    """What is swept: `study.json`. `fixed` are parameters that all trials share, as
    texts. `stages` are those that a trial runs with all that they need; none stands for
    all. `identity` tells it from studies of the same name in other folders, `track` is
    the address of the tracker that hears of its trials."""

    name: str
    notebook: str
    metric: str
    direction: Direction
    space: tuple[Dimension, ...]
    fixed: dict[str, str] = {}
    sampler: Sampler = "tpe"
    trials: int = 20
    seed: int = 0
    prune: str = ""
    stages: tuple[str, ...] = ()
    identity: str = ""
    track: str = ""


class Trial(Struct, frozen=True):
    """One trial: a line of `trials.jsonl`; of several lines with one number the last
    one holds.

    `values` are the parameters as Python values, `value` is the metric. `steps` are
    values of the metric that pruning looks at, in the order in which they were logged.
    `reason` says why it did not succeed.
    """

    number: int
    values: dict[str, Any]
    run_id: str
    state: TrialState = "running"
    value: float | None = None
    metrics: dict[str, float | int | bool | str] = {}
    steps: tuple[float, ...] = ()
    seconds: float = 0.0
    reason: str = ""


def best_trial(study: Study, trials: tuple[Trial, ...]) -> Trial | None:
    """The succeeded trial with the best value; of equal ones the first."""
    sign = 1.0 if study.direction == "minimize" else -1.0
    good = [
        trial
        for trial in trials
        if trial.state == "succeeded" and trial.value is not None
    ]
    return min(
        good,
        # The value is there; mypy does not see it through the list above.
        key=lambda trial: (sign * (trial.value or 0.0), trial.number),
        default=None,
    )
