"""Judges a stage that ran to its end: succeeded, or failed after all, and is it worth
another try.

Pure. What the kernel reported (`StageResult`) in, a `Failure` or None out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from jupyter_pipe.artifacts.protocol import GateResult, StageResult, Untransportable
from jupyter_pipe.engine.scheduling.observed_order import OrderFinding
from jupyter_pipe.events import (
    DEMANDS,
    ApprovalChecked,
    ContractJudged,
    FailureKind,
    WarningRaised,
)
from jupyter_pipe.file_names import is_file
from jupyter_pipe.model import Pipeline
from jupyter_pipe.notebook.contract_files import contract_path
from jupyter_pipe.runs.model import Failure

__all__ = [
    "approval_failure",
    "exit_code_of",
    "is_contained",
    "is_kept",
    "is_worth_retrying",
    "judge",
    "kept_warning",
    "order_reason",
    "order_warning",
    "overwritten_failure",
    "retry_delay_seconds",
    "undeclared_failure",
]

_LONGEST_DELAY_SECONDS = 60.0
_MOST_NAMED = 4
_FOR_A_TAG = r"[\w./+@-]+"
"""Paths that a tag can name as they are."""
_MOST_PROBLEMS = 8
# A contract that only warns, and one that is not there yet.
_NO_FAILURE = frozenset({"warn", "none"})

# The same code with the same inputs ends the same way.
_CERTAIN = frozenset(
    {
        FailureKind.gate,
        FailureKind.contract,
        FailureKind.approval,
        FailureKind.effect,
        FailureKind.cannot_travel,
        FailureKind.input,
        FailureKind.no_worker,
    }
)


def judge(
    pipeline: Pipeline,
    stage: str,
    result: StageResult,
    *,
    strict: bool,
    contracts: Sequence[ContractJudged] = (),
) -> Failure | None:
    """Why the stage failed although all its cells ran, or None. `contracts` tell what
    was said of values."""
    return (
        # The kernel side's own failure comes first: with it, nothing else in the result
        # can be believed. Gates come last, since their values are wrong where an input
        # is.
        _ending_failure(result)
        or _order_failure(pipeline, stage, result)
        or (_effect_failure(stage, result) if strict else None)
        or _travel_failure(pipeline, stage, result)
        or _contract_failure(pipeline, contracts, strict=strict)
        or _gate_failure(result)
    )


def exit_code_of(kinds: Collection[FailureKind]) -> int:
    """1 where a stage failed, else 4 where data broke its contract, 3 where a gate was
    false, 5 where a person is asked."""
    # A run with both a failed stage and a false gate is a failed run: whoever retries
    # on 1 and asks a person on 3 must retry first.
    if set(kinds) - DEMANDS:
        return 1
    if FailureKind.contract in kinds:
        return 4
    return 3 if FailureKind.gate in kinds else 5


def approval_failure(asked: ApprovalChecked | None) -> Failure | None:
    """Why the stage is not done although nothing is wrong with it: a person has not
    answered, or said no."""
    if asked is None or asked.state == "approved":
        return None
    if asked.state == "rejected":
        note = f": {asked.note}" if asked.note else ""
        return Failure(
            "Rejected", f"{asked.by} rejected it{note}", kind=FailureKind.gate
        )
    return Failure(
        "ApprovalNeeded",
        asked.question,
        kind=FailureKind.approval,
        hint=f"Look at it, then: jupyter pipe approve latest {asked.stage}",
    )


def is_kept(failure: Failure, result: StageResult) -> bool:
    """Whether what the cells made stands although the stage fails: with another
    contract, or another answer, it is judged again and not made again."""
    # An answer may change overnight; to compute the model again for it would give a
    # model that nobody has looked at.
    if failure.ename == "Rejected" or failure.kind is FailureKind.approval:
        return True
    return failure.kind is FailureKind.contract and all(
        gate.passed for gate in result.gates
    )


def is_worth_retrying(failure: Failure) -> bool:
    """Whether another attempt might end differently."""
    return failure.kind not in _CERTAIN


def retry_delay_seconds(failures: int) -> float:
    """How long to rest after so many failures: 1, 2, 4 seconds, and so on, at most a
    minute."""
    # What passes by itself (a network, a lock) does so within seconds, or not within
    # the patience of whoever waits.
    return min(2.0 ** (failures - 1), _LONGEST_DELAY_SECONDS)


def order_reason(finding: OrderFinding, stage: str) -> str:
    """Why a stage runs again that has touched the same as another one, in the wrong
    order."""
    what = _things(finding.names)
    if stage == finding.later:
        return f"{what} written by {finding.earlier}"
    return f"{what} overwritten by {finding.later}"


def order_warning(finding: OrderFinding) -> WarningRaised:
    """What a run has learned about the order of two stages, and how to declare it."""
    return WarningRaised(
        stage=finding.later,
        code="order_learned",
        message=(
            f"{finding.earlier} and {finding.later} both use {_things(finding.names)}, which the code does "
            f"not show; from now on {finding.earlier} runs first. {_how_to_declare(finding)}"
        ),
    )


def kept_warning(stage: str, paths: tuple[str, ...]) -> WarningRaised:
    """Files that an attempt has changed which does not count, and that could not be put
    back."""
    return WarningRaised(
        stage=stage,
        code="file_not_restored",
        message=(
            f"{stage} runs again since it came too early, and finds in {', '.join(paths)} what its first "
            "attempt left there, which the notebook would not. Put that back as it was and run again: from "
            "now on the stages run in order."
        ),
    )


def undeclared_failure(finding: OrderFinding) -> Failure:
    """With `strict`: two stages meet in a file or variable, and the graph did not
    know."""
    return Failure(
        "OrderUndeclared",
        f"Stages {finding.earlier!r} and {finding.later!r} both use {_things(finding.names)}, and nothing in "
        "the notebook says that one runs after the other.",
        kind=FailureKind.effect,
        hint=_how_to_declare(finding),
    )


def overwritten_failure(finding: OrderFinding) -> Failure:
    """A stage may have read what one further down had written already."""
    return Failure(
        "ReadTooLate",
        f"Stage {finding.earlier!r} read {_things(finding.names)} when stage {finding.later!r}, further "
        "down, may have written it already.",
        kind=FailureKind.effect,
        hint=f"Bring back what was there and run again: {finding.earlier!r} now comes first. "
        f"{_how_to_declare(finding)}",
    )


def _how_to_declare(finding: OrderFinding) -> str:
    """By what the two do with the files, where a tag can say that, else by their
    order."""
    order = f"tag {finding.later} with after:{finding.earlier}"
    paths = [name.removeprefix("file:") for name in finding.names if is_file(name)]
    # A variable such as MODE has no tag, and a name with a space or comma could not be
    # read back from one.
    if len(paths) < len(finding.names) or not all(
        re.fullmatch(_FOR_A_TAG, path) for path in paths
    ):
        return f"To declare it, {order}."
    listed = ",".join(sorted(paths))
    first, second = finding.tags
    return (
        f"To declare it, tag {finding.earlier} with {first}:{listed} and {finding.later} with "
        f"{second}:{listed}, or {order}."
    )


def _things(names: Collection[str]) -> str:
    """`one.txt and MODE`: files and variables as people call them."""
    texts = [
        # `file:out/a.csv` -> `out/a.csv`, `@os.environ.MODE` -> `MODE`
        name.removeprefix("file:").removeprefix("@os.environ.")
        for name in sorted(names)
    ]
    if len(texts) > _MOST_NAMED:
        texts = [*texts[: _MOST_NAMED - 1], f"{len(texts) - _MOST_NAMED + 1} more"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _ending_failure(result: StageResult) -> Failure | None:
    if not result.error:
        return None
    return Failure("StageError", result.error, kind=FailureKind.internal)


def _order_failure(
    pipeline: Pipeline, stage: str, result: StageResult
) -> Failure | None:
    """A change that should have come between two cells that run together."""
    changed = {name for change in result.changed for name in change.names}
    names = sorted(changed.intersection(pipeline.stage(stage).frozen))
    if not names:
        return None
    listed = ", ".join(map(repr, names))
    return Failure(
        "InputChanged",
        f"Stage {stage!r} changed {listed}. A stage with cells above and below it reads that, and its cells "
        "run together, so no order of the stages is that of the notebook.",
        kind=FailureKind.effect,
        hint=f"Give the cells below stage {stage!r} a stage name of their own.",
    )


def _effect_failure(stage: str, result: StageResult) -> Failure | None:
    if not result.changed:
        return None
    names = sorted({name for change in result.changed for name in change.names})
    listed = ", ".join(repr(name) for name in names)
    sources = ", ".join(sorted({repr(change.from_stage) for change in result.changed}))
    return Failure(
        "InputChanged",
        f"Stage {stage!r} changed {listed}, received from {sources}, and a later stage reads it.",
        kind=FailureKind.effect,
        hint=f"Declare it: tag the cell that changes it mutates:{','.join(names)}",
    )


def _travel_failure(
    pipeline: Pipeline, stage: str, result: StageResult
) -> Failure | None:
    """Why the stage fails for a value that a later one reads: no file can hold it, or
    it is a secret."""
    if not result.untransportable:
        return None
    read = {
        value.name: reader.name
        # Reversed, so that of several readers the first in the notebook stays.
        for reader in reversed(pipeline.stages)
        for value in reader.inputs
        if value.from_ == stage
    }
    for value in result.untransportable:
        if value.name in read and value.secrets:
            return _secret_failure(value, read[value.name])
        if value.name in read:
            # `cfg` cannot travel because of `cfg['log'].stream`: only then the path
            # says more.
            where = f" (at {value.path})" if value.path not in {"", value.name} else ""
            return Failure(
                "CannotTravel",
                f"{value.name!r} is a {value.type_name}{where}, which cannot be passed to stage "
                f"{read[value.name]!r}: {value.reason}",
                kind=FailureKind.cannot_travel,
                hint=f"Build {value.name!r} in the stage that uses it, or put both cells in one stage.",
            )
    return None


def _secret_failure(value: Untransportable, reader: str) -> Failure:
    secrets = ", ".join(value.secrets)
    where = f" (at {value.path})" if value.path not in {"", value.name} else ""
    return Failure(
        "SecretValue",
        f"{value.name!r} holds the value of the secret {secrets}{where}; it would be stored, since stage "
        f"{reader!r} reads it.",
        kind=FailureKind.cannot_travel,
        hint=f"Read {secrets} from os.environ in each stage that needs it, tagged secret:{value.secrets[0]}; "
        "or allow this with --allow-secret-values.",
    )


def is_contained(failure: Failure | None, contracts: Sequence[ContractJudged]) -> bool:
    """Whether the failure keeps only what depends on the stage from running: all its
    contracts say so, or a person is asked."""
    if failure is not None and (
        failure.kind is FailureKind.approval or failure.ename == "Rejected"
    ):
        return True
    if failure is None or failure.kind is not FailureKind.contract:
        return False
    broken = [
        one.policy
        for one in contracts
        if not one.passed and one.policy not in _NO_FAILURE
    ]
    # One contract that stops the run outweighs all that only keep data back.
    return set(broken) == {"quarantine"}


def _contract_failure(
    pipeline: Pipeline, contracts: Sequence[ContractJudged], *, strict: bool
) -> Failure | None:
    """Why the stage fails for data that broke a contract, the first problems in
    full."""
    broken = [
        one for one in contracts if not one.passed and one.policy not in _NO_FAILURE
    ]
    if not broken and strict:
        return _missing_contract(pipeline, contracts)
    if not broken:
        return None
    problems = [problem for one in broken for problem in one.problems]
    shown = problems[:_MOST_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(f"… and {len(problems) - len(shown)} more")
    return Failure(
        "ContractBroken",
        "\n".join(shown),
        kind=FailureKind.contract,
        hint=_how_to_fix(pipeline, broken[0]),
    )


def _how_to_fix(pipeline: Pipeline, broken: ContractJudged) -> str:
    # A schema is code of the user, so there is no command that could widen it.
    if broken.policy == "schema":
        return "Fix the data, or the schema where the data is right."
    if pipeline.notebooks:
        path = _contract_file(pipeline, broken)
        return f"Fix the data. If it is right, widen the contract in {path}."
    command = f"jupyter pipe contract accept {Path(pipeline.source.notebook).name} latest {broken.value}"
    return f"Fix the data. If it is right, widen the contract: {command}"


def _contract_file(pipeline: Pipeline, judged: ContractJudged) -> str:
    """Of several notebooks, for which no command makes contracts: the file, as seen
    from the folder of the pipeline."""
    notebook = pipeline.notebook_of(judged.stage)
    source = notebook.source if notebook else pipeline.source
    return contract_path(Path(source.notebook), judged.value).as_posix()


def _missing_contract(
    pipeline: Pipeline, contracts: Sequence[ContractJudged]
) -> Failure | None:
    """A failure for tags `contract:NAME` without a file; None if all have one."""
    names = ", ".join(one.value for one in contracts if one.policy == "none")
    if not names:
        return None
    command = f"jupyter pipe contract init {Path(pipeline.source.notebook).name}"
    hint = f"Make the file from a run without --strict, and commit it: {command}"
    if pipeline.notebooks:
        lacking = (one for one in contracts if one.policy == "none")
        files = ", ".join(_contract_file(pipeline, one) for one in lacking)
        hint = f"Write the file, and commit it: {files}."
    return Failure(
        "ContractMissing",
        f"{names} has a contract: tag and no contract file, so nothing was judged.",
        kind=FailureKind.contract,
        hint=hint,
    )


def _gate_failure(result: StageResult) -> Failure | None:
    failed = [gate for gate in result.gates if not gate.passed]
    if not failed:
        return None
    return Failure(
        "GateFailed",
        "; ".join(_gate_text(gate) for gate in failed),
        kind=FailureKind.gate,
    )


def _gate_text(gate: GateResult) -> str:
    if gate.error:
        return f"{gate.expression} could not be evaluated: {gate.error}"
    values = ", ".join(f"{name} = {value}" for name, value in gate.values.items())
    return f"{gate.expression} is false" + (f" ({values})" if values else "")
