"""`jupyter pipe debug RUN STAGE`: a stage to try out by hand, with its inputs
restored."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_root,
    add_trust,
    find_stage,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import KernelError

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run, StageRun
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe debug latest train
jupyter pipe debug 7b1e train --console"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers,
        "debug",
        run,
        examples=EXAMPLES,
    )
    parser.add_argument(
        "run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`"
    )
    parser.add_argument("stage", metavar="STAGE")
    parser.add_argument(
        "--console", action="store_true", help="in this terminal instead of a notebook"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: beside the source notebook",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite the notebook if it exists"
    )
    add_trust(parser)
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Write the notebook, or start IPython."""
    from jupyter_pipe.runs.debug import fetch_inputs, write_debug_notebook

    store = find_store(args.root)
    found = store.read(store.find(args.run_id))
    stage = find_stage(found, args.stage)
    fetch_inputs(store, found, stage, trust=args.trust)
    if args.console:
        return _console(store, found, stage, trust=args.trust)
    target = (
        args.output
        or Path(found.facts.folder_of(stage.name))
        / f"debug_{found.pipeline}_{stage.name}.ipynb"
    )
    path = write_debug_notebook(
        store, found, stage, target, force=args.force, trust=args.trust
    )
    Terminal.of(args).result(f"Wrote {path}: open it and run its cells.")
    return 0


def _console(store: RunStore, found: Run, stage: StageRun, *, trust: bool) -> int:
    """IPython of the kernel's interpreter, where everything before the failing cell has
    run."""
    from jupyter_pipe.cache.replacing import replace_file
    from jupyter_pipe.compiler.codegen.requirements import find_interpreter
    from jupyter_pipe.runs.debug import debug_script

    kernel = store.read_pipeline(found.run_id).kernel_of(stage.name)
    interpreter = find_interpreter(kernel)
    if interpreter is None:
        raise KernelError(
            f"The kernel {kernel!r} is not installed here.", code="kernel_missing"
        )
    # `.ipy`: the cells may hold magics.
    script = store.folder(found.run_id).stage(stage.name) / "debug.ipy"
    replace_file(script, debug_script(store, found, stage, trust=trust).encode())
    command = [str(interpreter), "-m", "IPython", "--no-banner", "-i", str(script)]
    return subprocess.run(
        command, cwd=found.facts.folder_of(stage.name) or None, check=False
    ).returncode
