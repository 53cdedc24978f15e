"""`jupyter pipe verify NB`: does the pipeline compute what the notebook computes?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.marks import MARKS
from jupyter_pipe.render.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_pipe.verify import Verdict, Verification
    from jupyter_pipe.verify.verify import Divergence

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe verify home_value.ipynb
jupyter pipe verify home_value.ipynb --groupings 20 --seed 7"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers,
        "verify",
        run,
        summary="compare the notebook, run whole, with its pipeline",
        examples=EXAMPLES,
    )
    parser.add_argument("target", type=Path, metavar="NB")
    parser.add_argument(
        "--groupings", type=int, default=0, metavar="N", help="try N random stage groupings, too"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="of the random groupings (default: printed)")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="stages at a time (default: cores)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if they agree, else 1."""
    from jupyter_pipe.verify import verify

    terminal = Terminal.of(args)
    progress = terminal.say if not args.json else lambda text: None
    found = verify(
        args.target, groupings=args.groupings, seed=args.seed, workers=args.jobs, progress=progress
    )
    if args.json:
        terminal.result(to_json(found).decode().rstrip())
    else:
        for line in _lines(terminal, found):
            terminal.result(line)
    return 0 if found.is_equal else 1


def _lines(terminal: Terminal, found: Verification) -> Iterator[str]:
    for verdict in found.verdicts:
        yield from _verdict(terminal, verdict)
    if found.not_comparable:
        cells = ", ".join(map(str, found.not_comparable))
        yield f"Not comparable, since two runs of the notebook differ there: cells {cells}."
    state, tone = ("equal", "good") if found.is_equal else ("different", "bad")
    seed = f", seed {found.seed}" if len(found.verdicts) > 1 else ""
    yield f"{terminal.style(state, tone)}: {count(found.compared, 'cell')} compared{seed}."


def _verdict(terminal: Terminal, verdict: Verdict) -> Iterator[str]:
    name = "own stages" if verdict.grouping == 0 else f"grouping {verdict.grouping}"
    heading = f"{name}, {count(verdict.stages, 'stage')}"
    if verdict.refusal is not None:
        codes = ", ".join(verdict.refusal.codes)
        yield f"{terminal.mark(MARKS['skipped'])} {heading}: refused ({codes}): {verdict.refusal.message}"
    elif verdict.divergence is None:
        yield f"{terminal.mark(MARKS['succeeded'])} {heading}: equal"
    else:
        yield from _divergence(terminal, heading, verdict.divergence)


def _divergence(terminal: Terminal, heading: str, found: Divergence) -> Iterator[str]:
    place = f", cell {found.cell}" if found.cell is not None else ""
    variable = f", variable {found.variable}" if found.variable else ""
    yield f"{terminal.mark(MARKS['failed'])} {heading}: stage {found.stage}{place}{variable}"
    yield f"    notebook  {found.expected}"
    yield f"    pipeline  {found.found}"
    yield f"    {found.cause}"
