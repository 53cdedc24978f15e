"""`jupyter pipe logs RUN [STAGE]`: what happened, and what the stage printed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    find_stage,
    find_store,
)
from jupyter_pipe.cli.output.progress import PlainLines
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import Event, encode_event
from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe logs latest
jupyter pipe logs latest train          with what the stage printed
jupyter pipe logs latest --follow
jupyter pipe logs latest train -f       what the stage prints, as it comes"""
SECONDS_BETWEEN_LOOKS = 0.2


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "logs", run, examples=EXAMPLES)
    parser.add_argument(
        "run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`"
    )
    parser.add_argument(
        "stage",
        nargs="?",
        metavar="STAGE",
        help="only this stage, with what it printed",
    )
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on until the run ends"
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print events, and below them what the stage printed."""
    terminal = Terminal.of(args)
    store = find_store(args.root)
    run_id = store.find(args.run_id)
    if args.stage:
        find_stage(store.read(run_id), args.stage)
    show = PlainLines(terminal, stage=args.stage)
    printed = (
        Printed(terminal, store.folder(run_id).executed(args.stage))
        if args.stage
        else None
    )
    for events in _looks(store, run_id, follow=args.follow):
        for event in events:
            if not args.json:
                show(event)
            elif not args.stage or getattr(event, "stage", None) == args.stage:
                terminal.record(encode_event(event))
        if printed is not None and not args.json:
            printed.show_new()
    return 0


class Printed:
    """What a stage prints: each look shows what has come since the last one."""

    def __init__(self, terminal: Terminal, executed: Path) -> None:
        self._terminal = terminal
        self._executed = executed
        self._lines: list[str] = []

    def show_new(self) -> None:
        """Print the lines that are new. One that changed, as a progress bar does, is
        printed again."""
        from jupyter_pipe.runs.report.cell_outputs import printed_text

        lines = printed_text(self._executed).splitlines()
        known = sum(
            1
            for _ in takewhile(
                lambda pair: pair[0] == pair[1], zip(self._lines, lines, strict=False)
            )
        )
        for line in lines[known:]:
            self._terminal.result(
                self._terminal.style(line, "quiet")
                if line.startswith("--- cell ")
                else line
            )
        self._lines = lines


def _looks(store: RunStore, run_id: str, *, follow: bool) -> Iterator[list[Event]]:
    """What has happened since the last look, until the run has ended."""
    seen = 0
    while True:
        # Asked before reading, so that the last events are printed.
        over = not follow or store.read(run_id).is_final
        events = list(store.events(run_id, seen))
        seen = events[-1].seq if events else seen
        yield events
        if over:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)
