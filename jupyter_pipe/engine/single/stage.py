"""Runs one stage of a run that another engine drives: `run_single_stage`.

The attempt writes its own log; a `Watch` gathers it into the run's log meanwhile.
Raises RunError, PackageError, UntrustedError, and what `prepare` raises.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.engine.attempts.assignment import stage_work
from jupyter_pipe.engine.attempts.attempt import StageOutcome, run_stage
from jupyter_pipe.engine.attempts.attempt_folder import (
    RunPlace,
    attempt_folder,
    publish_attempt,
)
from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.engine.kernels.interrupts import catch_signals
from jupyter_pipe.engine.provenance import provenance_of, report_on
from jupyter_pipe.engine.request import PreparedRun, prepare
from jupyter_pipe.engine.scheduling.results import contract_events, result_events
from jupyter_pipe.engine.scheduling.stage_inputs import given_to
from jupyter_pipe.engine.scheduling.verdict import (
    approval_failure,
    is_worth_retrying,
    judge,
)
from jupyter_pipe.engine.single.bundles import (
    Bundle,
    code_digest,
    empty_bundle,
    leave_bundle,
    take_bundle,
)
from jupyter_pipe.engine.single.exchange import Exchange
from jupyter_pipe.engine.single.watch import Watch
from jupyter_pipe.engine.targets import RunRequest
from jupyter_pipe.errors import PackageError, RunError
from jupyter_pipe.events import (
    ApprovalChecked,
    ContractJudged,
    Event,
    FailureKind,
    StageCancelled,
    StageFailed,
    StageFinished,
    StageRetrying,
    StageStarted,
)
from jupyter_pipe.model import Pipeline, to_json
from jupyter_pipe.observe.words import contact_phrases
from jupyter_pipe.runs.locks import Holder
from jupyter_pipe.runs.model import Failure, Run
from jupyter_pipe.runs.shared.gathering import AttemptLog, SharedRun
from jupyter_pipe.runs.shared.turns import stage_turn
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.signatures import sign

__all__ = ["SingleStage", "StageEnd", "run_single_stage"]


class SingleStage(Struct, frozen=True):
    """Which stage to run. `attempt` is its number, or the first that is not taken.
    `take` are the bundles of the stages before it, `leave` the folder for its own.
    `delay_seconds` says that another attempt follows a failure that is worth it, so
    long after."""

    name: str
    attempt: int = 1
    delay_seconds: float | None = None
    take: tuple[Path, ...] = ()
    leave: Path | None = None


class StageEnd(Struct, frozen=True):
    """How it ended: `run` is the run after it. `reused` says that another process ran
    the stage meanwhile."""

    run: Run
    folder: RunFolder
    outcome: StageOutcome
    attempt: int
    reused: bool = False

    @property
    def exit_code(self) -> int:
        """0 succeeded, 1 failed, 3 a gate failed, 4 another attempt would fail as well,
        130 stopped."""
        failure = self.outcome.failure
        if failure is None:
            return 0 if self.outcome.result else 130
        # A gate says something about the model, not about the machine: an engine has no
        # reason to try again.
        if failure.kind is FailureKind.gate:
            return 3
        return 1 if is_worth_retrying(failure) else 4


class Listeners(Struct, frozen=True):
    """Who is told what happens: `event` of each event, `waiting` of the process that
    runs the stage already, `look` twice a second with the notebook that is being
    executed, and whether the stage is over."""

    event: Callable[[Event], None] = lambda event: None
    waiting: Callable[[Holder], None] = lambda holder: None
    look: Callable[[Path, bool], None] = lambda path, over: None


def run_single_stage(
    request: RunRequest,
    order: SingleStage,
    listeners: Listeners = Listeners(),  # noqa: B008 - frozen
) -> StageEnd:
    """Run one stage of a package, whose predecessors have run with the same store and
    `request.run_id`, or left the bundles in `order.take`."""
    package = request.target.package
    if package is None:
        raise PackageError(
            f"{request.target.notebook.name} is not a compiled package.",
            code="package_missing",
            hint="Compile the notebook first: jupyter pipe compile NOTEBOOK",
        )
    # With a folder that the user names, that folder is the user's to answer for.
    if request.workdir is None:
        _require_own_folder(request.target.pipeline, order.name)
    # Strict: what the graph does not know cannot be put right here, since another
    # engine has its order.
    options = replace(request.options, targets=(order.name,), strict=True)
    prepared = prepare(replace(request, options=options), alone=order.name)
    prepared = replace(
        prepared, facts=replace(prepared.facts, provenance=provenance_of(prepared))
    )
    folder = prepared.store.folder(request.run_id or "shared")
    prepared.store.require_no_links(
        attempt_folder(folder.path, order.name, order.attempt)
    )
    prepared.store.make_state_folder()
    # Before anything can fail: an engine must not take an earlier attempt's bundle for
    # this one's.
    if order.leave is not None:
        empty_bundle(order.leave)
    # An engine may start a task twice, for instance after it lost sight of a worker
    # that lives.
    with stage_turn(
        folder.stage(order.name), folder.run_id, listeners.waiting
    ) as waited:
        end = _Turn(prepared, folder, package, order, listeners).run(reuse=waited)
    if order.leave is not None and end.outcome.result is not None:
        bundle = Bundle(
            order.name,
            folder.run_id,
            code_digest(package, prepared.pipeline, order.name),
        )
        exchange = Exchange(prepared, folder, order.name)
        leave_bundle(
            order.leave,
            prepared.store,
            folder,
            bundle,
            end.outcome.result,
            exchange.read_changes(),
        )
    return end


def _require_own_folder(pipeline: Pipeline, stage: str) -> None:
    """The stage runs in a folder of the run, and must not leave it."""
    folder = Path(pipeline.folder_of(stage))
    if folder.is_absolute() or ".." in folder.parts:
        raise RunError(
            f"Stage {stage!r} runs in {folder}, which lies outside the run's working directory.",
            code="workdir_missing",
            hint="Run stages beside the notebooks with --workdir DIR.",
        )


class _Turn:
    """One process' turn at a stage."""

    def __init__(
        self,
        prepared: PreparedRun,
        folder: RunFolder,
        package: Path,
        order: SingleStage,
        tell: Listeners,
    ) -> None:
        self._prepared = prepared
        self._folder = folder
        self._package = package
        self._order = order
        self._tell = tell
        self._exchange = Exchange(
            prepared, folder, order.name, alone=bool(order.take or order.leave)
        )

    def run(self, *, reuse: bool) -> StageEnd:
        """The attempt, or the result that another process left while this one waited
        for its turn."""
        for path in self._order.take:
            take_bundle(
                path,
                self._prepared.store,
                self._folder,
                self._prepared.pipeline,
                self._package,
            )
        self._exchange.fetch()
        name = self._order.name
        shared = SharedRun(
            self._prepared.store,
            self._prepared.pipeline,
            self._exchange.facts,
            self._folder.run_id,
        )
        # Only after waiting: a task that the engine asks for anew is to be run anew.
        found = self._exchange.find_result(name) if reuse else None
        if found is not None:
            return StageEnd(
                shared.gather(),
                self._folder,
                StageOutcome(0.0, result=found),
                0,
                reused=True,
            )
        results = self._exchange.earlier_results()
        # From here on the earlier result is no longer true; a kill must not leave it
        # behind.
        self._exchange.withdraw()
        attempt = _claim(self._folder, name, self._order.attempt)
        log = AttemptLog(
            attempt_folder(self._folder.path, name, attempt) / "events.jsonl",
            Masker(self._prepared.secrets),
        )
        outcome = self._attempt(attempt, results, shared, log)
        run = shared.gather()
        report_on(self._folder)
        self._exchange.publish(outcome.result)
        return StageEnd(run, self._folder, outcome, attempt)

    def _attempt(
        self,
        attempt: int,
        results: dict[str, StageResult],
        shared: SharedRun,
        log: AttemptLog,
    ) -> StageOutcome:
        def report(event: Event) -> None:
            self._tell.event(log.append(event))

        name, stop = self._order.name, StopSignal()
        report(StageStarted(name, attempt))
        executed = attempt_folder(self._folder.path, name, attempt) / "executed.ipynb"
        watch = Watch(
            shared, self._folder, stop, lambda: self._tell.look(executed, False)
        )
        with watch, catch_signals(lambda _: stop.request()):
            outcome = self._run_stage(attempt, results, report, stop)
        self._tell.look(self._folder.executed(name), True)
        report(_last_event(name, attempt, outcome, self._order.delay_seconds))
        return outcome

    def _run_stage(
        self,
        attempt: int,
        results: dict[str, StageResult],
        report: Callable[[Event], None],
        stop: StopSignal,
    ) -> StageOutcome:
        name, pipeline = self._order.name, self._prepared.pipeline
        began = time.monotonic()
        try:
            self._exchange.lay_out(results)
        except OSError as error:
            failure = Failure(
                type(error).__name__,
                f"{error.strerror}: {error.filename}",
                kind=FailureKind.worker,
            )
            return StageOutcome(time.monotonic() - began, failure=failure)
        given = given_to(pipeline, name, results)
        for conflict in given.conflicts:
            report(conflict)
        work = stage_work(
            replace(self._prepared, facts=self._exchange.facts),
            pipeline,
            name,
            attempt,
            given=given,
            results=results,
            place=RunPlace(self._folder.run_id, self._folder.path, self._package),
        )
        outcome = run_stage(work, report, stop)
        # What the kernel reported is no result before it has been judged and signed.
        (attempt_folder(self._folder.path, name, attempt) / "result.json").unlink(
            missing_ok=True
        )
        publish_attempt(self._folder.path, name, attempt)
        if outcome.result is None:
            return self._judged(outcome, ())
        judged = self._prepared.judge(
            self._prepared.pipeline.stage(name), outcome.result
        )
        for event in (*result_events(name, outcome.result), *contract_events(judged)):
            report(event)
        asked = self._prepared.ask(self._prepared.pipeline.stage(name), outcome.result)
        if asked is not None:
            report(asked)
        return self._judged(outcome, judged, asked)

    def _judged(
        self,
        outcome: StageOutcome,
        contracts: Sequence[ContractJudged],
        asked: ApprovalChecked | None = None,
    ) -> StageOutcome:
        """A stage that ran to its end may have failed all the same. What it leaves
        counts from here on."""
        result, name = outcome.result, self._order.name
        observed = result.observed if result else outcome.observed
        left_behind = self._exchange.left_behind(observed)
        if result is None:
            failure = outcome.failure
            if failure is not None and left_behind is not None:
                return replace(outcome, failure=replace(failure, hint=left_behind.hint))
            return outcome
        failure = (
            judge(
                self._prepared.pipeline, name, result, strict=True, contracts=contracts
            )
            or left_behind
            or approval_failure(asked)
        )
        if failure is not None:
            return StageOutcome(outcome.seconds, failure=failure)
        self._exchange.keep_changes()
        record = sign("result", f"{self._folder.run_id}/{name}", to_json(result))
        replace_file(self._folder.result(name), record)
        return outcome


