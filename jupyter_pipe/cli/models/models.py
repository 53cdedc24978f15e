"""`jupyter pipe models [NAME]`: the models of a registry, or the versions of one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jupyter_pipe.cli.models.options import add_registry, find_registry, json_of, when
from jupyter_pipe.cli.options import Subparsers, add_command, add_json, find_store
from jupyter_pipe.cli.output.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_pipe.registry import ModelVersion, Registry

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe models
jupyter pipe models home_value        its versions, with the reason why one was rejected
jupyter pipe models home_value --json"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "models", run, examples=EXAMPLES)
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="one model (default: all)"
    )
    add_registry(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; a model that is not there is an error."""
    terminal = Terminal.of(args)
    registry = find_registry(args.root)
    # `home_value@4` is taken for the model: people copy references.
    names = (args.name.partition("@")[0],) if args.name else registry.names()
    versions = [version for name in names for version in registry.versions(name)]
    if args.name and not versions:
        # Raises, with names that are spelt alike.
        registry.find(names[0])
    if args.json:
        terminal.record(json_of(versions))
    elif not versions:
        terminal.say(
            "No model is registered here. Register one: jupyter pipe register NOTEBOOK"
        )
    elif args.name:
        _show_versions(
            terminal, versions, _not_served(args.root, args.name.partition("@")[0])
        )
    else:
        terminal.result(
            terminal.table([_summary(registry, name) for name in names], heading=MODELS)
        )
    return 0


def _not_served(root: str | None, name: str) -> dict[str, str]:
    """What the service of the model refused to answer with, by digest, and why."""
    from jupyter_pipe.serving.live.keeping import refusals
    from jupyter_pipe.serving.traffic.places import model_folder

    return refusals(model_folder(find_store(root).root, name))


def _show_versions(
    terminal: Terminal, versions: Sequence[ModelVersion], not_served: Mapping[str, str]
) -> None:
    """The table, and why a version does not answer."""
    terminal.result(terminal.table([_row(each) for each in versions], heading=HEADING))
    for each in versions:
        if each.rejected:
            terminal.say(f"  {each.label} was rejected. {each.rejected}")
        if each.digest in not_served:
            terminal.say(f"  The service did not take it: {not_served[each.digest]}")


HEADING = ["version", "aliases", "registered", "run", "state"]
MODELS = ["model", "versions", "champion", "challenger", "newest"]


def _row(version: ModelVersion) -> list[str]:
    state = (
        "rejected"
        if version.rejected
        else "answers"
        if "champion" in version.aliases
        else ""
    )
    return [
        str(version.number),
        ", ".join(version.aliases),
        when(version),
        version.run_id,
        state,
    ]


def _summary(registry: Registry, name: str) -> list[str]:
    versions = registry.versions(name)
    aliases = {
        alias: version.number for version in versions for alias in version.aliases
    }
    pointed = [str(aliases.get(alias, "-")) for alias in ("champion", "challenger")]
    return [name, str(len(versions)), *pointed, when(versions[0])]
