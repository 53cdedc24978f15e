"""`jupyter pipe package NAME@4|BUNDLE --to TOOL`: a version as an image, or for another
way to serve it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_root,
    add_trust,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError

__all__ = ["add_parser", "run"]

EXPLANATION = """\
  docker    a Dockerfile whose image answers as `jupyter pipe serve` does
  kserve    the same, and an InferenceService for KServe
  bentoml   a service of BentoML
  mlflow    a model of MLflow, for whatever loads those

The version's signature is checked and its golden rows are repeated before anything is written."""
EXAMPLES = """
jupyter pipe package home_value@4 --to docker
jupyter pipe package .jupyter_pipe/scorers/home_value --to kserve --image registry.example.com/home_value:4"""
_TARGETS = ("docker", "kserve", "bentoml", "mlflow")


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "package", run, examples=EXAMPLES)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    parser.add_argument(
        "target",
        metavar="NAME@4|BUNDLE",
        help="a version of the registry, or a scorer's folder",
    )
    parser.add_argument(
        "--to",
        required=True,
        choices=_TARGETS,
        metavar="TOOL",
        help=", ".join(_TARGETS),
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="where (default: NAME_TOOL)"
    )
    parser.add_argument(
        "--image", default="", help="the name of the image (default: NAME:VERSION)"
    )
    add_trust(parser)
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Write the package."""
    from jupyter_pipe.serving.opening import open_source
    from jupyter_pipe.serving.settings import Settings

    settings = Settings(
        args.target, root=str(find_store(args.root).root), trust=args.trust
    )
    source = open_source(args.target, settings)
    source.check()
    release = source.current()
    if release is None:
        raise PipeError(f"There is no version '{args.target}'.", code="scorer_missing")
    folder: Path = args.output or Path(f"{release.name}_{args.to}")
    terminal = Terminal.of(args)
    from jupyter_pipe.serving.packaging.writing import write_mlflow_model, write_package

    if args.to == "mlflow":
        write_mlflow_model(release, folder, trust=args.trust)
        terminal.result(os.path.relpath(folder))
        return 0

    # Docker takes no capitals in the name of an image.
    image = args.image or f"{release.name.lower()}:{release.version}"
    files = write_package(args.to, release, folder, image, trust=args.trust)
    terminal.result(os.path.relpath(folder))
    for name in files:
        terminal.say(f"  {name}")
    terminal.say(
        (folder / "README.md").read_text(encoding="utf-8").splitlines()[-1].strip()
    )
    return 0
