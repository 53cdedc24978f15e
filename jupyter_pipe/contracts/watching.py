"""Contracts in a run: what they ask of profiles, what an earlier result lacks, how a
stage fails. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_pipe.artifacts.profile_record import SchemaResult
from jupyter_pipe.artifacts.protocol import ProfileRequest, StageResult
from jupyter_pipe.contracts.judging import judge, lacks
from jupyter_pipe.contracts.model import Contract, Judgement
from jupyter_pipe.contracts.wording import judgement_lines
from jupyter_pipe.events import ContractJudged
from jupyter_pipe.model import Stage

__all__ = ["NO_FILE", "judge_stage", "request_of", "unanswered"]

NO_FILE = "it has no contract file yet"


def request_of(contract: Contract) -> ProfileRequest:
    """What the kernel must look at for this contract."""
    return ProfileRequest(
        by=contract.by, keys=(contract.key,) if contract.key else (), whole=True
    )


def unanswered(
    stage: Stage, result: StageResult, contracts: Mapping[str, Contract]
) -> str:
    """Why a result that is there cannot be judged as the stage's contracts ask today;
    empty if it can."""
    # An earlier result has the profile that was asked for then.
    for name in stage.options.watched:
        missing = (
            lacks(contracts[name], result.profiles.get(name))
            if name in contracts
            else ""
        )
        if missing:
            return f"contract of {name}: {missing}"
    # A schema runs in the kernel: only running the stage can ask it.
    asked = {(answer.value, answer.schema) for answer in result.schemas}
    new = [
        value
        for value, schema in stage.options.schemas.items()
        if (value, schema) not in asked
    ]
    return f"contract {new[0]}={stage.options.schemas[new[0]]} is new" if new else ""


def judge_stage(
    stage: Stage, result: StageResult, contracts: Mapping[str, Contract]
) -> tuple[ContractJudged, ...]:
    """What is said of each value that a tag of the stage watches."""
    said = [
        _by_file(stage.name, name, result, contracts.get(name))
        for name in stage.options.watched
    ]
    said += [_by_schema(stage.name, answer) for answer in result.schemas]
    return tuple(said)


def _by_file(
    stage: str, name: str, result: StageResult, contract: Contract | None
) -> ContractJudged:
    if contract is None:
        return ContractJudged(stage, name, passed=False, policy="none", missing=NO_FILE)
    found = judge(contract, result.profiles.get(name))
    lines = judgement_lines(found, contract.by)
    return ContractJudged(
        stage,
        name,
        passed=found.passed,
        policy=found.policy,
        problems=tuple(lines),
        columns=_columns(found),
        batches=found.batches,
        missing=found.missing,
    )


def _columns(judgement: Judgement) -> tuple[str, ...]:
    named: Sequence[str] = [
        breach.column for breach in judgement.breaches if breach.column
    ]
    return tuple(dict.fromkeys(named))


def _by_schema(stage: str, answer: SchemaResult) -> ContractJudged:
    if answer.error:
        problems = [
            f"{answer.value} could not be judged by {answer.schema}: {answer.error}."
        ]
    else:
        problems = [
            f"{answer.value}, {problem} (schema {answer.schema})."
            for problem in answer.problems
        ]
    return ContractJudged(
        stage, answer.value, not problems, policy="schema", problems=tuple(problems)
    )
