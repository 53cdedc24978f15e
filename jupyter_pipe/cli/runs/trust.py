"""`jupyter pipe trust DIR|KEY`: believes what somebody else computed, or takes that
back."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError

if TYPE_CHECKING:
    from jupyter_pipe.trust.keys import AcceptedKey

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe trust .                         use the results in this folder, and resume its runs
jupyter pipe trust colleague.key             believe all that this key has signed, wherever it is
jupyter pipe trust --list
jupyter pipe trust --revoke .                or a key, its file, its id
jupyter pipe trust --new-key > ci.key        a key for CI: the variable JUPYTER_PIPE_KEY gets it"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "trust", run, examples=EXAMPLES)
    parser.add_argument(
        "what",
        metavar="DIR|KEY",
        nargs="?",
        help="a folder that holds .jupyter_pipe; a key, a file that holds one, or - for standard input",
    )
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--list", action="store_true", help="say what is trusted")
    actions.add_argument(
        "--revoke", action="store_true", help="trust the folder, or the key, no more"
    )
    actions.add_argument(
        "--new-key", action="store_true", help="print a key that nobody has yet"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Accept, list, revoke, or make a key."""
    terminal = Terminal.of(args)
    if args.new_key:
        from jupyter_pipe.trust.keys import new_key_text

        terminal.result(new_key_text())
    elif args.list:
        _list(terminal, as_json=args.json)
    elif args.what is None:
        raise PipeError(
            "Name a folder or a key to trust.",
            code="bad_request",
            hint="For example: jupyter pipe trust .",
        )
    elif args.revoke:
        _revoke(terminal, args.what)
    else:
        _trust(terminal, args.what)
    return 0


def _trust(terminal: Terminal, what: str) -> None:
    from jupyter_pipe.trust.keys import accept_key

    if what != "-" and Path(what).is_dir():
        _trust_folder(terminal, Path(what))
        return
    accepted = accept_key(_key_text(what), source=_source(what), now=time.time())
    terminal.say(
        f"Believes what key {accepted.id} has signed. Revoke: jupyter pipe trust --revoke {accepted.id}"
    )


def _trust_folder(terminal: Terminal, folder: Path) -> None:
    from jupyter_pipe.engine.trusting import trust_folder
    from jupyter_pipe.render.words import count
    from jupyter_pipe.runs.store import RunStore

    root = _root(folder)
    found = trust_folder(RunStore(root), now=time.time())
    if not (found.results or found.runs):
        terminal.say(f"Nothing in {root} is signed by others.")
        return
    many = f"{count(found.results, 'result')}, {count(found.runs, 'run')}"
    terminal.say(
        f"Trusts what is in {root} now: {many}. What comes later is not trusted."
    )


def _revoke(terminal: Terminal, what: str) -> None:
    from jupyter_pipe.trust.keys import accepted_keys, forget_keys

    source, own_id = str(_root(Path(what))), _id_of(what)
    ids = frozenset(
        each.id
        for each in accepted_keys()
        # A folder is revoked by where it was when it was trusted.
        if each.id in (what, own_id) or source == each.source
    )
    if not ids:
        raise PipeError(
            f"'{what}' is not trusted.",
            code="key_invalid",
            hint="See: jupyter pipe trust --list",
        )
    forget_keys(ids)
    terminal.say(f"'{what}' is trusted no more.")


def _list(terminal: Terminal, *, as_json: bool) -> None:
    import msgspec

    from jupyter_pipe.trust.keys import accepted_keys

    found = accepted_keys()
    if as_json:
        # Without the keys themselves: they are secrets.
        shown = [
            {"id": each.id, "source": each.source, "accepted": each.accepted}
            for each in found
        ]
        terminal.result(msgspec.json.encode(shown).decode())
    elif not found:
        terminal.say("Nothing is trusted but what you computed yourself.")
    else:
        terminal.result(
            terminal.table(
                [_row(each) for each in found], heading=["key", "since", "trusted"]
            )
        )


def _row(each: AcceptedKey) -> list[str]:
    since = datetime.datetime.fromtimestamp(each.accepted).strftime("%d %b %Y")
    return [each.id, since, each.source]


def _root(folder: Path) -> Path:
    from jupyter_pipe.runs.store import STATE_FOLDER

    absolute = Path(os.path.abspath(folder))
    # `trust .jupyter_pipe` is as good as `trust .`.
    return absolute.parent if absolute.name == STATE_FOLDER else absolute


def _key_text(what: str) -> str:
    """The key that is meant: itself, or what a file or standard input holds."""
    if what == "-":
        # A key is one line.
        return sys.stdin.readline()
    if not Path(what).is_file():
        return what
    from jupyter_pipe.trust.records import read_regular_file

    try:
        # Bytes: a key is far shorter, and a wrong file is not to be read whole.
        return read_regular_file(Path(what), 4096).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise PipeError(
            f"'{what}' cannot be read as a key: {error}.", code="key_invalid"
        ) from error


def _id_of(what: str) -> str:
    """The id of the key that is meant; empty for a folder, and for what is no key."""
    from jupyter_pipe.trust.keys import key_of

    if Path(what).is_dir():
        return ""
    try:
        return key_of(_key_text(what)).id
    except PipeError:
        return ""


def _source(what: str) -> str:
    return os.path.abspath(what) if what != "-" and Path(what).is_file() else "a key"
