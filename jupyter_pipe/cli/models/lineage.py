"""`jupyter pipe lineage NAME@VERSION|RUN`: what a version, or a run, came from."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_pipe.cli.models.options import (
    add_reference,
    add_registry,
    find_registry,
    json_of,
    reference_of,
    versions_by_run,
    when,
)
from jupyter_pipe.cli.options import Subparsers, add_command, add_json, find_store
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.render.words import value_text

if TYPE_CHECKING:
    from jupyter_pipe.lineage import RunLineage
    from jupyter_pipe.registry import ModelVersion
    from jupyter_pipe.registry.lineage import Lineage

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe lineage home_value@champion
jupyter pipe lineage home_value@4 --json
jupyter pipe lineage latest                  a run: its files, commit, parameters, and what it reused"""
# `latest`, or the beginning or end of `20261130-060002-597c`, which no model is called.
_RUN = re.compile(r"latest|\d{8}-[0-9a-f-]*|\d{6}-[0-9a-f]{4}")


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "lineage", run, examples=EXAMPLES)
    add_reference(
        parser, "the version, such as home_value@4 (default: the champion), or a run"
    )
    add_registry(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; a version that is not there, or whose record nobody trusted signed,
    is an error."""
    from jupyter_pipe.registry.lineage import read_lineage

    terminal = Terminal.of(args)
    if _RUN.fullmatch(args.reference):
        return _run_lineage(terminal, args)
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


def _run_lineage(terminal: Terminal, args: argparse.Namespace) -> int:
    from jupyter_pipe.lineage import lineage_of_run

    store = find_store(args.root)
    run = store.read(store.find(args.reference))
    lineage = lineage_of_run(store, run)
    versions = versions_by_run(store.root).get(run.run_id, [])
    if args.json:
        terminal.record(json_of({"run": lineage, "versions": versions}))
        return 0
    for line in _told_of_run(lineage, versions):
        terminal.result(line)
    return 0


def _told_of_run(lineage: RunLineage, versions: list[str]) -> Iterator[str]:
    """A line for each thing that the run came from, and for what it left."""
    from jupyter_pipe.render.words import day_time

    yield f"{lineage.run_id}, {lineage.state}, {day_time(lineage.queued)}"
    yield f"  notebook    {lineage.notebook or 'not known'}"
    yield f"  commit      {_commit(lineage.git)}"
    yield from _results(lineage)
    if lineage.resumed_from:
        yield f"  goes on     with run {lineage.resumed_from}"
    # Stages that come from one run share a line.
    for run_id in dict.fromkeys(lineage.reused.values()):
        stages = [stage for stage, source in lineage.reused.items() if source == run_id]
        yield f"  reused      {', '.join(stages)}  of run {run_id}"
    for role, files in (("read", lineage.read), ("written", lineage.written)):
        for file in files:
            yield f"  {role:<11} {file.path}  {file.digest[:12] or 'not compared'}  by {file.stage}"
    for contact in lineage.contacts:
        yield f"  contact     {contact}"
    for version in versions:
        yield f"  version     {version}"


def _results(lineage: Lineage | RunLineage) -> Iterator[str]:
    """Parameters, metrics and gates."""
    values = [
        f"{name}={value_text(value)}" for name, value in lineage.parameters.items()
    ]
    yield f"  parameters  {', '.join(values) or 'none'}"
    yield f"  metrics     {', '.join(f'{n} {value_text(v)}' for n, v in lineage.metrics.items()) or 'none'}"
    for gate, passed in lineage.gates.items():
        yield f"  gate        {gate}: {'passed' if passed else 'false'}"


def _told(terminal: Terminal, version: ModelVersion, lineage: Lineage) -> Iterator[str]:
    """A line for each thing that the version came from: run, notebook, commit, data,
    cells."""
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    yield f"{version.label}{aliases}, registered {when(version)}"
    yield f"  run         {lineage.run_id}"
    yield f"  notebook    {lineage.notebook}, {lineage.rows} to {lineage.score}"
    yield f"  commit      {_commit(lineage.git)}"
    yield from _results(lineage)
    yield f"  cells       {_cells(lineage)}"
    for file in lineage.files:
        digest = file.digest[:12] or "not compared"
        yield f"  file        {file.path}  {digest}  read by {file.stage}"
    if version.rejected:
        yield f"  rejected    {version.rejected}"


def _commit(git: Mapping[str, Any]) -> str:
    if not git.get("commit"):
        return "not in a git repository"
    branch = f" on {git['branch']}" if git.get("branch") else ""
    changed = ", with changes that were not committed" if git.get("dirty") else ""
    return f"{git['commit'][:12]}{branch}{changed}"


def _cells(lineage: Lineage) -> str:
    lines: dict[int, list[int]] = {}
    for place in lineage.cells:
        lines.setdefault(place.cell, []).append(place.line)
    told = [
        f"{cell} (lines {', '.join(map(str, sorted(set(found))))})"
        for cell, found in lines.items()
    ]
    return "; ".join(told)
