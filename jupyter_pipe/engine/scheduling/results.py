"""Reads a `StageResult`: which names it accounts for, and the events that tell of it.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.events import (
    ArtifactWritten,
    ContractJudged,
    Event,
    GateEvaluated,
    MetricLogged,
    WarningRaised,
)

__all__ = ["contract_events", "known_names", "result_events"]


def known_names(result: StageResult) -> set[str]:
    """The names that the result accounts for: stored, unbound, or unable to travel."""
    stored = {name for payload in result.outputs for name in payload.names}
    return (
        stored | set(result.unbound) | {value.name for value in result.untransportable}
    )


def result_events(stage: str, result: StageResult) -> Iterator[Event]:
    """What the log says of a result: artifacts, metrics, gates, warnings."""
    for payload in result.outputs:
        yield ArtifactWritten(
            stage=stage,
            names=payload.names,
            artifact=payload.ref.artifact,
            bytes=payload.ref.bytes,
            summary=payload.summary,
        )
    for metric, value in result.metrics.items():
        yield MetricLogged(stage=stage, name=metric, value=value)
    for metric, problem in result.metric_errors.items():
        yield WarningRaised(
            stage=stage, code="metric_invalid", message=f"{metric}: {problem}"
        )
    for gate in result.gates:
        yield GateEvaluated(
            stage=stage,
            expression=gate.expression,
            passed=gate.passed,
            values=gate.values,
            error=gate.error,
        )
    for name in result.secret_values:
        message = f"{name!r} holds a secret and was stored for later stages. Other runs do not reuse the result."
        yield WarningRaised(stage=stage, code="secret_stored", message=message)
    for message in result.warnings:
        yield WarningRaised(stage=stage, code="stage_warning", message=message)


def contract_events(judged: Iterable[ContractJudged]) -> Iterator[Event]:
    """What the log says of contracts: each judgement, and a warning where it does not
    end the stage."""
    for one in judged:
        yield one
        if one.policy == "none":
            message = (
                f"{one.value} has no contract yet. Make one from a run that is right: "
                "jupyter pipe contract init NOTEBOOK"
            )
            yield WarningRaised(
                stage=one.stage, code="contract_missing", message=message
            )
        elif one.policy == "warn":
            for problem in one.problems:
                yield WarningRaised(stage=one.stage, code="contract", message=problem)
