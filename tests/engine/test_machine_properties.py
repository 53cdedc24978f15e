"""Random pipelines and courses of events: what must hold for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import Observations, ObservedPath
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.model import Pipeline
from jupyter_pipe.observe.left import FilesLeft
from jupyter_pipe.runs.model import Failure
from tests.engine.machines import Shell, pipeline, result, stage

FINAL = {"succeeded", "cached", "failed", "skipped", "cancelled"}


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Each stage binds a name of its own and reads some of the earlier ones."""
    size = draw(st.integers(1, 7))
    stages = []
    for number in range(size):
        earlier = [f"v{before}" for before in range(number)]
        reads = (
            draw(st.sets(st.sampled_from(earlier), max_size=3)) if earlier else set()
        )
        stages.append(
            stage(
                f"s{number}",
                reads=" ".join(sorted(reads)),
                binds=f"v{number}",
                retries=draw(st.integers(0, 1)),
                cpus=draw(st.sampled_from([1.0, 2.0])),
            )
        )
    return pipeline(*stages)


def act(shell: Shell, data: st.DataObject) -> None:
    """Let something happen that can happen now."""
    name = data.draw(st.sampled_from(sorted(shell.running)))
    if name in shell.stopping:
        shell.stopped(name)
        return
    match data.draw(st.sampled_from(["end", "end", "end", "break", "gate", "change"])):
        case "end":
            shell.end(name)
        case "break":
            shell.breaks(name, Failure("ValueError", "no"))
        case "gate":
            shell.end(
                name, result(*shell.machine.pipeline.stage(name).outputs, gate=False)
            )
        case "change":
            of = shell.machine.pipeline.stage(name)
            changed = [(value.from_, value.name) for value in of.inputs]
            shell.end(
                name,
                result(*of.outputs, *(given for _, given in changed), changed=changed),
            )


def wake(shell: Shell, seen: int) -> int:
    """Everything that rests wakes up."""
    for instruction in shell.instructions[seen:]:
        if isinstance(instruction, ms.WakeLater) and shell.finish is None:
            shell.tell(ms.RetryDue(instruction.stage, instruction.attempt))
    return len(shell.instructions)


@settings(max_examples=250, deadline=None)
@given(pipelines(), st.booleans(), st.integers(1, 3), st.booleans(), st.data())
def test_every_course_ends_and_keeps_the_order(
    of: Pipeline, keep_going: bool, workers: int, strict: bool, data: st.DataObject
) -> None:
    shell = Shell(of, workers=workers, keep_going=keep_going, strict=strict)
    cancel_at = data.draw(st.integers(0, 12))
    seen = 0
    for moment in range(300):
        seen = wake(shell, seen)
        if shell.finish is not None:
            break
        assert len(shell.running) <= workers
        assert shell.running, "nothing runs and the run is not over"
        if moment == cancel_at:
            shell.tell(ms.Cancel("user"))
        else:
            act(shell, data)
    assert shell.finish is not None
    states = shell.states()
    assert set(states) == {each.name for each in of.stages}
    assert set(states.values()) <= FINAL
    check_order(shell)
    check_exit(shell.finish, states, shell)


def check_order(shell: Shell) -> None:
    """No stage starts before its predecessors have succeeded, none after the cancel,
    and at the end none stands that used a value which is not the current one."""
    done: set[str] = set()
    cancelled = False
    for event in shell.events:
        match event:
            case ev.StageFinished(stage=name) | ev.StageCached(stage=name):
                done.add(name)
            case ev.StageQueued(stage=name):
                done.discard(name)
            case ev.RunCancelRequested():
                cancelled = True
            case ev.StageStarted(stage=name):
                assert not cancelled
                # Edges of the first graph only grow when an input changes.
                assert done >= set(event_predecessors(shell, name)) or shell.of(
                    ev.InputChanged
                )
    final = shell.machine.pipeline
    good = shell.machine.results
    for name in good:
        assert set(final.upstream(name)) <= set(good)


def event_predecessors(shell: Shell, name: str) -> tuple[str, ...]:
    return shell.machine.pipeline.upstream(name)


