"""`jupyter pipe graph NB`: the DAG as mermaid, dot, SVG or JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.output.writing import write_output
from jupyter_pipe.cli.runs.run_options import add_targets, open_targets
from jupyter_pipe.model import Pipeline, to_json

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe graph home_value.ipynb
jupyter pipe graph home_value.ipynb --format svg -o dag.svg"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "graph", run, examples=EXAMPLES)
    add_targets(parser)
    parser.add_argument(
        "--format", choices=("mermaid", "dot", "svg", "json"), default="mermaid"
    )
    parser.add_argument(
        "--json",
        dest="format",
        action="store_const",
        # As other commands call it.
        const="json",
        help="print pipeline.json",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write there instead of printing",
    )


def run(args: argparse.Namespace) -> int:
    """Print or write the graph."""
    # Nothing is compiled into files: a picture leaves no traces.
    text = _text(open_targets(args, keep=False).pipeline, args.format)
    if args.output is None:
        Terminal.of(args).result(text.rstrip("\n"))
    else:
        write_output(args.output, text.encode())
        Terminal.of(args).say(f"Wrote {args.output}.")
    return 0


def _text(pipeline: Pipeline, form: str) -> str:
    from jupyter_pipe.render import to_dot, to_mermaid, to_svg

    if form == "json":
        return to_json(pipeline).decode()
    draw = {"mermaid": to_mermaid, "dot": to_dot, "svg": to_svg}[form]
    return draw(pipeline)
