"""Looks for differences for as long as you like: `python -m tests.property.hunt
EXAMPLES [SEED]`.

Prints each program that differs, cut down to the statements that matter, and a table of
refusals. Stages run in forks; with `--kernels` through the real engine, which takes a
second or two a notebook.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.cases.kernels import run_in_kernels
from tests.cases.pipelines import Forks
from tests.cases.table import Case
from tests.property.grammar import idioms, write_notebook
from tests.property.judge import Verdict, judge

BAD = ("different", "learned")
REPORTED = 50
"""After so many notebooks it says how far it is."""


Judge = Callable[[Case], Verdict]


def main(examples: int, seed: int, *, kernels: bool, gaps: int) -> int:
    print(f"{examples} notebooks from seed {seed}", flush=True)
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    all_idioms = idioms()
    with tempfile.TemporaryDirectory() as scratch:
        forks = Forks(Path(scratch))
        judged = partial(judge, forks, run=run_in_kernels if kernels else None)
        for number in range(examples):
            generator = random.Random(seed * 1_000_003 + number)
            sizes = [generator.randint(1, 4) for _ in range(generator.randint(2, 6))]
            case = write_notebook(generator.choice, all_idioms, sizes, gaps=gaps)
            verdict = judged(case)
            kinds[verdict.kind] += 1
            if verdict.kind == "refused":
                reasons[re.sub(r"'[^']*'|cell \d+", "…", verdict.detail)[:110]] += 1
            if verdict.kind in BAD:
                _show(number, *_cut_down(judged, case, verdict))
            if (number + 1) % REPORTED == 0:
                print(f"after {number + 1}: {dict(kinds)}", flush=True)
        forks.close()
    print(dict(kinds))
    for reason, count in reasons.most_common():
        print(f"{count:5} {reason}")
    return int(any(kinds[kind] for kind in BAD))


def _cut_down(judged: Judge, case: Case, verdict: Verdict) -> tuple[Case, Verdict]:
    """Leaves out whole cells and lines as long as the difference stays."""
    again = True
    while again:
        again = False
        for smaller in _smaller(case):
            found = judged(smaller)
            if found.kind == verdict.kind and _sort(found) == _sort(verdict):
                case, verdict, again = smaller, found, True
                break
    return case, verdict


def _sort(verdict: Verdict) -> str:
    """Cutting down must not arrive at another kind of failure."""
    if verdict.kind == "learned" or " became " in verdict.detail:
        return verdict.kind
    return re.sub(r"'[^']*'|\w+: ", "", verdict.detail)


def _smaller(case: Case) -> list[Case]:
    found = []
    for place in range(1, len(case.cells)):
        cell = case.cells[place]
        found.append(replace(case, cells=case.cells[:place] + case.cells[place + 1 :]))
        blocks = re.split(r"\n(?=\S)(?!else|except|finally)", cell.source)
        for left_out in range(len(blocks) if len(blocks) > 1 else 0):
            source = "\n".join(blocks[:left_out] + blocks[left_out + 1 :])
            cells = [
                *case.cells[:place],
                replace(cell, source=source),
                *case.cells[place + 1 :],
            ]
            found.append(replace(case, cells=cells))
    return found


def _show(number: int, case: Case, verdict: Verdict) -> None:
    print(f"--- {number}: {verdict.detail}")
    for cell in case.cells[1:]:
        print(f"%% {cell.stage}\n{cell.source}")
    print(flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(10**6))
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument(
        "--gaps",
        type=int,
        default=1,
        help="how many of 56 cells go back to an earlier stage",
    )
    options = parser.parse_args()
    sys.exit(
        main(options.examples, options.seed, kernels=options.kernels, gaps=options.gaps)
    )
