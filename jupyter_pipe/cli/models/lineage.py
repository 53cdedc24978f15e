"""`jupyter pipe lineage NAME@VERSION`: what a version came from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_pipe.cli.models.options import (
    add_reference,
    add_registry,
    find_registry,
    json_of,
    reference_of,
    when,
)
from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.render.words import value_text

if TYPE_CHECKING:
    from jupyter_pipe.registry import ModelVersion
    from jupyter_pipe.registry.lineage import Lineage

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe lineage home_value@champion
jupyter pipe lineage home_value@4 --json"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "lineage", run, examples=EXAMPLES)
    add_reference(parser, "the version, such as home_value@4 (default: the champion)")
    add_registry(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; a version that is not there, or whose record nobody trusted signed, is an error."""
    from jupyter_pipe.registry.lineage import read_lineage

    terminal = Terminal.of(args)
    reference = reference_of(args.reference, default="champion")
    version = find_registry(args.root).resolve(reference.name, reference.which)
    assert version.bundle is not None  # `resolve` has fetched it
    lineage = read_lineage(version.bundle, version.name)
    if args.json:
        terminal.record(json_of({"version": version, "lineage": lineage}))
        return 0
    for line in _told(terminal, version, lineage):
        terminal.result(line)
    return 0


def _told(terminal: Terminal, version: ModelVersion, lineage: Lineage) -> Iterator[str]:
    """A line for each thing that the version came from: run, notebook, commit, data, cells."""
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    yield f"{version.label}{aliases}, registered {when(version)}"
    yield f"  run         {lineage.run_id}"
    yield f"  notebook    {lineage.notebook}, {lineage.rows} to {lineage.score}"
    yield f"  commit      {_commit(lineage)}"
    values = [f"{name}={value_text(value)}" for name, value in lineage.parameters.items()]
    yield f"  parameters  {', '.join(values) or 'none'}"
    yield f"  metrics     {', '.join(f'{n} {value_text(v)}' for n, v in lineage.metrics.items()) or 'none'}"
    for gate, passed in lineage.gates.items():
        yield f"  gate        {gate}: {'passed' if passed else 'false'}"
    yield f"  cells       {_cells(lineage)}"
    for file in lineage.files:
        digest = file.digest[:12] or "not compared"
        yield f"  file        {file.path}  {digest}  read by {file.stage}"
    if version.rejected:
        yield f"  rejected    {version.rejected}"


def _commit(lineage: Lineage) -> str:
    git = lineage.git
    if not git.get("commit"):
        return "not in a git repository"
    branch = f" on {git['branch']}" if git.get("branch") else ""
    changed = ", with changes that were not committed" if git.get("dirty") else ""
    return f"{git['commit'][:12]}{branch}{changed}"


def _cells(lineage: Lineage) -> str:
    lines: dict[int, list[int]] = {}
    for place in lineage.cells:
        lines.setdefault(place.cell, []).append(place.line)
    told = [f"{cell} (lines {', '.join(map(str, sorted(set(found))))})" for cell, found in lines.items()]
    return "; ".join(told)
