"""`jupyter pipe impact FILE`: which runs read or wrote a file, and which versions of
models came of it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.models.options import versions_by_run
from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_pipe.lineage import Touch

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe impact data/home_sales/week_10.csv     who has read these rows?
jupyter pipe impact data/home_sales/week_10.csv --json

A run *reads* what its stages were seen to read, also through programs and libraries. `other content`
says that the file has changed since that run. The index in .jupyter_pipe/lineage.sqlite is made from
the runs; it can be deleted at any time."""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "impact", run, examples=EXAMPLES)
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a file, also one that is gone"
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, also if nobody has touched the file."""
    from jupyter_pipe.lineage import LineageIndex

    terminal = Terminal.of(args)
    store = find_store(args.root)
    with LineageIndex(store) as index:
        touches = index.touches(args.file)
        # Only to suggest a name that is spelt alike.
        known = () if touches else index.paths()
    versions = versions_by_run(store.root)
    if args.json:
        terminal.record(_json(touches, versions))
    elif not touches:
        terminal.say(_nobody(args.file, known))
    else:
        terminal.result(
            terminal.table(list(_rows(args.file, touches, versions)), heading=HEADING)
        )
    return 0


HEADING = ["run", "when", "state", "stage", "", "content", "versions"]


def _rows(
    file: Path, touches: Iterable[Touch], versions: dict[str, list[str]]
) -> Iterator[list[str]]:
    from jupyter_pipe.observe.digests import file_digest
    from jupyter_pipe.render.words import day_time

    # Once: the file may be large, and many runs may have read it.
    now = file_digest(file)
    for one in touches:
        content = "as now" if one.digest == now else "other content"
        made = ", ".join(versions.get(one.run_id, []))
        yield [
            one.run_id,
            day_time(one.queued),
            one.state,
            one.stage,
            one.role,
            content,
            made,
        ]


def _json(touches: Iterable[Touch], versions: dict[str, list[str]]) -> bytes:
    import msgspec

    records = [
        {**msgspec.to_builtins(one), "versions": versions.get(one.run_id, [])}
        for one in touches
    ]
    return msgspec.json.encode(records)


def _nobody(file: Path, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(file.absolute()), list(known), n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"No run here has read or written {file}.{hint}"
