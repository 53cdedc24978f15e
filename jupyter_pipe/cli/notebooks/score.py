"""`jupyter pipe score NB_or_BUNDLE FILE`: predictions for new rows, as the notebook
would have made them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command, add_trust, at_least
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.render.words import count

__all__ = ["add_parser", "run"]

EXPLANATION = """\
The notebook's cells are tagged rows:NAME (the raw rows) and score:NAME (the predictions). What lies between
is compiled to a scorer and proved; it is kept in .jupyter_pipe/scorers, and made anew when the notebook
has changed. A folder that holds a scorer can be named instead. Rows come as CSV, Parquet or JSON lines, also
through a pipe (-); each answer has the key columns and the prediction.

exit codes: 0 scored, 2 there is no scorer, or a row cannot be scored (the message names row and column)"""
EXAMPLES = """
jupyter pipe score home_value.ipynb new_homes.csv -o predictions.csv
jupyter pipe score home_value.ipynb new_homes.parquet -o predictions.parquet
jupyter pipe score home_value@champion new_homes.csv     a version that was registered
producer | jupyter pipe score .jupyter_pipe/scorers/home_value - | consumer"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers,
        "score",
        run,
        examples=EXAMPLES,
    )
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    parser.add_argument(
        "target",
        type=Path,
        metavar="NB|BUNDLE|NAME@VERSION",
        help="a notebook, the folder of a scorer, or a version of a model",
    )
    parser.add_argument(
        "rows", metavar="FILE|-", help="a table of raw rows: .csv, .parquet, .jsonl"
    )
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="OUT",
        help="where answers go (default: -)",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl"),
        help="what comes and goes through a pipe (default: jsonl)",
    )
    parser.add_argument(
        "--batch",
        type=at_least(1),
        metavar="N",
        help="rows at a time (default: 1 from a pipe)",
    )
    add_trust(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; what cannot be scored is an error."""
    from jupyter_pipe.scoring.bundle import load_bundle
    from jupyter_pipe.scoring.files import score_file

    # Predictions may go to standard output.
    terminal = Terminal.of(args, sys.stderr)
    folder = _bundle_of(args.target)
    bundle = load_bundle(folder, trust=args.trust)
    scored = score_file(
        bundle, args.rows, args.output, format_=args.format, portion=args.batch
    )
    terminal.say(
        f"{count(scored, 'row')} scored by {bundle.manifest.name}, run {bundle.manifest.run_id}"
    )
    return 0


def _bundle_of(target: Path) -> Path:
    """The folder of the scorer that is meant: a bundle, a version of a model, or that
    of a notebook."""
    if target.is_dir():
        return target
    # A file may be called so, too.
    if "@" in target.name and not target.exists():
        from jupyter_pipe.cli.models.options import find_registry, reference_of
        from jupyter_pipe.registry.lineage import read_lineage

        reference = reference_of(str(target), default="champion")
        version = find_registry(None).resolve(reference.name, reference.which)
        assert version.bundle is not None  # `resolve` has fetched it
        # Checks that the bundle was registered under this name.
        read_lineage(version.bundle, version.name)
        return version.bundle
    from jupyter_pipe.scoring.notebooks import current_bundle

    return current_bundle(target)
