"""Small pipelines and a shell without kernels, for tests of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import (
    ArtifactRef,
    ChangedInput,
    GateResult,
    Observations,
    StageResult,
    StoredPayload,
)
from jupyter_pipe.compiler.graph import resolve, rewire
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine import Machine, Options
from jupyter_pipe.engine.scheduling.priorities import Capacity
from jupyter_pipe.model import Effect, EffectKind, Pipeline, Source, Stage, StageOptions
from jupyter_pipe.runs.model import Failure

ERROR = Failure("ValueError", "no")


def stage(
    name: str, *, reads: str = "", binds: str = "", mutates: str = "", **options: object
) -> Stage:
    """A stage by its effects; names are words of the texts."""
    effects = [
        Effect(word, EffectKind.reads) for word in (reads + " " + mutates).split()
    ]
    effects += [Effect(word, EffectKind.binds) for word in binds.split()]
    effects += [Effect(word, EffectKind.mutates) for word in mutates.split()]
    return Stage(
        name,
        cells=(f"{name}-1",),
        module=f"{name}.py",
        notebook=f"notebooks/{name}.ipynb",
        effects=tuple(effects),
        options=msgspec.convert(options, StageOptions),
    )


def pipeline(*stages: Stage) -> Pipeline:
    wiring = resolve(stages)
    wired = tuple(
        msgspec.structs.replace(
            each, inputs=wiring.inputs[each.name], outputs=wiring.outputs[each.name]
        )
        for each in stages
    )
    return Pipeline(
        1, "p", "python3", Source("p.ipynb", "0"), stages=wired, edges=wiring.edges
    )


def diamond(**options: object) -> Pipeline:
    """load, then left and right side by side, then join."""
    return pipeline(
        stage("load", binds="x"),
        stage("left", reads="x", binds="l", **options),
        stage("right", reads="x", binds="r"),
        stage("join", reads="l r"),
    )


def result(
    *names: str, changed: Iterable[tuple[str, str]] = (), gate: bool | None = None
) -> StageResult:
    """A result that stores each name by itself."""
    stored = tuple(
        StoredPayload(ArtifactRef(f"file-{name}", f"digest-{name}", 1), (name,))
        for name in names
    )
    return StageResult(
        outputs=stored,
        changed=tuple(ChangedInput(source, (name,)) for source, name in changed),
        gates=() if gate is None else (GateResult("score > 1", gate, {"score": "0"}),),
    )


class Shell:
    """Drives a machine and keeps what it asked for."""

    def __init__(
        self,
        of: Pipeline,
        *,
        workers: int = 2,
        reuse: Iterable[str] = (),
        awaited: Iterable[str] = (),
        results: Mapping[str, StageResult] | None = None,
        began_ns: int = 0,
        **options: object,
    ) -> None:
        settings = msgspec.convert(options, Options)
        settings = msgspec.structs.replace(settings, capacity=Capacity(workers=workers))
        self.machine = Machine(of, settings, rewire)
        self.reusable = set(reuse)
        self.results = dict(results or {})
        self.awaited = set(awaited)
        self.reminders: list[ms.CheckLater] = []
        self.running: dict[str, int] = {}
        self.stopping: list[str] = []
        self.instructions: list[ms.Instruction] = []
        self.events: list[ev.Event] = []
        self.finish: ms.Finish | None = None
        self.tell(ms.Begin(began_ns))

    def tell(self, message: ms.Message) -> list[ms.Instruction]:
        answer = self.machine.handle(message)
        self.instructions += answer
        for instruction in answer:
            self._perform(instruction)
        return answer

    def _perform(self, instruction: ms.Instruction) -> None:
        match instruction:
            case ms.Log(event):
                self.events.append(event)
            case ms.Check(name, turn, remade):
                self._check(name, turn, remade=remade)
            case ms.CheckLater():
                self.reminders.append(instruction)
            case ms.Launch(name, attempt):
                assert name not in self.running
                self.running[name] = attempt
            case ms.Stop(name):
                self.stopping.append(name)
            case ms.Finish():
                self.finish = instruction

    def _check(self, name: str, turn: int, *, remade: bool = False) -> None:
        if name in self.awaited:
            self.tell(ms.StageChecked(name, turn, "waiting for run r1", waits=True))
            return
        hit = (
            ms.Reuse(self.result_of(name), "r0", 5.0)
            if name in self.reusable and not remade
            else None
        )
        self.tell(ms.StageChecked(name, turn, "unchanged" if hit else "never ran", hit))

    def remind(self) -> None:
        """Time passes: what was to be checked later is checked."""
        reminders, self.reminders = self.reminders, []
        for reminder in reminders:
            self._check(reminder.stage, reminder.turn)

    def result_of(self, name: str) -> StageResult:
        return self.results.get(name) or result(
            *self.machine.pipeline.stage(name).outputs
        )

    def end(self, name: str, given: StageResult | None = None) -> None:
        self.tell(
            ms.StageEnded(
                name, self.running.pop(name), given or self.result_of(name), 1.0
            )
        )

    def breaks(
        self,
        name: str,
        failure: Failure = ERROR,
        observed: Observations = Observations(),  # noqa: B008 - frozen
    ) -> None:
        self.tell(ms.StageBroke(name, self.running.pop(name), failure, 1.0, observed))

    def stopped(self, name: str) -> None:
        self.stopping.remove(name)
        self.tell(ms.StageStopped(name, self.running.pop(name), 1.0))

    def of(self, kind: Callable[..., object]) -> list[ev.Event]:
        return [event for event in self.events if type(event) is kind]

    def states(self) -> dict[str, str]:
        from jupyter_pipe.runs import fold

        run = fold(self.events)
        return {each.name: each.state.value for each in run.stages}
