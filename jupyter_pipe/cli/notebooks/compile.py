"""`jupyter pipe compile NB`: writes the package of modules, stage notebooks and
pipeline.json."""

from __future__ import annotations

import argparse
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.errors import diagnostic_counts, format_diagnostics
from jupyter_pipe.cli.output.places import read_cells
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import Pipeline

__all__ = ["add_parser", "run"]

STALE = 2
EXAMPLES = """
jupyter pipe compile home_value.ipynb
jupyter pipe compile home_value.ipynb -o build/home_value
jupyter pipe compile home_value.ipynb --check      exits 2 when the package is not up to date"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "compile", run, examples=EXAMPLES)
    parser.add_argument("target", type=Path, metavar="NB")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="default: STEM_pipeline beside the notebook",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 2 if the package is stale",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="overwrite generated files that were edited by hand",
    )


def run(args: argparse.Namespace) -> int:
    """Write the package, or check that it is up to date."""
    from jupyter_pipe.compiler import (
        compile_notebook,
        default_output,
        stale_files,
        write_package,
    )
    from jupyter_pipe.contracts import read_contracts

    terminal = Terminal.of(args)
    folder = args.output or default_output(args.target)
    compiled = compile_notebook(args.target, output=folder)
    _print_warnings(terminal, compiled.pipeline, args.target)
    # Where the package travels nobody may be there to correct a contract that cannot be
    # read.
    read_contracts(args.target, compiled.pipeline.contract_digests)
    if args.check:
        return _check(terminal, stale_files(compiled, folder), folder)
    write_package(compiled, folder, force=args.force)
    terminal.say(f"Wrote {folder}: {_contents(compiled.pipeline)}.")
    return 0


def _check(terminal: Terminal, stale: tuple[str, ...] | list[str], folder: Path) -> int:
    if not stale:
        terminal.say(f"{folder} is up to date.")
        return 0
    listed = "".join(f"\n  {path}" for path in stale)
    terminal.result(f"{folder} is not what the notebook compiles to:{listed}")
    return STALE


def _print_warnings(terminal: Terminal, pipeline: Pipeline, notebook: Path) -> None:
    if pipeline.diagnostics:
        terminal.say(
            format_diagnostics(terminal, pipeline.diagnostics, read_cells(notebook))
        )
        terminal.say(f"{diagnostic_counts(pipeline.diagnostics)}.")


def _contents(pipeline: Pipeline) -> str:
    from jupyter_pipe.render.words import count

    stages = ", ".join(stage.name for stage in pipeline.stages[:8])
    more = ", …" if len(pipeline.stages) > 8 else ""
    return f"{count(len(pipeline.stages), 'stage')} ({stages}{more})"
