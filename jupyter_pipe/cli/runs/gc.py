"""`jupyter pipe gc`: removes old runs, and results and values that no run is left to
refer to."""

from __future__ import annotations

import argparse
import re
import time
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.words import bytes_text, count

if TYPE_CHECKING:
    from jupyter_pipe.runs.garbage import Collected, Limits
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "parse_limits", "run"]

# Runs.
DEFAULT = ["20"]
EXAMPLES = """
jupyter pipe gc                       keeps the newest 20 runs
jupyter pipe gc --keep 30d --keep 5GB
jupyter pipe gc --keep 3 --dry-run"""
SECONDS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
# `GB` is a billion bytes, as disks are sold; `GiB` counts in powers of two.
BYTES = {
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "gc", run, examples=EXAMPLES)
    parser.add_argument(
        "--keep",
        action="append",
        metavar="LIMIT",
        help="a number of runs (20), an age (30d, 12h, 4w) or a size (5GB); the newest run always stays",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would go, remove nothing"
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Remove and report."""
    from jupyter_pipe.runs.garbage import collect
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    terminal = Terminal.of(args)
    limits = parse_limits(args.keep or DEFAULT)
    # Of a URL only the working copy: nothing is fetched to be removed.
    store = RunStore(local_root(args.root)) if args.root else find_store(None)
    found = collect(
        store,
        limits,
        now=time.time(),
        dry_run=args.dry_run,
        needed_runs=_needed_runs(store),
    )
    if args.json:
        terminal.record(to_json(found))
    else:
        for run_id in found.runs:
            terminal.detail(run_id)
        terminal.say(_sentence(found, "Would remove" if args.dry_run else "Removed"))
        if store.url:
            terminal.say(f"This was the working copy. What lies in {store.url} stays.")
    return 0


def _needed_runs(store: RunStore) -> frozenset[str]:
    """The runs of versions that an alias names: what answers, and what a rollback would
    let answer."""
    from jupyter_pipe.registry import open_registry

    registry = open_registry(root=store.root)
    versions = (
        version for name in registry.names() for version in registry.versions(name)
    )
    return frozenset(version.run_id for version in versions if version.aliases)


def _sentence(found: Collected, verb: str) -> str:
    if not found.bytes:
        return "Nothing to remove."
    parts = [
        count(len(found.runs), "run"),
        count(found.results, "result"),
        count(found.values, "value"),
    ]
    return f"{verb} {', '.join(parts)}: {bytes_text(found.bytes)}."


def parse_limits(texts: list[str]) -> Limits:
    """Limits from `20`, `30d`, `5GB`. Raises RunError."""
    from jupyter_pipe.errors import RunError
    from jupyter_pipe.runs.garbage import Limits

    runs, seconds, size = None, None, None
    for text in texts:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
        number, unit = (float(match[1]), match[2]) if match else (0.0, "?")
        # `2.5` of runs means nothing.
        if unit == "" and number == int(number):
            runs = int(number)
        elif unit in SECONDS:
            seconds = number * SECONDS[unit]
        elif unit in BYTES:
            size = int(number * BYTES[unit])
        else:
            raise RunError(
                f"'--keep {text}' is not a limit.",
                code="limit_syntax",
                hint="For example: 20, 30d, 12h or 5GB.",
            )
    return Limits(runs, seconds, size)
