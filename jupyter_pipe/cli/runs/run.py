"""`jupyter pipe run NB|DIR`: runs the pipeline and says how it went."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.progress import progress_on
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run_options import add_run_options, request_of

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest, Target

__all__ = ["add_parser", "add_result_options", "execute", "run"]

EXAMPLES = """
jupyter pipe run home_value.ipynb
jupyter pipe run home_value.ipynb -p weeks=8 -p seed=3
jupyter pipe run home_value.ipynb --target features
jupyter pipe run home_value_pipeline -j 4 --junit results.xml --html report.html"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "run", run, examples=EXAMPLES)
    add_run_options(parser)
    add_result_options(parser)


def add_result_options(parser: argparse.ArgumentParser) -> None:
    """Where the results of a run are written besides its folder."""
    results = parser.add_argument_group("results")
    results.add_argument(
        "--html", type=Path, metavar="FILE", help="write the report there, too"
    )
    results.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    results.add_argument(
        "--track",
        nargs="?",
        const="default",
        metavar="ADDRESS",
        help="tell MLflow about the run, or the tracker at this address (see `jupyter pipe track --help`)",
    )
    results.add_argument(
        "--json", action="store_true", help="print the result as JSON in the last line"
    )


def run(args: argparse.Namespace) -> int:
    """Run it; the exit code is that of the run."""
    return execute(args, request_of(args))


def execute(args: argparse.Namespace, request: RunRequest) -> int:
    """Run the request with progress, then print and write what `args` ask for."""
    from jupyter_pipe.cli.output.results import write_results
    from jupyter_pipe.engine import run_pipeline

    # With --json standard output belongs to the reader of the JSON.
    terminal = Terminal.of(args, sys.stderr if args.json else None)
    if terminal.in_github:
        from jupyter_pipe.cli.output.github import mask_secrets

        # Before anything is printed.
        mask_secrets(terminal, request)
    _warn_if_stale(terminal, request.target)
    with progress_on(terminal) as progress:
        finished = run_pipeline(request, observers=[progress])
    target = request.target
    folder = write_results(args, terminal, target.store, finished, target.pipeline)
    if args.json:
        from jupyter_pipe.cli.output.summary import run_json

        Terminal.of(args).record(run_json(finished, folder))
    return finished.exit_code or 0


def _warn_if_stale(terminal: Terminal, target: Target) -> None:
    """A package runs as it is; that its notebook has moved on since is worth a line."""
    if target.package is None:
        return
    newer = [
        path.name
        for path, digest in target.source_digests.items()
        if _is_newer(path, digest)
    ]
    if newer:
        again = " ".join(target.words_to_compile)
        terminal.say(
            f"{target.package} is older than {' and '.join(newer)}. Renew it: jupyter pipe compile {again}"
        )


def _is_newer(notebook: Path, digest: str) -> bool:
    """Whether the notebook is another than the one that was compiled. A package may
    travel without it."""
    from jupyter_pipe.errors import NotebookError
    from jupyter_pipe.notebook import read_notebook

    try:
        return read_notebook(notebook).digest != digest
    except NotebookError:
        return False
