"""Sweeps: many runs of one notebook with other parameters, and which of them was best.

Takes a notebook, a space of parameters and the metric to minimise or maximise; asks
Optuna (the extra `ml`) for values, makes each trial an ordinary run, and keeps what
came of it in `.jupyter_pipe/studies/NAME/`, in a file of lines that outlives a killed
sweep. Stages that no changed parameter reaches are computed once, since they are found
in the cache. A trial that fails is failed and the study goes on; one whose gate is
false is infeasible. Raises SweepError for what cannot be swept.
"""

from __future__ import annotations

from jupyter_pipe.sweeps.model import Dimension, Study, Trial, TrialState

__all__ = ["Dimension", "Study", "Trial", "TrialState"]
