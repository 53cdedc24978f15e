"""Damages files below `.jupyter_pipe` and looks what becomes of the commands: a bad
disk, not an attacker.

    python -m tests.hostile.damages [--damages 2000] [--seed N]

Each damage is one change to one file of a store with four runs. Afterwards no command
may crash or hang, `run` must give the right metrics, and every run that was not hit
must be listed and shown as before. The first line printed is the seed, which repeats
the same damages.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from jupyter_pipe.runs.report.notes import RunNote, write_note
from jupyter_pipe.runs.store import RunStore
from tests.hostile.repository import Repository, build_honest
from tests.hostile.watching import Done, problems_of, run_command

__all__ = ["DAMAGES", "Damage", "Victim", "build_victim", "random_damage"]

KEY = "key-of-the-victim-" + "2" * 32
RESULT = re.compile(r"^total +3 +add$", re.MULTILINE)
_LONG = b"9" * 400
_DEEP = b"[" * 5_000 + b"]" * 5_000


def _flip(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) or 1)
    return (
        data[:place]
        + bytes([data[place] ^ (1 << rng.randrange(8))] if data else b"")
        + data[place + 1 :]
    )


def _no_text(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + b"\xff" + data[place + rng.randrange(2) :]


def _in_a_string(data: bytes, rng: random.Random) -> bytes:
    """Where JSON has text, so that only the decoding of text fails."""
    places = [found.start() + 1 for found in re.finditer(rb'"[a-z]', data)] or [0]
    place = rng.choice(places)
    return (
        data[:place]
        + rng.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\\ud800"])
        + data[place + 1 :]
    )


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _hole(data: bytes, rng: random.Random) -> bytes:
    """As file systems leave one after a power cut."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + b"\0" * min(512, len(data) - place) + data[place + 512 :]


def _noise(data: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, 2000))


def _other_type(data: bytes, rng: random.Random) -> bytes:
    """A value of JSON becomes one of another type."""
    values = list(
        re.finditer(
            rb'(?<=[:,\[])\s*("[^"\\]*"|-?[0-9.]+|true|false|null)(?=\s*[,}\]])', data
        )
    )
    if not values:
        return _flip(data, rng)
    found = rng.choice(values)
    new = rng.choice(
        [
            b"null",
            b"[]",
            b"{}",
            b'""',
            b"-1",
            b"1e999",
            _LONG,
            b'"\\u0000"',
            b"true",
            _DEEP,
        ]
    )
    return data[: found.start()] + new + data[found.end() :]


def _doubled(data: bytes, rng: random.Random) -> bytes:
    return data + data[rng.randrange(len(data) + 1) :]


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "a bit flipped": _flip,
    "a byte that is not a text": _no_text,
    "a byte that is not a text, in a string": _in_a_string,
    "cut off": _cut,
    "a hole": _hole,
    "noise": _noise,
    "a value of another type": _other_type,
    "written twice": _doubled,
}
GONE = ("gone", "a folder", "a dangling link", "a pipe")


class Damage(NamedTuple):
    """What happens to the file `name`, relative to the state folder."""

    name: str
    kind: str
    seed: int

    def apply(self, state: Path) -> None:
        path = state / self.name
        if self.kind in DAMAGES:
            data = path.read_bytes()
            path.write_bytes(DAMAGES[self.kind](data, random.Random(self.seed)))
            return
        path.unlink()
        if self.kind == "a folder":
            path.mkdir()
        elif self.kind == "a dangling link":
            path.symlink_to("nowhere")
        elif self.kind == "a pipe":
            os.mkfifo(path)


