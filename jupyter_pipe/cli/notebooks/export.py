"""`jupyter pipe export TARGET NB|DIR`: the pipeline for another engine."""

from __future__ import annotations

import argparse
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.terminal import Terminal

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe export make home_value_pipeline
jupyter pipe export snakemake home_value_pipeline -o Snakefile
jupyter pipe export airflow home_value_pipeline --package /srv/home_value_pipeline --run-root /srv/runs
jupyter pipe export argo home_value_pipeline --package /app/home_value_pipeline --run-root s3://team/runs \\
    --image registry.example/home_value:1"""
TARGETS = ("airflow", "argo", "make", "snakemake")


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "export", run, examples=EXAMPLES)
    parser.add_argument("engine", choices=TARGETS, metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("target", type=Path, metavar="NB|DIR", help="a compiled package, or its notebook")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: named after the pipeline")
    parser.add_argument(
        "--package", metavar="DIR", help="where tasks find the package (default: as named here)"
    )
    parser.add_argument(
        "--run-root", metavar="DIR|URL", help="shared by all tasks (default for make and snakemake: .)"
    )
    parser.add_argument(
        "--image", default="", metavar="IMAGE", help="argo: the container of stages without image:"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a file that is not from here")


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    from jupyter_pipe.cache.replacing import replace_file
    from jupyter_pipe.compiler import read_package
    from jupyter_pipe.export import ExportError, Tasks, export_pipeline, file_name

    package = _package(args.target)
    pipeline = read_package(package)
    if args.run_root is None and args.engine in ("airflow", "argo"):
        raise ExportError(
            f"Tasks of {args.engine} need a folder or URL that all of them reach.",
            code="export_root",
            hint="Name it: --run-root DIR|URL",
        )
    tasks = Tasks(args.package or str(package), args.run_root or ".", args.image)
    text = export_pipeline(args.engine, pipeline, tasks)
    output = args.output or Path(file_name(args.engine, pipeline))
    if (
        output.exists()
        and not args.force
        and "exported by jupyter_pipe" not in output.read_text("utf-8")[:400]
    ):
        raise ExportError(
            f"{output} exists, and is not from here.",
            code="export_exists",
            hint="Add --force to overwrite it.",
        )
    replace_file(output, text.encode())
    Terminal.of(args).say(f"Wrote {output}: {len(pipeline.stages)} stages.")
    return 0


def _package(target: Path) -> Path:
    """The package, which must be what the notebook compiles to if that is what was named."""
    from jupyter_pipe.compiler import compile_notebook, default_output, stale_files
    from jupyter_pipe.engine.targets import is_package
    from jupyter_pipe.export import ExportError

    if is_package(target):
        return target

    folder = default_output(target)
    if stale_files(compile_notebook(target, output=folder), folder):
        raise ExportError(
            f"{folder} is not there, or not what {target} compiles to.",
            code="export_stale",
            hint=f"The tasks run the compiled package. Write it first: jupyter pipe compile {target}",
        )
    return folder
