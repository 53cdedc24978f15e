"""`jupyter pipe contract …`: makes, checks, widens and exports what values must look
like."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import ContractError, RunError

if TYPE_CHECKING:
    from jupyter_pipe.contracts import Contract, Profile
    from jupyter_pipe.engine import Target
    from jupyter_pipe.runs.model import Run

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe contract init home_value.ipynb --by week     from the latest run that succeeded
jupyter pipe contract check home_value.ipynb              the files, and the values of the latest run
jupyter pipe contract diff home_value.ipynb latest        what a contract made from that run would say
jupyter pipe contract accept home_value.ipynb latest raw  widen it to what that run showed
jupyter pipe contract export home_value.ipynb --to pandera

how it works:
  1. Tag the cell that makes a value: contract:sales
  2. Run the notebook, and let `init` write STEM.contracts/sales.yaml. Review it, commit it.
  3. From then on a run fails with exit code 4 where the data is not as the file says, before
     anything is computed from it. The message names column and cause.
  4. If the data is right and the contract too narrow, `accept` widens it, as a diff to review."""
ACTIONS = {
    "init": "infer contracts from runs that were right; files that are there are kept",
    "check": "say what is wrong with the files, and with the values of a run",
    "accept": "widen a contract to what a run showed",
    "diff": "compare a contract with what would be inferred from a run",
    "export": "write a contract as a schema of another library",
}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command and its actions."""
    parser = add_command(
        subparsers,
        "contract",
        run,
        examples=EXAMPLES,
    )
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in ACTIONS.items()
    }
    for name, action in made.items():
        action.add_argument(
            "target", metavar="NB", help="the notebook, or its compiled package"
        )
        if name in ("accept", "diff"):
            action.add_argument(
                "run_id",
                metavar="RUN",
                nargs="?" if name == "diff" else None,
                default="latest",
            )
        action.add_argument(
            "--root",
            metavar="DIR",
            help="holds .jupyter_pipe (default: the notebook's folder)",
        )
        action.set_defaults(run=run)
    made["accept"].add_argument(
        "name", metavar="NAME", help="the value whose contract is widened"
    )
    made["accept"].add_argument(
        "--dry-run",
        action="store_true",
        help="show what would change, and change nothing",
    )
    made["init"].add_argument(
        "--run",
        action="append",
        default=[],
        dest="runs",
        metavar="RUN",
        help="learn from this run, too",
    )
    made["init"].add_argument(
        "--by",
        default="",
        metavar="COLUMN",
        help="judge the rows of each value of COLUMN apart",
    )
    made["init"].add_argument(
        "--value",
        action="append",
        default=[],
        metavar="NAME",
        help="a value without a tag yet",
    )
    made["check"].add_argument(
        "--run",
        default="latest",
        dest="run_id",
        metavar="RUN",
        help="whose values are judged",
    )
    made["export"].add_argument(
        "--to", choices=("pandera",), default="pandera", help="which library"
    )
    made["export"].add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="where the modules go (default: beside the contracts)",
    )


def run(args: argparse.Namespace) -> int:
    """Carry out one action."""
    from jupyter_pipe.engine import open_target
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    target = open_target(
        args.target, RunStore(local_root(args.root)) if args.root else None
    )
    actions: dict[str, Callable[[Terminal, Target, argparse.Namespace], int]] = {
        "init": _init,
        "check": _check,
        "accept": _accept,
        "diff": _diff,
        "export": _export,
    }
    return actions[args.action](Terminal.of(args), target, args)


def _init(terminal: Terminal, target: Target, args: argparse.Namespace) -> int:
    from jupyter_pipe.contracts import contract_path, contract_text, infer_contract

    names = list(dict.fromkeys((*_watched(target), *args.value)))
    if not names:
        raise ContractError(
            f"No cell of {target.notebook.name} is tagged contract:NAME.",
            code="contract_missing",
            hint="Tag the cell that makes the value, such as contract:sales, or name it with --value sales.",
        )
    runs = _green_runs(target, args.runs)
    source = f"{'runs' if len(runs) > 1 else 'run'} {', '.join(each.run_id for each in runs)}"
    for name in names:
        path = contract_path(target.notebook, name)
        if path.exists():
            terminal.say(f"kept     {_shown(path)}, which is there already")
            continue
        # Oldest first, as batches came.
        profiles = [_profile(target, each, name) for each in reversed(runs)]
        _check_column(profiles[-1], name, args.by)
        _write(path, contract_text(infer_contract(name, profiles, by=args.by), source))
        terminal.say(f"written  {_shown(path)}")
    _remind(terminal, target)
    return 0


def _remind(terminal: Terminal, target: Target) -> None:
    """Contracts are written beside the notebook; a package has copies."""
    if target.package is not None:
        terminal.say(
            f"Compile again, so that the package has it: jupyter pipe compile {target.notebook.name}"
        )


def _check_column(profile: Profile, name: str, by: str) -> None:
    names = [column.name for column in profile.columns]
    if by and by not in names:
        close = difflib.get_close_matches(by, names, n=1)
        hint = (
            f"Did you mean '{close[0]}'?"
            if close
            else f"Its columns are {', '.join(names)}."
        )
        raise ContractError(
            f"{name} has no column '{by}'.", code="contract_invalid", hint=hint
        )


def _check(terminal: Terminal, target: Target, args: argparse.Namespace) -> int:
    """Exit code 4 where a value of the run breaks its contract; files that are wrong
    are an error."""
    from jupyter_pipe.contracts import judge, judgement_lines

    found = _run(target, args.run_id)
    broken = 0
    contracts = target.contracts(_watched(target))
    for name in _watched(target):
        contract = contracts.get(name)
        if contract is None:
            terminal.result(
                f"- {name} has no contract yet: jupyter pipe contract init {target.notebook.name}"
            )
            continue
        judgement = judge(contract, _find_profile(target, found, name))
        broken += not judgement.passed
        lines = judgement_lines(judgement, contract.by) or [
            f"{name} is as its contract says in {found.run_id}."
        ]
        terminal.result(
            "\n".join(f"{'+' if judgement.passed else '!'} {line}" for line in lines)
        )
    return 4 if broken else 0


def _accept(terminal: Terminal, target: Target, args: argparse.Namespace) -> int:
    from jupyter_pipe.contracts import contract_path, contract_text
    from jupyter_pipe.contracts.judging import lacks
    from jupyter_pipe.contracts.widening import widen_contract

    contract, found = _contract(target, args.name), _run(target, args.run_id)
    # A contract widened to a run of somebody else would let their data in.
    target.store.require_own(found.run_id)
    profile = _profile(target, found, args.name)
    missing = lacks(contract, profile)
    if missing:
        raise ContractError(
            f"{args.name} of run {found.run_id} cannot be judged: {missing}.",
            code="contract_unjudged",
            hint="Run the notebook again, so that it is looked at as the contract asks.",
        )
    path = contract_path(target.notebook, args.name)
    widened = widen_contract(contract, profile)
    # Writing it again would only change the comment about the run.
    if widened == contract:
        terminal.say(
            f"{_shown(path)} admits {args.name} of run {found.run_id} already."
        )
        return 0
    old = path.read_text(encoding="utf-8")
    new = contract_text(widened, f"run {found.run_id}")
    terminal.result("\n".join(_difference(old, new, str(_shown(path)))))
    if not args.dry_run:
        _write(path, new)
        terminal.say(f"{_shown(path)} is wider now. Review it, then commit it.")
        _remind(terminal, target)
    return 0


def _diff(terminal: Terminal, target: Target, args: argparse.Namespace) -> int:
    from jupyter_pipe.contracts import contract_text, infer_contract

    found = _run(target, args.run_id)
    for name, contract in target.contracts(_watched(target)).items():
        inferred = infer_contract(name, [_profile(target, found, name)], by=contract.by)
        lines = list(
            _difference(contract_text(contract), contract_text(inferred), name)
        )
        terminal.result(
            "\n".join(lines)
            or f"{name}: a contract made from run {found.run_id} would say the same."
        )
    return 0


def _export(terminal: Terminal, target: Target, args: argparse.Namespace) -> int:
    from jupyter_pipe.contracts import contract_path
    from jupyter_pipe.contracts.pandera_schema import pandera_module

    for name in _watched(target):
        path = contract_path(target.notebook, name)
        folder = args.output or path.parent
        module = folder / f"{name}_schema.py"
        _write(
            module,
            pandera_module(_contract(target, name), f"{path.parent.name}/{path.name}"),
        )
        terminal.say(f"written  {_shown(module)}")
    return 0


def _watched(target: Target) -> list[str]:
    """The values that a tag `contract:NAME` names, in notebook order."""
    names = [name for stage in target.pipeline.stages for name in stage.options.watched]
    return list(dict.fromkeys(names))


def _contract(target: Target, name: str) -> Contract:
    from jupyter_pipe.contracts import read_contract

    contract = read_contract(target.notebook, name)
    if contract is None:
        close = difflib.get_close_matches(name, _watched(target), n=1)
        hint = (
            f"Did you mean '{close[0]}'?"
            if close and close[0] != name
            else "Make it with `contract init`."
        )
        raise ContractError(
            f"'{name}' has no contract file.", code="contract_missing", hint=hint
        )
    return contract


def _run(target: Target, run_id: str) -> Run:
    return target.store.read(target.store.find(run_id))


def _green_runs(target: Target, wanted: Sequence[str]) -> list[Run]:
    """Newest first: those that were asked for, else the latest that succeeded."""
    from jupyter_pipe.events import RunState

    if not wanted:
        for found in target.store.list():
            if (
                found.state is RunState.succeeded
                and found.pipeline == target.pipeline.name
            ):
                wanted = [found.run_id]
                break
        else:
            raise RunError(
                f"{target.notebook.name} has no run that succeeded, and contracts are made from those.",
                code="run_unknown",
                hint=f"Run it: jupyter pipe run {target.notebook.name}",
            )
    runs = [_run(target, each) for each in wanted]
    for each in runs:
        target.store.require_own(each.run_id)
        if each.state is not RunState.succeeded:
            raise RunError(
                f"Run {each.run_id} has not succeeded, and a contract is made from what was right.",
                code="run_unknown",
                hint="Name runs that succeeded: jupyter pipe runs",
            )
    return sorted(runs, key=lambda each: each.queued, reverse=True)


def _find_profile(target: Target, found: Run, name: str) -> Profile | None:
    """Of the stage whose tag names the value, else of the last stage that left it."""
    from jupyter_pipe.runs.data.profiles import read_profiles

    left = [
        one
        for one in read_profiles(target.store.folder(found.run_id), found)
        if one.name == name
    ]
    watching = {
        stage.name for stage in target.pipeline.stages if name in stage.options.watched
    }
    # A name may be left by several stages; the tag says which one is meant.
    chosen = [one for one in left if one.stage in watching] or left
    return chosen[-1].profile if chosen else None


def _profile(target: Target, found: Run, name: str) -> Profile:
    profile = _find_profile(target, found, name)
    if profile is None:
        raise ContractError(
            f"Run {found.run_id} has no profile of '{name}'.",
            code="profile_missing",
            hint="Values are profiled that a later stage, a metric or a contract reads. Tag it.",
        )
    return profile


def _difference(old: str, new: str, name: str) -> Iterator[str]:
    # Without lines of context: a contract has a line for each rule.
    return difflib.unified_diff(
        old.splitlines(), new.splitlines(), name, f"{name}, widened", lineterm="", n=0
    )


def _write(path: Path, text: str) -> None:
    from jupyter_pipe.cli.output.writing import write_output

    # A cloned folder may hold links that lead anywhere.
    if path.parent.is_symlink():
        raise ContractError(
            f"{_shown(path.parent)} is a symbolic link: {path.name} would be written somewhere else.",
            code="contract_invalid",
            hint="Put a folder in its place.",
        )
    write_output(path, text.encode())


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
