"""The options and arguments that several commands share, each defined once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.cli.commands import SUMMARIES

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run, StageRun
    from jupyter_pipe.runs.store import RunStore

__all__ = [
    "Subparsers",
    "add_command",
    "add_further_notebooks",
    "add_json",
    "add_root",
    "add_run",
    "add_trust",
    "at_least",
    "find_stage",
    "find_store",
    "root_option",
]

Subparsers = Any  # argparse keeps the class of what add_subparsers returns private


def add_command(
    subparsers: Subparsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    examples: str,
) -> argparse.ArgumentParser:
    """A command's parser, with its summary, examples, and what every command
    understands."""
    summary = SUMMARIES[name]
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"examples:\n{_indented(examples)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    # Both at once would mean nothing.
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument(
        "-q", "--quiet", action="store_true", help="only results and errors"
    )
    volume.add_argument("-v", "--verbose", action="store_true", help="more detail")
    return parser


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number, not below `least`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number"
            ) from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return number

    return read


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for programs that read."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_run(parser: argparse.ArgumentParser) -> None:
    """`RUN`, for commands about one run; without it, the latest."""
    parser.add_argument(
        "run_id",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="a run's id, its beginning or end; `latest`",
    )


def add_root(parser: argparse.ArgumentParser) -> None:
    """`--root`, for commands about runs that exist."""
    parser.add_argument(
        "--root",
        metavar="DIR|URL",
        help="the folder that holds .jupyter_pipe (default: here or the nearest folder above)",
    )


def add_trust(parser: argparse._ActionsContainer) -> None:
    """`--trust`, for commands that load values or carry out what records say."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="believe what others signed, or nobody: for this once",
    )


def find_store(root: str | None) -> RunStore:
    """The runs of `root`, or of the nearest folder upwards that has any. Those of a URL
    are brought up to date first."""
    from jupyter_pipe.runs.store import STATE_FOLDER, RunStore

    if root is not None:
        from jupyter_pipe.runs.remote import RemoteRoot, fetch_runs, local_root
        from jupyter_pipe.runs.shared.gathering import gather_all

        store = RunStore(local_root(root))
        if store.url:
            fetch_runs(RemoteRoot(store.url), store)
            gather_all(store)
        return store
    here = Path.cwd()
    found = next(
        (
            folder
            for folder in (here, *here.parents)
            # As git looks for its folder: commands work below a project as well.
            if (folder / STATE_FOLDER / "runs").is_dir()
        ),
        here,
    )
    return RunStore(found)


def find_stage(run: Run, name: str) -> StageRun:
    """The stage of a run. Raises RunError with what was meant."""
    import difflib

    from jupyter_pipe.errors import RunError

    names = [each.name for each in run.stages]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = (
            f"Did you mean '{close[0]}'?"
            if close
            else f"Its stages are: {', '.join(names)}."
        )
        raise RunError(
            f"Run {run.run_id} has no stage '{name}'.", code="stage_unknown", hint=hint
        )
    return run.stage(name)


def root_option(store: RunStore) -> str:
    """What to add to a printed command so that it finds the same runs: nothing, where
    it would anyway."""
    import shlex

    # The command would find it without being told.
    if find_store(None).root == store.root:
        return ""
    if store.url:
        return f" --root {shlex.quote(store.url)}"
    here = Path.cwd()
    relative = (
        store.root.relative_to(here) if store.root.is_relative_to(here) else store.root
    )
    return f" --root {shlex.quote(str(relative))}"


def _indented(examples: str) -> str:
    return "\n".join(f"  {line}" for line in examples.strip().splitlines())


def add_further_notebooks(parser: argparse.ArgumentParser) -> None:
    """`more`: notebooks that follow the first."""
    parser.add_argument(
        "more",
        nargs="*",
        type=Path,
        metavar="NB",
        help="notebooks that would be run after it: one pipeline of all",
    )
