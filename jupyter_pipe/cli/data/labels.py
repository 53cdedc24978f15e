"""`jupyter pipe labels …`: rows of a run as tasks for people, and their answers as one
label a row."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.render.words import count

if TYPE_CHECKING:
    from jupyter_pipe.labels import Merged, Vote
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe labels export tickets.ipynb --key ticket --choices billing,network,sales
jupyter pipe labels export tickets.ipynb --key ticket --suggest guess -o tasks.json
jupyter pipe labels merge answers.json --key ticket --column team -o labels.csv
jupyter pipe labels merge votes.csv --key ticket --votes words,sender,model --by dawid-skene

how it works:
  1. A cell tagged labels:NAME makes a table of rows that wait for labels.
  2. `export` writes them as tasks (JSON) and the form to answer them (XML). JupyterLab shows them
     on the page Labels of Operations, whose answers go to NAME.answers.jsonl; for Label Studio
     create a project, paste the form under Labeling Interface, import the tasks.
  3. `merge` reads those answers, what Label Studio exports (JSON), or a table with a column for
     each labelling function, and writes one label a row. Rows on which votes are even get none.

exit codes: 0 written, 2 usage, or what was given cannot be read"""
# Bytes: exports of Label Studio hold all tasks of a project.
_LARGEST_FILE = 256_000_000
ACTIONS = {
    "export": "write the rows that wait for labels as tasks for Label Studio",
    "merge": "make one label a row of the answers, and say how far they agree",
}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command and its actions."""
    parser = add_command(subparsers, "labels", run, examples=EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in ACTIONS.items()
    }
    for action in made.values():
        action.add_argument(
            "--key", required=True, metavar="COLUMN,…", help="what names a row"
        )
        action.set_defaults(run=run)
    export, merge = made["export"], made["merge"]
    export.add_argument("target", metavar="NB", type=Path, help="the notebook")
    export.add_argument(
        "--value", metavar="NAME", default="", help="which table, if several are tagged"
    )
    export.add_argument(
        "--run", metavar="RUN", dest="run_id", help="default: the latest that succeeded"
    )
    export.add_argument(
        "--choices",
        metavar="A,B,…",
        default="",
        help="the labels (default: the suggested)",
    )
    export.add_argument(
        "--suggest",
        metavar="COLUMN",
        default="",
        help="labels that are to be confirmed",
    )
    export.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="default: NAME.tasks.json"
    )
    merge.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        type=Path,
        help="exports of Label Studio, or a table",
    )
    merge.add_argument(
        "--votes", metavar="A,B,…", default="", help="the table's columns of votes"
    )
    merge.add_argument("--by", choices=("majority", "dawid-skene"), default="majority")
    merge.add_argument(
        "--column",
        default="label",
        metavar="NAME",
        help="the label's column (default: label)",
    )
    merge.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="default: standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Carry out one action."""
    actions: dict[str, Callable[[Terminal, argparse.Namespace], int]] = {
        "export": _export,
        "merge": _merge,
    }
    return actions[args.action](Terminal.of(args), args)


# Tasks


def _export(terminal: Terminal, args: argparse.Namespace) -> int:
    """Write tasks and their form."""
    from jupyter_pipe.cli.output.writing import write_output
    from jupyter_pipe.labels import label_config, tasks_from_rows
    from jupyter_pipe.runs.store import RunStore

    store = RunStore(args.target.absolute().parent)
    found = _find_run(store, args.target, args.run_id)
    stage, name = _tagged(store, found, args.value)
    rows = _records(store, found, stage, name)
    tasks = tasks_from_rows(
        rows, _names(args.key), suggested=args.suggest, version=found.run_id
    )
    choices = _names(args.choices) or sorted(
        {str(row[args.suggest]) for row in rows if row.get(args.suggest)}
    )
    if not choices:
        raise PipeError(
            "There are no labels to choose from.",
            code="labels_unusable",
            hint="Name them: --choices A,B",
        )
    output = args.output or Path(f"{name}.tasks.json")
    columns = [column for column in (rows[0] if rows else {}) if column != args.suggest]
    # Beside the tasks: people look for both by one name.
    form = output.with_suffix(".xml")
    write_output(
        output,
        json.dumps(tasks, indent=1, ensure_ascii=False, default=str).encode() + b"\n",
    )
    write_output(form, label_config(columns, choices).encode())
    terminal.result(str(output))
    terminal.say(
        f"  {count(len(tasks), 'task')} of run {found.run_id}; the form is {form}"
    )
    return 0


def _find_run(store: RunStore, notebook: Path, run_id: str | None) -> Run:
    """Its values are loaded, so it must be the user's own."""
    from jupyter_pipe.cli.own_runs import choose_own_run
    from jupyter_pipe.errors import RunError

    chosen = choose_own_run(store, notebook_name(notebook), run_id)
    if chosen is not None:
        return chosen
    hint = f"Run it first: jupyter pipe run {notebook.name}"
    raise RunError(
        f"No run of {notebook.name} has succeeded.", code="run_unknown", hint=hint
    )


