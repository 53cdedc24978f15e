"""`jupyter pipe export ENGINE NB|DIR`: the pipeline for another engine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_further_notebooks
from jupyter_pipe.cli.output.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_pipe.export import Exporter, Options, Plan

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe export --list
jupyter pipe export make home_value_pipeline
jupyter pipe export kfp home_value_pipeline --package /app/home_value_pipeline --image registry.example/home:1
jupyter pipe export argo home_value_pipeline --package /app/home_value_pipeline --run-root s3://team/runs \\
    --image registry.example/home:1
jupyter pipe export kfp home_value_pipeline --check     is the file still what the notebook says?
jupyter pipe export features home_value.ipynb           what comes before the model, as a module"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "export", run, examples=EXAMPLES)
    parser.add_argument(
        "engine", nargs="?", metavar="ENGINE", help="one of those that --list shows"
    )
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="NB|DIR",
        help="a compiled package, its notebook, or the pipeline.toml of several",
    )
    add_further_notebooks(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: named after the pipeline",
    )
    parser.add_argument(
        "--package",
        metavar="DIR",
        help="where tasks find the package (default: where it is)",
    )
    parser.add_argument(
        "--run-root",
        metavar="DIR|URL",
        help="shared by all tasks, for engines that do not carry bundles",
    )
    parser.add_argument(
        "--image", metavar="IMAGE", help="the container of stages without image:"
    )
    parser.add_argument(
        "--command",
        dest="words",
        metavar="WORDS",
        help="how tasks call jupyter-pipe (default: by that name)",
    )
    parser.add_argument(
        "--list", action="store_true", help="show the engines, and do nothing"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit code 2 if the file is stale",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite a file that is not from here"
    )


def run(args: argparse.Namespace) -> int:
    """Write the file, or say whether it is stale. What is not given is as it was in the
    last export."""
    from jupyter_pipe.compiler import read_package
    from jupyter_pipe.export import (
        ExportError,
        export_text,
        find_exporter,
        left_out,
        plan_of,
    )
    from jupyter_pipe.export.digests import stage_digests

    terminal = Terminal.of(args)
    if args.list:
        return _list(terminal)
    # Among the engines for users, though it writes no stages.
    if args.engine == "features" and args.target is not None:
        return _features(terminal, args.target, args.output)
    if args.engine is None or args.target is None:
        raise ExportError(
            "Name an engine, and a compiled package or its notebook.",
            code="export_unknown",
            hint="jupyter pipe export --list shows the engines.",
        )
    exporter = find_exporter(args.engine)
    package = _package([args.target, *args.more])
    pipeline = read_package(package)
    digests = stage_digests(package, pipeline)
    # The name of the file does not depend on options, which may stand in that file.
    output = args.output or _usual_file(exporter, plan_of(pipeline, _unset(), digests))
    known = _known_options(exporter, output, is_checked=args.check, force=args.force)
    plan = plan_of(pipeline, _options(args, exporter, package, known), digests)
    text = export_text(exporter, plan)
    if args.check:
        return _check(terminal, output, text)
    _write(output, text)
    for name, content in exporter.companions(plan).items():
        # It is for the user to change, and is never written over.
        if not (output.parent / name).exists():
            _write(output.parent / name, content)
            terminal.say(
                f"Wrote {output.parent / name}: the notebook's parameters, for you to change."
            )
    for what in left_out(exporter, plan):
        terminal.say(f"{exporter.title} is not told: {what}.")
    terminal.say(f"Wrote {output}: {len(pipeline.stages)} stages.")
    return 0


def _features(terminal: Terminal, target: Path, output: Path | None) -> int:
    """The part of the notebook's scorer before its model, for whoever computes features
    elsewhere."""
    from jupyter_pipe.scoring.bundle import load_bundle
    from jupyter_pipe.scoring.features.writing import write_features
    from jupyter_pipe.scoring.notebooks import current_bundle

    bundle = load_bundle(target if target.is_dir() else current_bundle(target))
    folder = output or Path(f"{bundle.manifest.name}_features")
    names = write_features(bundle, folder)
    terminal.result(os.path.relpath(folder))
    for name in names:
        terminal.say(f"  {name}")
    return 0


def _list(terminal: Terminal) -> int:
    from jupyter_pipe.export import BUILT_IN, exporter_names, find_exporter

    rows = []
    for name, source in sorted(exporter_names().items()):
        if name in BUILT_IN:
            exporter = find_exporter(name)
            way = "a shared folder or URL" if exporter.root else "bundles"
            rows.append([name, exporter.title, "" if name == "dockerfile" else way])
        else:
            rows.append([name, f"from {source}", ""])
    rows.append(
        ["features", "a feature store", "a module of the scorer's features, not stages"]
    )
    terminal.result(
        terminal.table(rows, heading=["engine", "writes for", "values travel in"])
    )
    return 0


def _unset() -> Options:
    from jupyter_pipe.export import Options

    return Options()


def _usual_file(exporter: Exporter, plan: Plan) -> Path:
    return Path(exporter.file.format(name=plan.name, label=plan.label))


def _known_options(
    exporter: Exporter, output: Path, *, is_checked: bool, force: bool
) -> Options | None:
    """What an earlier export of the file was told. Raises ExportError for a file that
    is not from here."""
    from jupyter_pipe.export import ExportError, read_options

    if not output.exists():
        if is_checked:
            raise ExportError(
                f"{output} does not exist.",
                code="export_stale",
                hint="Export without --check.",
            )
        return None
    # A file that is not from here may hold anything.
    found = read_options(output.read_text("utf-8", errors="replace"))
    if found is not None and found[0] == exporter.engine:
        return found[1]
    if force and not is_checked:
        return None
    raise ExportError(
        f"{output} exists, and is not from here.",
        code="export_exists",
        hint="Add --force to overwrite it, or name another file with --output.",
    )


def _options(
    args: argparse.Namespace, exporter: Exporter, package: Path, known: Options | None
) -> Options:
    """The options of this export: what the command line says, then what the earlier
    export of the same file said, then the engine's usual values. Raises if a path does
    not suit the engine."""
    from jupyter_pipe.export import Options

    before = known or Options()
    here = {
        "absolute": str(package.absolute()),
        "relative": os.path.relpath(package),
        "any": str(package),
    }
    options = Options(
        package=args.package or before.package or here[exporter.paths],
        run_root=(args.run_root or before.run_root or _usual_root(exporter))
        if exporter.root
        else "",
        # `--image ""` takes an earlier one away.
        image=before.image if args.image is None else args.image,
        command=args.words or before.command,
    )
    _check_path(exporter, "--package", options.package, exporter.paths)
    # Where files lie in a repository, the folder of runs does not.
    shared = "absolute" if exporter.paths == "relative" else exporter.paths
    _check_path(exporter, "--run-root", options.run_root, shared)
    return options


def _usual_root(exporter: Exporter) -> str:
    from jupyter_pipe.export import ExportError

    if exporter.needs_root:
        raise ExportError(
            f"Tasks of {exporter.title} need a folder or URL that all of them reach.",
            code="export_root",
            hint="Name it: --run-root DIR|URL",
        )
    return str(Path.cwd()) if exporter.paths == "absolute" else "."


def _check_path(exporter: Exporter, option: str, path: str, kind: str) -> None:
    """Tasks have a working directory of their own, so what they are told must not
    depend on it."""
    from jupyter_pipe.export import ExportError
    from jupyter_pipe.runs.remote import is_url

    if not path or is_url(path) or kind == "any":
        return
    is_absolute = Path(path).is_absolute()
    if kind == "absolute" and not is_absolute:
        raise ExportError(
            f"{option} {path} is relative, and tasks of {exporter.title} start in folders of their own.",
            code="export_path",
            hint="Name the path from the root, as the tasks see it.",
        )
    if kind == "relative" and (is_absolute or ".." in Path(path).parts):
        raise ExportError(
            f"{option} {path} does not lie below the folder in which {exporter.title} works.",
            code="export_path",
            hint="Call export in the folder of the repository, with a package below it.",
        )


def _check(terminal: Terminal, output: Path, text: str) -> int:
    if output.read_text("utf-8") == text:
        terminal.say(f"{output} is up to date.")
        return 0
    terminal.result(f"{output} is stale: export it again.")
    return 2


def _write(path: Path, text: str) -> None:
    from jupyter_pipe.cli.output.writing import write_output

    write_output(path, text.encode())


def _package(targets: list[Path]) -> Path:
    """The package, which must be what the notebooks compile to if they were named."""
    from jupyter_pipe.compiler import stale_files
    from jupyter_pipe.compiler.named import compile_named
    from jupyter_pipe.engine.targets import is_package
    from jupyter_pipe.export import ExportError
    from jupyter_pipe.notebook.file_kinds import names_several

    if not names_several(targets) and is_package(targets[0]):
        return targets[0]
    named = compile_named(targets)
    if stale_files(named.compiled, named.folder):
        words = " ".join(map(str, targets))
        raise ExportError(
            f"{named.folder} is not there, or not what {words} compiles to.",
            code="export_stale",
            hint=f"The tasks run the compiled package. Write it first: jupyter pipe compile {words}",
        )
    return (
        # The folder of a list is absolute; the file should say what was typed.
        Path(os.path.relpath(named.folder)) if names_several(targets) else named.folder
    )
