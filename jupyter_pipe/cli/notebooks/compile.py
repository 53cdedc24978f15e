"""`jupyter pipe compile NB`: writes the package of modules, stage notebooks and
pipeline.json."""

from __future__ import annotations

import argparse
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command, add_further_notebooks
from jupyter_pipe.cli.output.errors import diagnostic_counts, format_diagnostics
from jupyter_pipe.cli.output.places import read_cells
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import Pipeline

__all__ = ["add_parser", "run"]

# As for what does not compile: CI stops at both.
STALE = 2
EXAMPLES = """
jupyter pipe compile home_value.ipynb
jupyter pipe compile home_value.ipynb -o build/home_value
jupyter pipe compile ingest.ipynb train.ipynb report.ipynb
jupyter pipe compile pipeline.toml
jupyter pipe compile home_value.ipynb --check      exits 2 when the package is not up to date"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "compile", run, examples=EXAMPLES)
    parser.add_argument(
        "target",
        type=Path,
        metavar="NB",
        help="a notebook, or a pipeline.toml that lists notebooks",
    )
    add_further_notebooks(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="default: NAME_pipeline beside the notebook, or beside the list",
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
    from jupyter_pipe.compiler import stale_files, write_package
    from jupyter_pipe.compiler.named import compile_named
    from jupyter_pipe.engine.targets import Target
    from jupyter_pipe.runs.store import RunStore

    terminal = Terminal.of(args)
    named = compile_named([args.target, *args.more], output=args.output)
    compiled, folder = named.compiled, named.folder
    pipeline = compiled.pipeline
    _print_warnings(terminal, pipeline, named.source)
    # Where the package travels nobody may be there to correct a contract that cannot be
    # read.
    target = Target(pipeline, named.source, RunStore(named.source.parent))
    target.contracts(pipeline.contract_digests)
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
    terminal.result(f"{folder} is not what is compiled now:{listed}")
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
