"""Whether a pipeline with its cache computes what a fresh run of the notebook computes,
edit after edit.

`python -m tests.property.staleness COUNT [SEED]` tries so many sequences and prints
what went wrong.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jupyter_pipe.cache.plan import Computed
from jupyter_pipe.engine.attempts import attempt as stage_module
from jupyter_pipe.engine.request import PreparedRun, prepare
from jupyter_pipe.engine.reuse import forecast
from jupyter_pipe.engine.reuse.forecast import CachedResults
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine import Machine, Options
from jupyter_pipe.engine.scheduling.priorities import Capacity
from jupyter_pipe.engine.scheduling.stage_inputs import given_to
from jupyter_pipe.engine.targets import RunRequest, open_target
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.observe.undoing import take_back
from jupyter_pipe.runs.learned_effects import add_learned
from tests.cases.pipelines import ENOUGH, Forks, Outcome, attempt, run_stage_cells
from tests.property.outside import Scene, random_scene
from tests.property.outside_edits import random_edit, random_file_edit
from tests.property.outside_idioms import MADE, READERS

__all__ = [
    "Tally",
    "Trial",
    "difference_between",
    "run_notebook",
    "try_many",
    "try_sequence",
]

STEPS = 4
DISTURBED = 0.15
REPORTED = 20
"""After so many sequences it says how far it is."""
NO_STATE = (".jupyter_pipe", "__pycache__")
LOG = "app.log"
"""Who adds to it adds once for each time that it runs; what matters is that each
did."""


@dataclass
class Trial:
    """How one sequence went. `kind` is `equal`, `stale`, or `refused` if the pipeline
    failed and said that the order of two stages is not certain. `decided` counts stages
    that could have been reused, `needless` those that ran and gave what they had given
    before."""

    kind: str = "equal"
    detail: str = ""
    decided: int = 0
    needless: list[str] = field(default_factory=list)


@dataclass
class Pipelines:
    """Runs a scene's pipeline in a folder, again and again; only papermill and kernels
    are not real.

    `meanwhile` is called once, while a stage of the next run has run its cells and has
    not ended yet."""

    forks: Forks
    folder: Path
    runs: int = 0
    meanwhile: Callable[[Path], None] | None = None

    def interfere(self, chance: random.Random, share: float = 1.0) -> None:
        """Does what is to happen meanwhile, or leaves it for later."""
        if self.meanwhile is not None and chance.random() < share:
            self.meanwhile(self.folder)
            self.meanwhile = None

    def run(
        self, scene: Scene, chance: random.Random
    ) -> tuple[Outcome, dict[str, str]]:
        """What each cell printed, now or when the result was made, and the reason for
        each stage that ran."""
        target = open_target(scene.write_notebook(self.folder))
        target.store.make_state_folder()
        self.runs += 1
        package = self.folder / ".jupyter_pipe" / f"package{self.runs}"
        for name, content in target.files.items():
            if name.startswith("notebooks/"):
                (package / name).parent.mkdir(parents=True, exist_ok=True)
                (package / name).write_bytes(content)
        prepared = prepare(RunRequest(target, environment=scene.environment))
        run = _Run(self, prepared, package, chance)
        with patch.object(stage_module, "execute", run.execute):
            run.go()
        return run.outcome, run.reasons


class _Run:
    """The shell around one machine and the real cache."""

    def __init__(
        self,
        owner: Pipelines,
        prepared: PreparedRun,
        package: Path,
        chance: random.Random,
    ) -> None:
        self.outcome = Outcome()
        self.reasons: dict[str, str] = {}
        self._launches: list[ms.Launch] = []
        self._owner, self._prepared, self._package, self._chance = (
            owner,
            prepared,
            package,
            chance,
        )
        self._folder = owner.folder / ".jupyter_pipe" / "runs" / f"run{owner.runs}"
        self._folder.mkdir(parents=True)
        self._results = CachedResults(prepared, package, f"run{owner.runs}")
        self._machine = Machine(
            prepared.taking_part, Options(Capacity(ENOUGH)), prepared.rewire
        )
        self._printed: dict[str, dict[str, str]] = {}
        self._finished = False

    def go(self) -> None:
        todo: list[ms.Message] = [ms.Begin(time.time_ns())]
        while (todo or self._launches) and not self._finished:
            if not todo:
                launch = self._launches.pop(self._chance.randrange(len(self._launches)))
                todo.append(self._attempt(launch))
            for instruction in self._machine.handle(todo.pop(0)):
                todo += self._perform(instruction)
        self._results.close()

    def _perform(self, instruction: ms.Instruction) -> list[ms.Message]:
        """What an instruction leads to. Attempts do not overlap, so that there is
        nothing to stop."""
        match instruction:
            case ms.Check():
                return [self._check(instruction)]
            case ms.Launch():
                self._launches.append(instruction)
            case ms.Stop(stage):
                (launch,) = (one for one in self._launches if one.stage == stage)
                self._launches.remove(launch)
                return [ms.StageStopped(stage, launch.attempt, 0.0)]
            case ms.Log(event):
                self.outcome.note(event)
            case ms.Learn(stage, learned):
                add_learned(
                    self._prepared.store.state_folder,
                    self._prepared.pipeline.name,
                    stage,
                    learned,
                )
            case ms.TakeBack(_, written, read):
                take_back(written, read, self._owner.folder)
            case ms.Record():
                self._record(instruction)
            case ms.Finish():
                # What was asked for in the same breath is not answered any more, as in
                # the runner.
                self._finished = True
        return []

    def _check(self, asked: ms.Check) -> ms.Message:
        pipeline = self._machine.pipeline
        given = given_to(pipeline, asked.stage, self._machine.results)
        checked = self._results.check(pipeline, asked.stage, given, remade=asked.remade)
        if checked.executed is not None:
            # Of another stage with the same code, the cells have other ids.
            printed = json.loads(checked.executed.read_text())
            self.outcome.outputs.update(
                zip(pipeline.stage(asked.stage).cells, printed, strict=True)
            )
            self.reasons.pop(asked.stage, None)
        else:
            self.reasons[asked.stage] = checked.reason
        return ms.StageChecked(
            asked.stage,
            asked.turn,
            checked.reason,
            checked.reuse,
            remake=checked.remake,
        )

    def _record(self, record: ms.Record) -> None:
        if record.reused:
            return
        executed = self._folder / f"{record.stage}.json"
        executed.unlink(missing_ok=True)
        executed.write_text(json.dumps(list(self._printed[record.stage].values())))
        computed = Computed(record.result, f"run{self._owner.runs}", 1.0, executed)
        self._results.record(self._machine.pipeline, record.stage, computed)

    def _attempt(self, launch: ms.Launch) -> ms.Message:
        stage = self._machine.pipeline.stage(launch.stage)
        return attempt(
            self._machine,
            launch,
            package=str(self._package),
            run_folder=str(self._folder),
            store=str(self._prepared.store.artifacts),
            workdir=str(self._owner.folder),
            numbers=self._prepared.numbers_of(launch.stage),
            environment=self._prepared.environment_of(stage, "run"),
            salt=self._prepared.store.salt(),
        )

    def execute(
        self, notebook: Mapping[str, Any], _kernel: str, execution: Any
    ) -> None:
        """Stands in for papermill: the cells of a stage notebook in a fork."""
        outcome = Outcome()
        try:
            run_stage_cells(self._owner.forks, notebook, execution, outcome)
        finally:
            self._printed[execution.stage] = outcome.outputs
            self.outcome.outputs.update(outcome.outputs)
            self._owner.interfere(self._chance, 0.5)


def run_notebook(forks: Forks, folder: Path, scene: Scene) -> Outcome:
    """A fresh run of the notebook, from top to bottom."""
    path = scene.write_notebook(folder)
    cells = [
        {"id": "", "source": source, "user": False}
        for source in forks.sabotage.splitlines()
    ]
    cells += [
        {"id": cell.id, "source": cell.source, "user": True}
        for cell in read_notebook(path).code_cells
    ]
    outcome = Outcome()
    outcome.take(forks.run(folder, cells, scene.environment))
    return outcome


def try_sequence(
    forks: Forks,
    seed: int,
    steps: int = STEPS,
    kinds: Collection[str] = tuple(READERS),
    pipelines: type[Pipelines] = Pipelines,
) -> Trial:
    """One scene, run and edited in turn, in two folders that nothing distinguishes but
    who runs there. `kinds` are the ways of reading, `pipelines` runs the one of the
    two."""
    chance = random.Random(seed)
    scene = random_scene(chance, frozenset(kinds))
    with tempfile.TemporaryDirectory() as top, patch("os.fsync", lambda _: None):
        whole, parts = Path(top) / "whole", Path(top) / "parts"
        for folder in (whole, parts):
            folder.mkdir()
            scene.lay_out(folder)
        return _Sequence(scene, chance, whole, pipelines(forks, parts)).go(
            steps, f"seed {seed}"
        )


class _Sequence:
    """`whole` is the folder where the notebook runs, `runner` has that of the
    pipeline."""

    def __init__(
        self, scene: Scene, chance: random.Random, whole: Path, runner: Pipelines
    ) -> None:
        self._scene, self._chance, self._whole, self._runner = (
            scene,
            chance,
            whole,
            runner,
        )
        self._parts = runner.folder
        self._told = ["the first run"]
        self._before: dict[str, str] = {}
        self._trial = Trial()

    def go(self, steps: int, name: str) -> Trial:
        for step in range(steps):
            if step:
                self._edit()
            # What somebody does to the files in the middle of a run counts from the
            # next one on.
            disturbed = step < steps - 1 and self._chance.random() < DISTURBED
            expected, actual, reasons = self._run(disturbed)
            problem = (
                ""
                if disturbed
                else difference_between(expected, actual, self._whole, self._parts)
            )
            if problem:
                refused = "Order" in actual.error or "ReadTooLate" in actual.error
                self._trial.kind = "refused" if refused else "stale"
                story = "\n".join(
                    f"# {stage}\n{source}" for stage, source in self._scene.cells
                )
                self._trial.detail = (
                    f"{name}: {problem}\nafter {' · '.join(self._told)}\n{story}"
                )
                return self._trial
            if expected.error:
                return self._trial
            if step and not disturbed:
                _count(
                    self._trial,
                    self._scene,
                    reasons,
                    self._before,
                    expected.outputs,
                    self._told[-1],
                )
            self._before = {} if disturbed else expected.outputs
        return self._trial

    def _edit(self) -> None:
        _await_tick(self._whole.parent / "tick")
        edit = random_edit(self._scene, self._chance)
        self._told.append(edit.text)
        for folder in (self._whole, self._parts):
            edit.make(folder)

    def _run(self, disturbed: bool) -> tuple[Outcome, Outcome, dict[str, str]]:
        """The notebook, and the pipeline with the reasons of its stages; then both
        folders have the edit."""
        edit = random_file_edit(self._scene, self._chance) if disturbed else None
        if edit is not None:
            self._told.append(f"{edit.text}, in the middle of it")
            self._runner.meanwhile = edit.make
        with _on_day(self._runner.forks, self._scene.day):
            expected = run_notebook(self._runner.forks, self._whole, self._scene)
            actual, reasons = self._runner.run(self._scene, self._chance)
        if edit is not None:
            edit.make(self._whole)
            self._runner.interfere(self._chance)
            if _files(self._whole) != _files(self._parts):
                # A stage that came after the edit has written over it, or has written
                # what it read there: that is nobody's fault.
                for folder in (self._whole, self._parts):
                    edit.make(folder)
                _copy_files(self._parts, self._whole)
        return expected, actual, reasons


def _copy_files(source: Path, target: Path) -> None:
    """Those that differ, with their times."""
    ours, theirs = _files(source), _files(target)
    for name in ours.keys() | theirs.keys():
        if name not in ours:
            (target / name).unlink()
        elif ours[name] != theirs.get(name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def _await_tick(probe: Path) -> None:
    """Until files get another time than those of a moment ago: of two that were changed
    in one tick of the file system's clock, which of the folders' is the newer would be
    chance."""
    probe.touch()
    before = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns == before:
        os.utime(probe)


def _count(
    trial: Trial,
    scene: Scene,
    reasons: Mapping[str, str],
    before: Mapping[str, str],
    now: Mapping[str, str],
    edit: str,
) -> None:
    for number, (stage, _) in enumerate(scene.cells, 1):
        trial.decided += 1
        restores = (
            any(f"{name} is missing" in reasons.get(stage, "") for name in MADE)
            or "becomes 7" in edit
        )
        same = before.get(f"cell{number}") == now.get(f"cell{number}")
        if stage in reasons and same and not restores:
            trial.needless.append(f"{stage} after {edit}: {reasons[stage]}")


def difference_between(
    expected: Outcome, actual: Outcome, whole: Path, parts: Path
) -> str:
    """What a notebook and a pipeline printed and left in their folders differently;
    empty if nothing."""
    if expected.error or actual.error:
        if bool(expected.error) == bool(actual.error):
            return ""
        return f"the notebook ends with {expected.error!r}, the pipeline with {actual.error!r}"
    for name, text in expected.outputs.items():
        printed = actual.outputs.get(name, "" if name == "cell0" else "nothing")
        if _without_values(printed) != _without_values(text):
            return f"{name} prints {text!r}, in the pipeline {printed!r}"
    ours, theirs = _files(parts), _files(whole)
    differ = [name for name in {**theirs, **ours} if ours.get(name) != theirs.get(name)]
    told = [
        f"{name} is {theirs.get(name)!r}, of the pipeline {ours.get(name)!r}"
        for name in differ
    ]
    return "; ".join(told)


def _without_values(text: str) -> str:
    """Without the values of last lines, which a kernel does not print."""
    return "\n".join(
        line for line in text.splitlines() if line and not line.startswith("Out[")
    )


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    relative = {path.relative_to(folder).as_posix(): path for path in paths}
    return {
        name: b"\n".join(sorted(set(path.read_bytes().split())))
        if name == LOG
        else path.read_bytes()
        for name, path in relative.items()
        if not name.startswith(NO_STATE) and not name.endswith((".pyc", ".db"))
    }


@contextmanager
def _on_day(forks: Forks, day: int) -> Iterator[None]:
    """A day after today, in every process. `date.today` asks `time.time`, by this
    name."""
    shift = f"(lambda real: lambda: real() + {day * 86400})(__import__('time').time)"
    today = (date.today() + timedelta(days=day)).isoformat()
    forks.sabotage = f"setattr(__import__('time'), 'time', {shift})"
    with (
        patch.object(forecast, "today", lambda: today),
        patch.object(stage_module, "today", lambda: today),
    ):
        yield
    forks.sabotage = ""


@dataclass
class Tally:
    """How many sequences went how."""

    kinds: Counter[str] = field(default_factory=Counter)
    decided: int = 0
    needless: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def add(self, trial: Trial) -> None:
        self.kinds[trial.kind] += 1
        self.decided += trial.decided
        self.needless += trial.needless
        if trial.kind != "equal":
            self.details.append(f"{trial.kind}: {trial.detail}")

    @property
    def needless_share(self) -> float:
        return len(self.needless) / max(self.decided, 1)


def try_many(
    steps: int = STEPS,
    kinds: Collection[str] = tuple(READERS),
    pipelines: type[Pipelines] = Pipelines,
) -> None:
    """Tries as many sequences as the command line says (COUNT [SEED] [-v]) and says how
    they went."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    tally = Tally()
    with tempfile.TemporaryDirectory() as scratch:
        forks = Forks(Path(scratch))
        for number in range(seed, seed + count):
            trial = try_sequence(forks, number, steps, kinds, pipelines)
            tally.add(trial)
            if trial.kind == "stale" or (trial.kind != "equal" and "-v" in sys.argv):
                print(trial.kind, trial.detail, end="\n\n", flush=True)
            if (number - seed) % REPORTED == REPORTED - 1:
                print(f"after {number - seed + 1}: {dict(tally.kinds)}", flush=True)
        forks.close()
    for reason, times in Counter(tally.needless).most_common(15):
        print(f"needless, {times} times: {reason}")
    print(
        f"{dict(tally.kinds)}, {tally.needless_share:.1%} of {tally.decided} needless"
    )


if __name__ == "__main__":
    try_many()
