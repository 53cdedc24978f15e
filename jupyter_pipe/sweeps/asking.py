"""Asks Optuna which values to try next, and tells it what came of them. Imports Optuna
when it is made.

The study lives in memory and is filled with the trials that are there, so our own file
is the only record.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_pipe.errors import ExtraMissingError
from jupyter_pipe.sweeps.model import Dimension, Study, Trial
from jupyter_pipe.sweeps.spaces import grid_of

__all__ = ["Asker"]

# The user attribute that tells Optuna how far a trial is from being feasible: above 0
# it is not.
_BROKEN = "constraint"


class Asker:
    """`earlier` are the trials that have ended; `at_once` are as many as run side by
    side."""

    def __init__(
        self, study: Study, earlier: Sequence[Trial], at_once: int = 1
    ) -> None:
        try:
            import optuna
        except ImportError:
            raise ExtraMissingError("A sweep", "ml") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna: Any = optuna
        self._study = study
        self._lock = threading.Lock()
        self._space = {each.name: _distribution(optuna, each) for each in study.space}
        # Another sequence for each resumption: the same one would ask for what has been
        # tried.
        sampler = _sampler(optuna, study, study.seed + len(earlier), at_once)
        pruner = (
            # The first four go to their ends: before, there is no middle to be worse
            # than.
            optuna.pruners.MedianPruner(n_startup_trials=4)
            if study.prune
            else optuna.pruners.NopPruner()
        )
        self.optuna_study = optuna.create_study(
            direction=study.direction, sampler=sampler, pruner=pruner
        )
        self._grid = grid_of(study.space) if study.sampler == "grid" else None
        self._trials: dict[int, Any] = {}
        for trial in earlier:
            self.optuna_study.add_trial(self._frozen(trial))

    def ask(self, number: int) -> dict[str, Any]:
        """The parameters of trial `number`."""
        with self._lock:
            if self._grid is not None:
                # Optuna's own grid draws in an order of its own; ours is resumed by
                # number.
                self.optuna_study.enqueue_trial(dict(self._grid[number]))
            trial = self.optuna_study.ask(self._space)
            self._trials[number] = trial
            return dict(trial.params)

    def resume(self, trial: Trial) -> None:
        """A trial that was cut off runs again with its own values."""
        with self._lock:
            self.optuna_study.enqueue_trial(dict(trial.values))
            self._trials[trial.number] = self.optuna_study.ask(self._space)

    def should_prune(self, number: int, step: int, value: float) -> bool:
        """Whether a trial that has logged this is not worth going on."""
        with self._lock:
            self._trials[number].report(value, step)
            return bool(self._trials[number].should_prune())

    def tell(self, trial: Trial) -> None:
        """What came of a trial."""
        states = self._optuna.trial.TrialState
        with self._lock:
            asked = self._trials.pop(trial.number)
            # Before it is told: the sampler reads the attribute when the trial is
            # complete.
            asked.set_user_attr(_BROKEN, 1.0 if trial.state == "infeasible" else 0.0)
            if trial.value is not None and trial.state in ("succeeded", "infeasible"):
                self.optuna_study.tell(asked, trial.value)
            else:
                pruned = trial.state == "pruned"
                self.optuna_study.tell(
                    asked, state=states.PRUNED if pruned else states.FAIL
                )

    def _frozen(self, trial: Trial) -> Any:
        """An earlier trial as Optuna keeps it."""
        states = self._optuna.trial.TrialState
        is_complete = trial.value is not None and trial.state in (
            "succeeded",
            "infeasible",
        )
        state = (
            states.COMPLETE
            if is_complete
            else states.PRUNED
            if trial.state == "pruned"
            else states.FAIL
        )
        return self._optuna.trial.create_trial(
            state=state,
            value=trial.value if is_complete else None,
            params=dict(trial.values),
            distributions=self._space,
            intermediate_values=dict(enumerate(trial.steps)),
            user_attrs={_BROKEN: 1.0 if trial.state == "infeasible" else 0.0},
        )

    def importances(self) -> Mapping[str, float]:
        """How much of the difference between trials each parameter explains; empty if
        too few have ended, and for a single parameter, which explains all of it."""
        # The evaluator imports pandas and scikit-learn, which takes longer than many a
        # trial.
        if len(self._study.space) < 2:
            return {}
        evaluator = self._optuna.importance.PedAnovaImportanceEvaluator()
        try:
            found: Mapping[str, float] = self._optuna.importance.get_param_importances(
                self.optuna_study, evaluator=evaluator
            )
        except (ValueError, RuntimeError, ZeroDivisionError):
            return {}
        return found


def _sampler(optuna: Any, study: Study, seed: int, at_once: int) -> Any:
    if study.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if study.sampler == "grid":
        return optuna.samplers.RandomSampler(seed=0)  # every value is enqueued
    with warnings.catch_warnings():
        # What replaces it in Optuna 5 is not there in 4.
        warnings.simplefilter("ignore")
        return optuna.samplers.TPESampler(
            seed=seed,
            constant_liar=at_once > 1,
            constraints_func=lambda trial: (trial.user_attrs.get(_BROKEN, 0.0),),
        )


def _distribution(optuna: Any, dimension: Dimension) -> Any:
    kinds = optuna.distributions
    if dimension.choices:
        return kinds.CategoricalDistribution(dimension.choices)
    if dimension.whole:
        step = int(dimension.step or 1)
        return kinds.IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.log, step=step
        )
    return kinds.FloatDistribution(
        dimension.low, dimension.high, log=dimension.log, step=dimension.step
    )
