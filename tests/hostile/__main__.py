"""Builds the hostile repositories in a folder, and runs every command on them: see
`tests.hostile`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.hostile.attacks import load_attacks
from tests.hostile.commands import commands_for
from tests.hostile.repository import build_honest
from tests.hostile.watching import Listener, judged, listening


def main() -> int:
    """Exit code 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="is made; must not exist")
    parser.add_argument(
        "--try",
        action="store_true",
        dest="tried",
        help="run every command on each, as the tests do",
    )
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only attacks whose name holds this"
    )
    args = parser.parse_args()
    args.folder.mkdir(parents=True)
    os.environ.update(
        {
            "JUPYTER_DATA_DIR": str(args.folder / "home"),
            "XDG_CACHE_HOME": str(args.folder / "c"),
        }
    )
    with listening() as listener:
        return _build(args.folder.absolute(), args.only, listener, tried=args.tried)


def _build(folder: Path, only: str, listener: Listener, *, tried: bool) -> int:
    honest = build_honest(folder / "honest", f"127.0.0.1:{listener.port}")
    happened = 0
    for attack in load_attacks():
        if only not in attack.name:
            continue
        repository = honest.copy(
            folder / attack.name.replace(" ", "-").replace("/", "_")
        )
        attack.change(repository)
        print(f"{attack.name}: {repository.folder}", flush=True)
        commands = commands_for(repository) if tried else ()
        for command in commands:
            if not attack.tries(command.argv[0], runs=command.runs):
                continue
            for problem in judged(command.argv, repository, listener):
                happened += 1
                print(f"  {' '.join(command.argv)}: {problem}", flush=True)
    return 1 if happened else 0


if __name__ == "__main__":
    sys.exit(main())