class Victim(NamedTuple):
    """A repository whose store is the victim's own, and what its commands say while all
    is well."""

    repository: Repository
    files: tuple[str, ...]
    listed: dict[str, object]

    def try_damage(self, damage: Damage, folder: Path) -> list[str]:
        """Everything that is wrong afterwards."""
        repository = self.repository.copy(folder)
        damage.apply(repository.state)
        return list(self._problems(damage, repository))

    def _problems(self, damage: Damage, repository: Repository) -> Iterator[str]:
        hit = damage.name.split("/")[1] if damage.name.startswith("runs/") else ""
        for argv in _commands(sorted(self.listed), damage):
            done = _command(repository, *argv)
            for problem in problems_of(done):
                yield f"{' '.join(argv)}: {problem}"
            if argv == ("runs", "--json"):
                yield from self._lost(done, hit)
        done = _command(repository, "run", "flow.ipynb")
        yield from (f"run: {problem}" for problem in problems_of(done))
        if done.code != 0 or not RESULT.search(done.output):
            yield f"run: {done.code}, {done.output[-1000:]}"

    def _lost(self, done: Done, hit: str) -> Iterator[str]:
        found = _listed(done)
        for run_id, before in self.listed.items():
            if run_id != hit and found.get(run_id) != before:
                yield f"run {run_id} is lost: {found.get(run_id)}"


def build_victim(folder: Path) -> Victim:
    """The store of a victim: `flow` run twice, `fails`, one stage by itself, a note and
    a study."""
    repository = build_honest(folder, "127.0.0.1:9", key=KEY)
    _command(repository, "run", "flow.ipynb", "-q")
    _command(
        repository,
        "sweep",
        "flow.ipynb",
        "-p",
        "n=3,4",
        "--minimize",
        "total",
        "--trials",
        "1",
    )
    for run in RunStore(folder).ids():
        write_note(
            RunStore(folder).folder(run), RunNote("named", "with a note", pinned=True)
        )
    files = tuple(
        path.relative_to(repository.state).as_posix()
        for path in sorted(repository.state.rglob("*"))
        if path.is_file()
    )
    return Victim(repository, files, _listed(_command(repository, "runs", "--json")))


def random_damage(victim: Victim, rng: random.Random) -> Damage:
    # Of the hundred files most are of stages; each folder of the store is as likely.
    tops = sorted({name.split("/")[0] for name in victim.files})
    top = rng.choice(tops)
    name = rng.choice([name for name in victim.files if name.split("/")[0] == top])
    kind = rng.choice([*DAMAGES] * 3 + [*GONE])
    return Damage(name, kind, rng.randrange(1 << 30))


def _commands(run_ids: list[str], damage: Damage) -> Iterator[tuple[str, ...]]:
    hit = damage.name.split("/")[1] if damage.name.startswith("runs/") else "shared"
    run_id = hit if hit in run_ids else run_ids[-1]
    yield ("runs", "--json")
    yield ("show", run_id)
    yield ("logs", run_id)
    yield ("logs", run_id, "make")
    yield ("compare", run_ids[0], run_id, "--all")
    yield ("debug", run_id, "make", "-o", "tried.ipynb", "--force")
    yield ("plan", "flow.ipynb")
    yield ("cancel", run_id)
    yield ("gc", "--keep", "2", "--dry-run")
    yield ("open", run_id, "--print")
    yield ("drift", run_ids[0], run_id)
    if damage.name.startswith("studies"):
        yield ("sweep", "flow.ipynb", "--study", "total", "--resume")


def _command(repository: Repository, *argv: str) -> Done:
    return run_command(
        argv, repository.folder, environment={"JUPYTER_PIPE_KEY": KEY}, seconds=180.0
    )


def _listed(done: Done) -> dict[str, object]:
    try:
        found = json.loads(done.output)
    except ValueError:
        return {}
    return {str(one["run_id"]): one for one in found} if isinstance(found, list) else {}


def main() -> int:
    """Exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile.damages", description=__doc__
    )
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    rng, began, wrong = random.Random(seed), time.monotonic(), 0
    with tempfile.TemporaryDirectory() as home:
        os.environ["JUPYTER_DATA_DIR"] = f"{home}/data"
        victim = build_victim(Path(home) / "honest")
        for number in range(args.damages):
            damage = random_damage(victim, rng)
            folder = Path(home) / str(number)
            for problem in victim.try_damage(damage, folder):
                wrong += 1
                print(f"{number}: {damage}\n  {problem}", flush=True)
            shutil.rmtree(folder)
    print(f"{args.damages} damages, {wrong} wrong, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
