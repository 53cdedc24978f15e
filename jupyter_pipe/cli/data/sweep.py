"""`jupyter pipe sweep NB`: many runs with other parameters, and which of them was
best."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_trust, at_least
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run_options import (
    command_line,
    environment_of,
    track_address,
)
from jupyter_pipe.errors import SweepError

if TYPE_CHECKING:
    from jupyter_pipe.engine import Target
    from jupyter_pipe.sweeps import Study, Trial
    from jupyter_pipe.sweeps.studies import StudyFolder

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe sweep home_value.ipynb -p n_estimators=20..400:log -p seed=1,2,3 --minimize fold_mae --trials 40
jupyter pipe sweep home_value.ipynb -p n_estimators=50..200:step=50 --minimize fold_mae --grid -j 2
jupyter pipe sweep home_value.ipynb --study fold_mae --resume
jupyter pipe run home_value.ipynb -f best.yaml       after --best best.yaml

spaces:
  20..400            numbers, both ends included; whole ones for an int
  20..400:log        small ones as often as large ones
  0..1:step=0.1      in steps
  ridge,forest       one of these
  NAME alone         what the annotation says: Literal["a", "b"], or bool

A trial runs the stages that the metric needs, and finds in the cache what no changed parameter reaches. One
that fails counts as failed and the study goes on; one whose gate is false is infeasible."""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "sweep", run, examples=EXAMPLES)
    parser.add_argument(
        "target", metavar="NB|DIR", help="a notebook or a compiled package"
    )
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=SPACE",
        help="may be given several times",
    )
    goal = parser.add_mutually_exclusive_group()
    goal.add_argument("--minimize", metavar="METRIC", help="the smaller the better")
    goal.add_argument("--maximize", metavar="METRIC", help="the larger the better")
    how = parser.add_argument_group("which trials")
    how.add_argument(
        "--trials", type=at_least(1), metavar="N", help="how many in all (default: 20)"
    )
    kind = how.add_mutually_exclusive_group()
    kind.add_argument(
        "--tpe",
        dest="sampler",
        action="store_const",
        const="tpe",
        help="learn from earlier ones (default)",
    )
    kind.add_argument(
        "--random",
        dest="sampler",
        action="store_const",
        const="random",
        help="draw at random",
    )
    kind.add_argument(
        "--grid",
        dest="sampler",
        action="store_const",
        const="grid",
        help="try every combination",
    )
    how.add_argument(
        "--seed",
        type=at_least(0),
        default=0,
        metavar="N",
        help="of the sampler (default: 0)",
    )
    how.add_argument(
        "--prune",
        default="",
        metavar="METRIC",
        help="end a trial early if this metric is worse than usual",
    )
    how.add_argument(
        "--whole",
        action="store_true",
        help="run all stages, not only those that the metric needs",
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=at_least(1),
        default=1,
        metavar="N",
        help="trials at a time (default: 1)",
    )
    parser.add_argument(
        "--study", metavar="NAME", help="its name (default: the metric's)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a study, with more trials if --trials says so",
    )
    parser.add_argument(
        "--best", type=Path, metavar="FILE", help="write the best parameters as YAML"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the report there, too"
    )
    parser.add_argument(
        "--track",
        nargs="?",
        const="default",
        metavar="ADDRESS",
        help="tell MLflow about study and trials, or the tracker at this address",
    )
    parser.add_argument(
        "--root",
        metavar="DIR",
        help="gets .jupyter_pipe (default: the notebook's folder)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="NAME=VALUE lines, for secret:NAME tags",
    )
    add_trust(parser)
    # Three options write to one name, and None says that none was given.
    parser.set_defaults(sampler=None)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if a trial succeeded, 1 if none did, 130 if it was interrupted."""
    from jupyter_pipe.engine import open_target
    from jupyter_pipe.runs.model import RunOptions
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore
    from jupyter_pipe.sweeps.running import SweepOrder, run_sweep

    terminal = Terminal.of(args)
    target = open_target(
        args.target, RunStore(local_root(args.root)) if args.root else None
    )
    study, folder = _study(terminal, target, args)
    order = SweepOrder(
        target=target,
        options=RunOptions(trust=args.trust, strict=False),
        environment=environment_of(args.env_file),
        at_once=args.jobs,
        command=command_line(sys.argv[1:]),
        tell=lambda trial: terminal.say(_line(study, trial)),
    )
    try:
        trials = run_sweep(study, folder, order)
    except KeyboardInterrupt:
        terminal.result(
            f"Interrupted. To go on: jupyter pipe sweep {args.target} --study {study.name} --resume"
        )
        return 130
    return _finish(terminal, study, folder, trials, args)


def _study(
    terminal: Terminal, target: Target, args: argparse.Namespace
) -> tuple[Study, StudyFolder]:
    """The study that goes on, or a new one."""
    from msgspec.structs import replace

    from jupyter_pipe.sweeps.studies import free_name, study_folder

    metric = args.minimize or args.maximize or ""
    if args.resume:
        folder = study_folder(target.store, args.study or metric or "study")
        earlier = folder.read()
        # A study that was told to a tracker goes on being told.
        track = track_address(args) or earlier.track
        study = replace(earlier, trials=args.trials or earlier.trials, track=track)
        # More trials, or another tracker: signed again.
        if study != earlier:
            folder.create(study)
        return study, folder
    made = _new_study(target, args, metric)
    name = args.study or free_name(target.store, metric)
    folder = study_folder(target.store, name)
    if folder.exists:
        raise SweepError(
            f"There is a study '{name}' already.",
            code="sweep_exists",
            hint="Go on with it with --resume, or give another name with --study NAME.",
        )
    study = replace(made, name=name)
    _warn_of_gates(terminal, target, study)
    folder.create(study)
    return study, folder


def _new_study(target: Target, args: argparse.Namespace, metric: str) -> Study:
    """The study that the command line describes, not yet begun. Raises SweepError if
    the metric is not named or not tagged in any stage, or no parameter has a space,
    such as `-p depth=2..9`."""
    from jupyter_pipe.engine.tracking import track_setting
    from jupyter_pipe.runs.store import new_run_id
    from jupyter_pipe.sweeps import Study
    from jupyter_pipe.sweeps.spaces import grid_of, parse_space

    if not metric:
        raise SweepError(
            "Name the metric that tells good from bad.",
            code="sweep_metric",
            hint="For example: --minimize fold_mae",
        )
    space, fixed = parse_space(target.pipeline.parameters, args.parameter)
    if not space:
        raise SweepError(
            "Nothing is to be tried: no parameter has a space.",
            code="sweep_space",
            hint="For example: -p n_estimators=20..400:log",
        )
    stages = _stages_of(target, [metric, *([args.prune] if args.prune else [])])
    study = Study(
        name="",
        notebook=str(target.notebook),
        metric=metric,
        direction="minimize" if args.minimize else "maximize",
        space=space,
        fixed=fixed,
        sampler=args.sampler or "tpe",
        trials=args.trials or 20,
        seed=args.seed,
        prune=args.prune,
        # Stages that the metric does not need would only take time in each trial.
        stages=() if args.whole else stages,
        # Tells the study from one of the same name in another folder, for trackers.
        identity=new_run_id(),
        track=track_address(args) or track_setting(target.notebook),
    )
    # Only to raise for a grid without end before anything is written.
    if study.sampler == "grid":
        grid_of(space)
    return study


def _stages_of(target: Target, metrics: list[str]) -> tuple[str, ...]:
    """The stages that make the metrics, each once: the others need not run in a trial
    unless these need them. Raises SweepError for a metric that no stage has."""
    import difflib

    makers = {
        metric.name: stage.name
        for stage in target.pipeline.stages
        for metric in stage.metrics
    }
    for metric in metrics:
        if metric not in makers:
            close = difflib.get_close_matches(metric, makers, n=1)
            known = (
                f"The metrics are {', '.join(makers)}."
                if makers
                else f"Tag a cell with metric:{metric}."
            )
            hint = f"Did you mean '{close[0]}'?" if close else known
            raise SweepError(
                f"No stage has a metric '{metric}'.", code="sweep_metric", hint=hint
            )
    return tuple(dict.fromkeys(makers[metric] for metric in metrics))


def _warn_of_gates(terminal: Terminal, target: Target, study: Study) -> None:
    """The best of many trials passes a gate on what was tuned by chance alone."""
    for stage in target.pipeline.stages:
        for gate in stage.gates:
            if study.metric in gate.names:
                warning = terminal.style("warning", "warn")
                terminal.say(
                    f"{warning} {study.metric} is also what the gate '{gate.expression}' asks: the best of "
                    "many trials passes it more easily by chance. Let it ask rows that no trial has seen."
                )


def _line(study: Study, trial: Trial) -> str:
    from jupyter_pipe.render.words import seconds_text, value_text

    values = ", ".join(
        f"{name}={value_text(value)}" for name, value in trial.values.items()
    )
    if trial.state == "running":
        return f"trial {trial.number}  started    {values}"
    value = "" if trial.value is None else f"{study.metric} {value_text(trial.value)}  "
    reason = f": {trial.reason}" if trial.reason else ""
    return f"trial {trial.number}  {trial.state:<9}  {value}{seconds_text(trial.seconds)}{reason}"


def _finish(
    terminal: Terminal,
    study: Study,
    folder: StudyFolder,
    trials: tuple[Trial, ...],
    args: argparse.Namespace,
) -> int:
    import yaml

    from jupyter_pipe.cache.replacing import replace_file
    from jupyter_pipe.cli.output.writing import write_output
    from jupyter_pipe.sweeps.asking import Asker
    from jupyter_pipe.sweeps.model import best_trial
    from jupyter_pipe.sweeps.report import study_html

    importances = Asker(
        study, [each for each in trials if each.state != "running"]
    ).importances()
    replace_file(folder.report, study_html(study, trials, importances).encode())
    if args.html:
        shutil.copyfile(folder.report, args.html)
    best = best_trial(study, trials)
    terminal.result("\n" + _table(terminal, study, trials))
    terminal.say(f"\n  report  {folder.report}")
    if best is None:
        terminal.result("No trial succeeded.")
        return 1
    # What `run -f` needs to repeat the best trial.
    values = {**study.fixed, **best.values}
    terminal.result(
        f"best: trial {best.number}, {study.metric} = {best.value}, run {best.run_id}"
    )
    if args.best:
        write_output(args.best, yaml.safe_dump(values, sort_keys=False).encode())
        terminal.say(
            f"  written {args.best}: jupyter pipe run {args.target} -f {args.best}"
        )
    return 0


def _table(terminal: Terminal, study: Study, trials: tuple[Trial, ...]) -> str:
    from jupyter_pipe.render.words import value_text

    names = [dimension.name for dimension in study.space]
    rows = [
        [
            str(trial.number),
            trial.state,
            *(value_text(trial.values.get(name)) for name in names),
            "-" if trial.value is None else value_text(trial.value),
            trial.run_id,
        ]
        for trial in trials
    ]
    return terminal.table(rows, heading=["trial", "state", *names, study.metric, "run"])
