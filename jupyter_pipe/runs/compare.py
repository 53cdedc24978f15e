"""What differs between runs: parameters, metrics with better or worse, gates, stages.
Pure.

The first run is the baseline. Whether more of a metric is better is read from the gates
on it (`mae < 25000`: less) or else from its name; where neither tells, a change is just
a change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from jupyter_pipe.runs.model import Run

__all__ = ["Comparison", "Difference", "Verdict", "better_when", "compare"]

Verdict = Literal["", "better", "worse"]
# `val_loss`, `mae`, `fit_seconds`: whole words between underscores.
_LESS_IS_BETTER = re.compile(
    r"(^|_)(mae|mse|rmse|mape|loss|error|err|deviance|perplexity|seconds|time|bytes|latency|brier)($|_)"
)
_MORE_IS_BETTER = re.compile(
    r"(^|_)(accuracy|acc|r2|f1|auc|precision|recall|score|ndcg|bleu|iou)($|_)"
)


class Difference(Struct, frozen=True):
    """One line: what it is called and its value in each run, None where a run has none.

    `verdicts` has one entry for each run: how it compares with the first.
    """

    name: str
    values: tuple[Any, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)


class Comparison(Struct, frozen=True):
    """All lines, equal ones included; readers show what differs unless asked."""

    runs: tuple[str, ...]
    parameters: tuple[Difference, ...] = ()
    metrics: tuple[Difference, ...] = ()
    gates: tuple[Difference, ...] = ()
    states: tuple[Difference, ...] = ()
    seconds: tuple[Difference, ...] = ()
    code: tuple[Difference, ...] = ()


def compare(runs: Sequence[Run]) -> Comparison:
    """Two or more runs, the first being the baseline."""
    directions = _directions(runs)
    return Comparison(
        runs=tuple(run.run_id for run in runs),
        parameters=_differences(
            [{p.name: p.value for p in run.facts.parameters} for run in runs]
        ),
        metrics=_differences([run.metrics for run in runs], directions),
        gates=_differences([_gates(run) for run in runs]),
        states=_differences(
            [{stage.name: stage.state.value for stage in run.stages} for run in runs]
        ),
        seconds=_differences([_seconds(run) for run in runs]),
        code=_differences([_code(run) for run in runs]),
    )


def better_when(metric: str, gates: Sequence[str] = ()) -> Literal["less", "more", ""]:
    """Which way the metric improves, as far as gates or its name tell."""
    name = re.escape(metric)
    for gate in gates:
        # `mae < 25000`, or the other way round: `25000 > mae`.
        if re.search(rf"\b{name}\s*<|>=?\s*{name}\b", gate):
            return "less"
        if re.search(rf"\b{name}\s*>|<=?\s*{name}\b", gate):
            return "more"
    if _LESS_IS_BETTER.search(metric.lower()):
        return "less"
    return "more" if _MORE_IS_BETTER.search(metric.lower()) else ""


def _directions(runs: Sequence[Run]) -> dict[str, str]:
    gates = [
        gate.expression for run in runs for stage in run.stages for gate in stage.gates
    ]
    names = {name for run in runs for name in run.metrics}
    return {name: better_when(name, gates) for name in names}


def _differences(
    columns: Sequence[dict[str, Any]], directions: dict[str, str] | None = None
) -> tuple[Difference, ...]:
    """One row a name over all columns; judged against the first column where
    `directions` are given."""
    names = list(dict.fromkeys(name for column in columns for name in column))
    found = []
    for name in names:
        values = tuple(column.get(name) for column in columns)
        direction = (directions or {}).get(name, "")
        verdicts = (
            tuple(_verdict(values[0], value, direction) for value in values)
            if directions
            else ()
        )
        found.append(Difference(name, values, verdicts))
    return tuple(found)


def _verdict(base: Any, value: Any, direction: str) -> Verdict:
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool)
        for each in (base, value)
    )
    if not direction or not numbers or base == value:
        return ""
    # Less where less is better, more where more is.
    return "better" if (value < base) == (direction == "less") else "worse"


def _gates(run: Run) -> dict[str, str]:
    return {
        gate.expression: "passed" if gate.passed else "failed"
        for stage in run.stages
        for gate in stage.gates
    }


def _seconds(run: Run) -> dict[str, float]:
    """Of the stages that ran; a reused result took no time worth comparing."""
    return {
        stage.name: round(stage.seconds, 3) for stage in run.stages if stage.seconds
    }


def _code(run: Run) -> dict[str, Any]:
    """Where code and environment came from, as far as it was recorded."""
    known = {"notebook": run.facts.provenance.get("notebook_digest")}
    git = run.facts.provenance.get("git") or {}
    known["commit"] = git.get("commit")
    known["python"] = run.facts.provenance.get("python")
    distributions = run.facts.provenance.get("distributions") or {}
    known.update({name: distributions[name] for name in sorted(distributions)})
    return {name: value for name, value in known.items() if value is not None}
