"""`jupyter pipe loop …`: runs a notebook again when its data, its schedule or its model
asks for it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import LoopError
from jupyter_pipe.notebook.file_kinds import notebook_name

if TYPE_CHECKING:
    from jupyter_pipe.loop import LoopSettings
    from jupyter_pipe.loop.deciding.records import Record
    from jupyter_pipe.loop.machine.log import LoopLog
    from jupyter_pipe.loop.machine.world import Machine
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe loop init home_value.ipynb      a first home_value.loop.yaml, to be edited
jupyter pipe loop once home_value.ipynb      do what is to be done now: for cron, or to try it
jupyter pipe loop start home_value.ipynb     stay, and do it whenever it is to be done
jupyter pipe loop status home_value.ipynb    what it watches, what it did last, what waits for you
jupyter pipe loop history home_value.ipynb   what started which run, and what came of it
jupyter pipe loop export systemd home_value.ipynb

how it works:
  1. home_value.loop.yaml says what starts a run: changed files, a schedule, a commit, drift.
  2. A run whose data breaks its contract trains nothing. It is told once, and no run starts
     again until the data or the contract has changed.
  3. With `promote: auto`, a model that wins its comparison with the champion takes its place;
     with `promote: ask` it waits for you.
  4. Everything is written down before it is done: a loop that was killed goes on where it was.

exit codes of `once`: 0 nothing to do or the run succeeded, 1 it failed, 3 a gate failed,
4 the data broke its contract, 5 the run waits for you, 130 cancelled"""
ACTIONS = {
    "init": "write a first loop file; one that is there is kept",
    "start": "run the loop here until Ctrl-C",
    "once": "do what is to be done now, and end",
    "status": "say what the loop watches, did last, and waits for",
    "history": "list what was decided and what came of it",
    "export": "write units, crontabs or workflows for a scheduler of your own",
}
# As `jupyter pipe run` ends; any other outcome is 1.
OUTCOME_CODES = {"green": 0, "gate": 3, "contract": 4, "waiting": 5, "cancelled": 130}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command and its actions."""
    parser = add_command(subparsers, "loop", run, examples=EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in ACTIONS.items()
    }
    for name, action in made.items():
        if name == "export":
            action.add_argument(
                "scheduler",
                metavar="SCHEDULER",
                help="systemd, cron, airflow or github",
            )
        action.add_argument("target", metavar="NB", type=Path, help="the notebook")
        action.add_argument(
            "--root",
            metavar="DIR",
            help="holds .jupyter_pipe (default: the notebook's folder)",
        )
        action.set_defaults(run=run)
    add_json(made["status"])
    add_json(made["history"])
    made["history"].add_argument(
        "-n", type=int, default=30, metavar="N", help="the latest N (default: 30)"
    )
    made["start"].add_argument(
        "--every",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how often to look (default: 2)",
    )
    made["export"].add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="where the files go (default: standard output)",
    )


def run(args: argparse.Namespace) -> int:
    """Carry out one action."""
    if not args.target.is_file():
        raise LoopError(
            f"There is no notebook {args.target}.",
            code="notebook_missing",
            hint="Name the .ipynb file.",
        )
    actions: dict[str, Callable[[Terminal, argparse.Namespace], int]] = {
        "init": _init,
        "start": _start,
        "once": _once,
        "status": _status,
        "history": _history,
        "export": _export,
    }
    return actions[args.action](Terminal.of(args), args)


class _Place:
    """The notebook's runs, its loop's log, and its world."""

    def __init__(self, args: argparse.Namespace) -> None:
        from jupyter_pipe.loop.machine.log import LoopLog, loop_folder
        from jupyter_pipe.runs.remote import local_root
        from jupyter_pipe.runs.store import RunStore

        self.notebook: Path = args.target.absolute()
        self.store: RunStore = RunStore(
            local_root(args.root) if args.root else self.notebook.parent
        )
        self.log: LoopLog = LoopLog(
            loop_folder(self.store.state_folder, notebook_name(self.notebook))
        )

    def world(self, settings: LoopSettings) -> Machine:
        from jupyter_pipe.loop.machine.monitoring import LogMonitor
        from jupyter_pipe.loop.machine.registry import RegistryModels
        from jupyter_pipe.loop.machine.world import Machine

        models = RegistryModels(self.store, self.notebook.parent, settings)
        return Machine(
            self.notebook,
            self.store,
            self.log,
            models=models,
            monitor=LogMonitor(self.store.root),
        )


def _init(terminal: Terminal, args: argparse.Namespace) -> int:
    from jupyter_pipe.cli.output.writing import write_output
    from jupyter_pipe.loop.settings_file import example_text, settings_path

    path = settings_path(args.target)
    # It is for the user to change, and is never written over.
    if path.exists():
        terminal.say(f"kept     {path}, which is there already")
        return 0
    write_output(path, example_text(args.target.name).encode())
    terminal.say(f"written  {path}")
    terminal.say(f"Edit it, then try it: jupyter pipe loop once {args.target}")
    return 0


def _start(terminal: Terminal, args: argparse.Namespace) -> int:
    from jupyter_pipe.loop import Loop
    from jupyter_pipe.loop.foreground import (
        SettingsFile,
        go_on,
        locked,
        stop_on_signals,
    )

    place = _Place(args)
    tell = _teller(terminal)
    settings = SettingsFile(place.notebook, tell)
    _check_receivers(settings.settings)
    place.store.make_state_folder()
    with locked(place.log.folder, place.notebook), stop_on_signals() as stop:
        loop = Loop(place.world(settings.settings), settings.settings, tell)
        tell(f"watches {_watched(settings.settings)}. Ctrl-C ends the loop.")
        go_on(loop, settings, stop, tell, args.every)
        # Within the lock: afterwards another loop may have gone on.
        under_way = loop.state.run
    if under_way is not None:
        tell(f"run {under_way.run_id} goes on, and the next loop takes it up")
    tell("the loop ends")
    return 0


def _once(terminal: Terminal, args: argparse.Namespace) -> int:
    from jupyter_pipe.loop import Loop, read_settings
    from jupyter_pipe.loop.foreground import locked, run_once, stop_on_signals

    place = _Place(args)
    settings = read_settings(place.notebook)
    _check_receivers(settings)
    tell = _teller(terminal)
    place.store.make_state_folder()
    with locked(place.log.folder, place.notebook), stop_on_signals() as stop:
        loop = Loop(place.world(settings), settings, tell)
        ended = run_once(loop, stop)
    # As for a command that Ctrl-C has ended.
    if stop.is_set():
        return 130
    if ended is None:
        terminal.say("Nothing to do.")
        return 0
    return OUTCOME_CODES.get(ended.outcome, 1)


def _check_receivers(settings: LoopSettings) -> None:
    """Before the first notice is owed, rather than then."""
    import os

    from jupyter_pipe.loop.machine.notifying import filled_urls

    filled_urls(settings.notify, os.environ)


def _status(terminal: Terminal, args: argparse.Namespace) -> int:
    import msgspec

    from jupyter_pipe.loop import read_settings
    from jupyter_pipe.loop.status import status_lines, status_of

    place = _Place(args)
    settings = read_settings(place.notebook)
    found = status_of(settings, place.world(settings), place.log.folder)
    if args.json:
        terminal.record(msgspec.json.encode(found))
    else:
        terminal.result(
            "\n".join(status_lines(notebook_name(place.notebook), settings, found))
        )
    return 0


def _history(terminal: Terminal, args: argparse.Namespace) -> int:
    import msgspec

    from jupyter_pipe.loop.words import record_line
    from jupyter_pipe.render.words import day_time

    shown = _Place(args).log.records()[-args.n :]
    if args.json:
        terminal.record(msgspec.json.encode(shown))
    elif not shown:
        terminal.say(f"Nothing yet. Try it: jupyter pipe loop once {args.target}")
    else:
        terminal.result(
            "\n".join(f"{day_time(one.time)}  {record_line(one)}" for one in shown)
        )
    return 0


def _export(terminal: Terminal, args: argparse.Namespace) -> int:
    from jupyter_pipe.cli.output.writing import write_output
    from jupyter_pipe.loop import read_settings
    from jupyter_pipe.loop.schedulers import scheduler_files

    notebook = args.target.absolute()
    for name, text in scheduler_files(
        args.scheduler, notebook, read_settings(notebook)
    ).items():
        if args.output is None:
            # A comment in units, crontabs and YAML alike.
            terminal.result(f"# {name}\n{text}")
        else:
            write_output(args.output / name, text.encode())
            terminal.say(f"written  {args.output / name}")
    return 0


def _watched(settings: LoopSettings) -> str:
    from jupyter_pipe.loop.words import watched_words

    return ", ".join(watched_words(settings)) or "nothing"


def _teller(terminal: Terminal) -> Callable[[Record | str], None]:
    """Prints records and sentences, each with its time."""

    def tell(said: Record | str) -> None:
        from jupyter_pipe.loop.words import record_line

        text = said if isinstance(said, str) else record_line(said)
        terminal.say(f"{time.strftime('%H:%M:%S')}  {text}")

    return tell
