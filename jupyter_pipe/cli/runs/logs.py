"""`jupyter pipe logs RUN [STAGE]`: what happened, and what the stage printed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from jupyter_pipe.cli.options import Subparsers, add_command, add_json, add_root, find_stage, find_store
from jupyter_pipe.cli.output.progress import PlainLines
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import Event, encode_event
from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe logs latest
jupyter pipe logs latest train          with what the stage printed
jupyter pipe logs latest --follow"""
SECONDS_BETWEEN_LOOKS = 0.2


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "logs", run, summary="print what happened in a run", examples=EXAMPLES)
    parser.add_argument("run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`")
    parser.add_argument("stage", nargs="?", metavar="STAGE", help="only this stage, with what it printed")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print events, then the stage's text outputs."""
    terminal = Terminal.of(args)
    store = find_store(args.root)
    run_id = store.find(args.run_id)
    if args.stage:
        find_stage(store.read(run_id), args.stage)
    show = PlainLines(terminal, stage=args.stage)
    for event in _events(store, run_id, follow=args.follow):
        if not args.json:
            show(event)
        elif not args.stage or getattr(event, "stage", None) == args.stage:
            terminal.record(encode_event(event))
    if args.stage and not args.json:
        _print_outputs(terminal, store, run_id, args.stage)
    return 0


def _events(store: RunStore, run_id: str, *, follow: bool) -> Iterator[Event]:
    seen = 0
    while True:
        over = not follow or store.read(run_id).is_final
        for event in store.events(run_id, seen):
            seen = event.seq
            yield event
        if over:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _print_outputs(terminal: Terminal, store: RunStore, run_id: str, stage: str) -> None:
    from jupyter_pipe.runs.report.cell_outputs import read_executed, text_outputs

    for cell in read_executed(store.folder(run_id).executed(stage)):
        text = text_outputs(cell)
        if text:
            terminal.result(terminal.style(f"--- cell {cell.position}", "quiet"))
            terminal.result(text.rstrip("\n"))