def _claim(folder: RunFolder, stage: str, first: int) -> int:
    """The number of the attempt: its folder is made now, and nobody else's."""
    number = first
    while True:
        path = attempt_folder(folder.path, stage, number)
        try:
            path.mkdir(parents=True)
        # Engines count tries from 1 again after a restart; the folders of earlier ones
        # stay.
        except FileExistsError:
            number += 1
        else:
            return number


def _last_event(
    stage: str, attempt: int, outcome: StageOutcome, delay: float | None
) -> Event:
    """How the attempt ended. `delay` is that of `SingleStage`."""
    if outcome.failure is not None:
        # Without a delay the engine has no further try: then this was the end.
        if delay is not None and is_worth_retrying(outcome.failure):
            reason = f"{outcome.failure.ename}: {outcome.failure.evalue}"
            return StageRetrying(stage, attempt + 1, delay_seconds=delay, reason=reason)
        fields = {
            name: getattr(outcome.failure, name) for name in Failure.__struct_fields__
        }
        return StageFailed(
            stage=stage, **fields, seconds=outcome.seconds, attempt=attempt
        )
    if outcome.result is None:
        return StageCancelled(stage, seconds=outcome.seconds)
    contacts = contact_phrases(outcome.result.observed.contacts)
    return StageFinished(stage, outcome.seconds, attempt, contacts)