def check_exit(finish: ms.Finish, states: dict[str, str], shell: Shell) -> None:
    kinds = {
        event.kind
        for event in shell.of(ev.StageFailed)
        if isinstance(event, ev.StageFailed)
    }
    if shell.of(ev.RunCancelRequested):
        assert finish.exit_code == 130
    elif kinds:
        assert finish.exit_code == (3 if kinds == {ev.FailureKind.gate} else 1)
    else:
        assert finish.exit_code == 0
        assert set(states.values()) <= {"succeeded", "cached"}


@dataclass
class Disk:
    """Files that stages read and write, of which the graph knows nothing. `uses` are
    for each stage the paths that it reads and those that it writes; `read` is what each
    read last."""

    uses: dict[str, tuple[list[str], set[str]]]
    files: dict[str, str] = field(default_factory=dict)
    read: dict[str, list[str]] = field(default_factory=dict)

    def run(self, stage: str) -> Observations:
        """The stage reads, and writes what depends on it."""
        reads, writes = self.uses[stage]
        seen = [
            ObservedPath(path, digest=self.files[path])
            if path in self.files
            else ObservedPath(path, "presence", digest="missing")
            for path in reads
        ]
        self.read[stage] = [one.digest for one in seen]
        content = f"{stage}({','.join(self.read[stage])})"
        left = [
            ObservedPath(path, digest=content, existed=path in self.files)
            for path in sorted(writes)
        ]
        self.files |= dict.fromkeys(writes, content)
        return Observations(read=tuple(seen), written=tuple(left))


class ShellWithFiles(Shell):
    """Asks before a stage runs again whether the files that it uses are as the stages
    above it left them."""

    def __init__(self, of: Pipeline, disk: Disk, *, workers: int) -> None:
        self.disk, self.left = disk, FilesLeft([each.name for each in of.stages])
        super().__init__(of, workers=workers)

    def _check(self, name: str, turn: int, *, remade: bool = False) -> None:
        self.left.forget(name)
        before, remake = self.left.before(name), []
        reads, writes = self.disk.uses[name]
        for path, maker in self.left.makers(name).items():
            is_known = name in self.disk.read and path in {*reads, *writes}
            if is_known and self.disk.files[path] != before[path].digest:
                remake.append(maker)
        self.tell(
            ms.StageChecked(
                name, turn, "never ran", remake=tuple(dict.fromkeys(remake))
            )
        )

    def ran(self, name: str) -> None:
        observed = self.disk.run(name)
        self.left.note(name, observed, ran=True)
        stored = result(*self.machine.pipeline.stage(name).outputs)
        self.end(name, replace(stored, observed=observed))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pipelines(), st.integers(1, 3), st.data())
def test_who_meets_in_files_finds_them_as_in_the_notebook_or_fails(
    of: Pipeline, workers: int, data: st.DataObject
) -> None:
    paths = st.lists(st.sampled_from("abc"), max_size=2, unique=True)
    uses: dict[str, tuple[list[str], set[str]]] = {}
    for each in of.stages:
        reads, writes = data.draw(paths), data.draw(paths.map(set))
        # Who goes on from a file of its own, which nobody above can make again, has
        # changed it for good.
        above = {path for _, others in uses.values() for path in others}
        uses[each.name] = reads, writes - ({*reads} - above)
    notebook, disk = Disk(uses), Disk(uses)
    for each in of.stages:
        notebook.run(each.name)
    shell = ShellWithFiles(of, disk, workers=workers)
    for _ in range(300):
        if shell.finish is not None:
            break
        name = data.draw(st.sampled_from(sorted(shell.running)))
        if name in shell.stopping:
            shell.stopped(name)
        else:
            shell.ran(name)
    assert shell.finish is not None
    if shell.finish.exit_code == 0:
        assert (disk.read, disk.files) == (notebook.read, notebook.files)
    else:
        kinds = {
            event.ename
            for event in shell.of(ev.StageFailed)
            if isinstance(event, ev.StageFailed)
        }
        assert kinds == {"ReadTooLate"}