def _tagged(store: RunStore, found: Run, wanted: str) -> tuple[str, str]:
    """The stage and the name of the table."""
    tagged = [
        (stage.name, name)
        for stage in store.read_pipeline(found.run_id).stages
        for name in stage.options.labels
        if wanted in ("", name)
    ]
    if len(tagged) == 1:
        return tagged[0]
    if tagged:
        listed = ", ".join(name for _, name in tagged)
        raise PipeError(
            f"Several tables wait for labels: {listed}.",
            code="one_run",
            hint="Name one: --value",
        )
    raise PipeError(
        f"No cell of {found.pipeline} is tagged labels:{wanted or 'NAME'}.",
        code="labels_unusable",
        hint="Tag the cell that makes the table, and run the notebook again.",
    )


def _records(
    store: RunStore, found: Run, stage: str, name: str
) -> list[dict[str, Any]]:
    """The rows of the table, each a mapping of column to plain value; gaps are None."""
    from jupyter_pipe.artifacts.store import Store
    from jupyter_pipe.engine.scheduling.kernel_definitions import known_definitions
    from jupyter_pipe.scoring.columns import describe_rows, to_records

    pipeline = store.read_pipeline(found.run_id)
    for written in found.stage(stage).artifacts:
        if name in written.names:
            definitions = known_definitions(pipeline, pipeline.stage(stage))
            table = Store(store.state_folder).load(
                written.artifact, definitions=definitions
            )[name]
            return to_records(table, describe_rows(table))
    raise PipeError(
        f"Run {found.run_id} did not keep '{name}'.", code="artifact_unusable"
    )


# Answers


def _merge(terminal: Terminal, args: argparse.Namespace) -> int:
    """Write a table with one label a row, and say how far annotators agree."""
    from jupyter_pipe.cli.output.writing import write_output
    from jupyter_pipe.labels import agreement, dawid_skene, majority

    keys = _names(args.key)
    votes = [
        vote for path in args.files for vote in _votes(path, keys, _names(args.votes))
    ]
    if not votes:
        raise PipeError(
            "Nobody has given a label yet.",
            code="labels_unusable",
            hint="Label some rows first.",
        )
    merged = dawid_skene(votes) if args.by == "dawid-skene" else majority(votes)
    text = _table(merged, keys, args.column)
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        message = f"A row or a label holds what is no text: {error.object[error.start : error.end]!a}."
        raise PipeError(message, code="labels_unusable") from None
    # A table on standard output is for a program, which must not read what is said
    # about it.
    notes = terminal if args.output else Terminal.of(args, sys.stderr)
    if args.output is None:
        terminal.result(text.rstrip("\n"))
    else:
        write_output(args.output, data)
        terminal.result(str(args.output))
    undecided = sum(not each.label for each in merged)
    people = count(len({vote.annotator for vote in votes}), "annotator")
    notes.say(
        f"  {count(len(merged), 'row')} from {count(len(votes), 'vote')} of {people}, {undecided} even"
    )
    alpha = agreement(votes)
    told = (
        "cannot be told: no row has two votes that could differ"
        if alpha is None
        else f"{alpha:.2f}"
    )
    notes.say(f"  agreement (Krippendorff's alpha): {told}")
    return 0


def _votes(path: Path, keys: Sequence[str], functions: Sequence[str]) -> list[Vote]:
    """The answers in an export of Label Studio, or in a CSV table."""
    from jupyter_pipe.labels import parse_answers, votes_from_export, votes_from_rows
    from jupyter_pipe.trust.records import UNREADABLE, read_named_file

    try:
        # Excel writes a mark in front of UTF-8.
        text = read_named_file(path, _LARGEST_FILE).decode("utf-8-sig")
        if path.suffix.lower() == ".json":
            return votes_from_export(json.loads(text), keys)
        if path.suffix.lower() == ".jsonl":
            return votes_from_export(parse_answers(text), keys)
        rows = [
            # An empty field of CSV is no vote.
            {name: value or None for name, value in row.items()}
            for row in csv.DictReader(io.StringIO(text, newline=""))
        ]
    except (*UNREADABLE, csv.Error) as error:
        raise PipeError(
            f"{path} cannot be read: {error}.", code="labels_unusable"
        ) from None
    if not functions:
        raise PipeError(
            f"Which columns of {path} hold votes?",
            code="labels_unusable",
            hint="Name them: --votes A,B",
        )
    # A table without rows has no columns to be missed.
    missing = [name for name in functions if rows and name not in rows[0]]
    if missing:
        raise PipeError(f"{path} has no column '{missing[0]}'.", code="labels_unusable")
    return votes_from_rows(rows, keys, functions)


def _table(merged: Sequence[Merged], keys: Sequence[str], column: str) -> str:
    out = io.StringIO()
    # The csv module ends lines as Windows does.
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*keys, column, "share", "votes"])
    for each in merged:
        writer.writerow([*each.key, each.label, f"{each.share:.4g}", each.votes])
    return out.getvalue()


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
