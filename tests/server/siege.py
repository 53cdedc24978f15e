"""A hostile client and an honest one at the same server, which has 2 GB: `python -m
tests.server.siege`.

Hostile requests (devices, pipes, deep JSON, endless names, huge and slow notebooks,
floods of starts) go on in several threads while the honest client asks what JupyterLab
asks. No answer may be a 5xx, and the honest client's answers are timed: the last line
printed has their median and 99th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.server.conftest import notebook_json
from tests.server.real import Server, write_json, write_run

MEMORY_BYTES = 2 << 30
DEVICES = (
    "/dev/zero",
    "/dev/urandom",
    "/dev/stdin",
    "/proc/self/mem",
    "pipe",
    "/etc/shadow",
)


def lay_out(folder: Path) -> str:
    """Notebooks of both, pipes, and a run. Returns the run's id."""
    for name in ("pipe", "pipe.py", "endless.ipynb"):
        os.mkfifo(folder / name)
    write_json(
        folder / "flow.ipynb",
        notebook_json(("x = 1", "stage:a"), ("y = x + 1", "stage:b")),
    )
    lines = [
        (f"%run {path}", f"stage:s{number}") for number, path in enumerate(DEVICES)
    ]
    opened = [
        (f"open({path!r}).read()", f"stage:o{number}")
        for number, path in enumerate(DEVICES)
    ]
    write_json(
        folder / "devices.ipynb",
        notebook_json(*lines, *opened, ("import pipe", "stage:p")),
    )
    write_json(folder / "slow.ipynb", notebook_json(*slow_cells()))
    return write_run(folder)


def slow_cells() -> list[tuple[str, ...]]:
    """Functions that call each other, and branches: as much work for the analysis as it
    allows."""
    calls = "\n".join(
        f"def f{n}(a, b):\n    for i in a:\n        f{(n * 7 + 1) % 40}(b, a)\n        f{(n + 1) % 40}(a, b)"
        for n in range(40)
    )
    uses = [
        (
            f"x{number} = f{number}([{number}], [x{max(number - 1, 0)}])",
            f"stage:s{number}",
        )
        for number in range(40)
    ]
    return [(calls,), ("x0 = []", "stage:begin"), *uses]


def hostile_requests(run_id: str) -> list[Callable[[Server], Any]]:
    """Each asks one thing that is made to hurt."""

    def post(route: str, body: Any) -> Callable[[Server], Any]:
        data = body if isinstance(body, str) else json.dumps(body)
        return lambda server: server.ask("POST", route, data=data)

    deep = "[" * 200_000 + "]" * 200_000
    many = notebook_json(
        *[
            (f"a{number} = {'(' * 90}1{')' * 90}", f"stage:s{number}")
            for number in range(300)
        ]
    )
    return [
        *(
            post(route, {"notebook": "devices.ipynb"})
            for route in ("check", "plan", "compile")
        ),
        *(post(route, {"notebook": "slow.ipynb"}) for route in ("check", "plan")),
        *(
            post(route, {"notebook": "endless.ipynb"})
            for route in ("check", "plan", "compile", "runs")
        ),
        post("check", f'{{"notebook": "flow.ipynb", "content": {{"cells": {deep}}}}}'),
        post("check", {"notebook": "a" * 10_000 + ".ipynb"}),
        post("check", {"notebook": "flow.ipynb", "content": many}),
        post("suggest", {"path": "flow.ipynb", "content": many}),
        post(
            "check",
            {
                "notebook": "flow.ipynb",
                "content": notebook_json(("x = " + "1+" * 20_000 + "1", "stage:a")),
            },
        ),
        post("runs", {"notebook": "devices.ipynb", "targets": ["nobody"]}),
        lambda server: server.ask("GET", f"runs/{run_id}/events?since={'9' * 400}"),
        lambda server: server.ask("GET", f"runs/{run_id}/log?stage={'%2e%2e/' * 500}"),
        lambda server: server.ask("GET", f"runs?root={'a/' * 5_000}"),
        lambda server: server.ask(
            "POST", f"runs/{run_id}/debug", data=json.dumps({"stage": "../" * 90})
        ),
        lambda server: server.ask("POST", f"runs/{run_id}/resume"),
    ]


def honest_requests(run_id: str) -> list[Callable[[Server], Any]]:
    """What JupyterLab asks about an open notebook and its runs."""
    return [
        lambda server: server.ask("GET", "runs"),
        lambda server: server.ask("GET", f"runs/{run_id}"),
        lambda server: server.ask("GET", f"runs/{run_id}/events"),
        lambda server: server.ask("GET", f"runs/{run_id}/log"),
        lambda server: server.ask(
            "POST", "check", data=json.dumps({"notebook": "flow.ipynb"})
        ),
    ]


def besiege(
    server: Server, run_id: str, *, requests: int, enemies: int
) -> tuple[Counter[int], list[float]]:
    """Statuses of all answers, and the seconds that the honest client waited for each
    of its own."""
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def attack(seed: int) -> None:
        rng, hostile = random.Random(seed), hostile_requests(run_id)
        while not over.is_set():
            statuses[rng.choice(hostile)(server).status_code] += 1

    threads = [
        threading.Thread(target=attack, args=(seed,), daemon=True)
        for seed in range(enemies)
    ]
    for thread in threads:
        thread.start()
    waited = []
    for number in range(requests):
        honest = honest_requests(run_id)
        began = time.monotonic()
        statuses[honest[number % len(honest)](server).status_code] += 1
        waited.append(time.monotonic() - began)
    over.set()
    for thread in threads:
        thread.join(240)
    return statuses, sorted(waited)


def main() -> int:
    """Exit code 1 if there was a 5xx."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.server.siege", description=__doc__
    )
    parser.add_argument(
        "--requests", type=int, default=500, help="of the honest client"
    )
    parser.add_argument("--enemies", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder, state = Path(home, "root"), Path(home, "state")
        folder.mkdir()
        state.mkdir()
        run_id = lay_out(folder)
        server = Server(folder, state, memory_bytes=MEMORY_BYTES).start()
        try:
            statuses, waited = besiege(
                server, run_id, requests=args.requests, enemies=args.enemies
            )
            log = server.log.read_text(errors="replace")
        finally:
            server.kill()
    bad = sum(count for status, count in statuses.items() if status >= 500)
    if bad:
        print(log[-5000:])
    median, high = waited[len(waited) // 2], waited[int(len(waited) * 0.99)]
    print(
        f"answers: {dict(sorted(statuses.items()))}; honest: median {median:.2f} s, p99 {high:.2f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
