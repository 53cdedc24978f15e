"""A service under load: speed, swaps, what is lost, bad input, memory.

    python benchmarks/serving.py --rate            # requests a second beside `mlflow models serve`
    python benchmarks/serving.py --swaps 100000    # requests through 20 swaps, kills and an absent source
    python benchmarks/serving.py --memory 50000    # what a worker holds after so many requests
    python benchmarks/serving.py --fuzz 2000       # bad requests; schemathesis reads /openapi.json
    python benchmarks/serving.py --all --bars      # exits 1 if a bar is missed

The bundle is that of a notebook with a forest and some steps before it. MLflow serves
the same bundle, as a model around it, if it is installed. Clients are connections of
one process that ask without a pause.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jupyter_pipe.scoring.bundle import make_manifest, read_manifest, write_bundle
from tests.scoring.harness import build
from tests.serving.bundles import falsify

PATIENCE = 180.0
NOTEBOOK = """
# %%
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestRegressor
# %% rows:raw key:name
rng = np.random.default_rng(SEED)
raw = pd.DataFrame({"area": rng.normal(80, 20, 600), "rooms": rng.integers(1, 6, 600)})
raw["name"] = [f"H{n}" for n in range(600)]
raw["district"] = [["North", " south", "East "][n % 3] for n in range(600)]
raw["built"] = rng.integers(1900, 2020, 600)
raw["price"] = 1000 * raw["area"] + rng.normal(size=600)
raw.loc[::7, "area"] = np.nan
# %%
sales = raw[raw["price"] > 1000].reset_index(drop=True)
sales["district"] = sales["district"].str.strip().str.title()
means = sales.groupby("district")["price"].mean()
sales["typical"] = sales["district"].map(means)
sales["area"] = sales["area"].fillna(sales["area"].median())
sales["age"] = 2026 - sales["built"]
sales["per_room"] = sales["area"] / sales["rooms"]
columns = ["area", "rooms", "typical", "age", "per_room"]
model = RandomForestRegressor(n_estimators=30, random_state=0).fit(sales[columns], sales["price"])
# %% score:predicted
predicted = model.predict(sales[columns])
"""
ROW = {"area": 71.5, "rooms": 3, "district": "North", "built": 1984, "name": "H7"}


def bar(name: str, value: str, passed: bool) -> bool:
    """Print one figure and whether it is within its bar."""
    print(f"{'ok  ' if passed else 'MISS'} {name}: {value}", flush=True)
    return passed


class Versions:
    """Bundles of the notebook, built once each, put into one folder."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        self.folder = folder
        self._built = [
            build(NOTEBOOK.replace("SEED", str(seed)))[0]
            for seed in range(1, count + 1)
        ]
        self._number = 0

    def put(self) -> str:
        """The next version, in the place of the last. Returns what it is called."""
        built = self._built[self._number % len(self._built)]
        self._number += 1
        name = f"run-{self._number}"
        manifest = make_manifest(
            built, name="homes", rows="raw", score="predicted", digest="d", run_id=name
        )
        write_bundle(self.folder, built, manifest)
        return name


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not happen")
        time.sleep(0.1)


@dataclass
class Service:
    """A service that runs; `path` is where it scores, `body` what it is asked."""

    process: subprocess.Popen[Any]
    port: int
    path: str
    body: bytes

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 where nothing answers."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE
        )
        with (
            contextlib.closing(connection),
            contextlib.suppress(OSError, http.client.HTTPException),
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        return 0, b""

    def counts(self) -> Counter[str]:
        """Totals of the metrics."""
        totals: Counter[str] = Counter()
        for line in self.get("/metrics")[1].decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                totals[name.partition("{")[0].removeprefix("jupyter_pipe_")] += int(
                    float(value)
                )
        return totals

    def workers(self) -> list[int]:
        """The processes that answer."""
        asked = ["pgrep", "-P", str(self.process.pid)]
        found = subprocess.run(asked, capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]


@contextlib.contextmanager
def ours(folder: Path, workers: int) -> Iterator[Service]:
    """`jupyter pipe serve` of the bundle in `folder/homes`."""
    command = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "serve",
        "homes",
        "--port",
        "0",
    ]
    log = (folder / "serve.log").open("a")
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert process.stdout
    port = int(process.stdout.readline().rpartition(":")[2])
    service = Service(process, port, "/score", json.dumps({"rows": [ROW]}).encode())
    try:
        until(lambda: service.get("/ready")[0] == 200, "the service being ready")
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        log.close()


@contextlib.contextmanager
def mlflows(folder: Path, workers: int) -> Iterator[Service]:
    """`mlflow models serve` of the same bundle."""
    from jupyter_pipe.serving.packaging.writing import write_mlflow_model
    from jupyter_pipe.serving.sources import FolderSource

    shutil.rmtree(folder / "mlflow", ignore_errors=True)
    write_mlflow_model(FolderSource(folder / "homes").current(), folder / "mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "mlflow",
        "--env-manager",
        "local",
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    log = (folder / "mlflow.log").open("w")
    process = subprocess.Popen(
        [*command, "-p", str(port), "-w", str(workers)],
        cwd=folder,
        stdout=log,
        stderr=log,
        env={**os.environ, "PATH": path},
        start_new_session=True,
    )
    service = Service(
        process, port, "/invocations", json.dumps({"dataframe_records": [ROW]}).encode()
    )
    try:
        until(lambda: service.get("/ping")[0] == 200, "MLflow being ready")
        yield service
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)
        log.close()


@dataclass
class Load:
    """What clients saw. `times` are pairs of when an answer came and how long it took,
    in seconds. `failed` has for each request without an answer the worker that had
    answered on its connection before."""

    wanted: int
    times: list[tuple[float, float]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    asked: int = 0

    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / (
            self.times[-1][0] - self.times[0][0] + self.times[0][1]
        )

    def p99(self, begin: float = 0.0, end: float = float("inf")) -> float:
        """The time that 99 % of the answers between two moments took at most."""
        found = sorted(took for at, took in self.times if begin <= at < end)
        return found[int(0.99 * (len(found) - 1))] if found else 0.0


async def _client(service: Service, load: Load) -> None:
    head = (
        f"POST {service.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    )
    request = (
        f"{head}Content-Length: {len(service.body)}\r\n\r\n".encode() + service.body
    )
    writer: asyncio.StreamWriter | None = None
    reader: asyncio.StreamReader | None = None
    worker = ""
    while load.asked < load.wanted:
        load.asked += 1
        started = time.perf_counter()
        try:
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", service.port
                )
                worker = ""
            writer.write(request)
            status, worker = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            load.failed.append(worker)
            if writer is not None:
                writer.close()
            writer = None
            continue
        now = time.perf_counter()
        load.times.append((now, now - started))
        load.statuses[status] += 1
    if writer is not None:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    headers = dict(
        line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
    )
    await reader.readexactly(int(headers["content-length"]))
    return int(head.split(" ", 2)[1]), headers.get("x-worker", "")


async def _together(
    service: Service, load: Load, clients: int, meanwhile: Callable[[], None] | None
) -> None:
    asking = [asyncio.create_task(_client(service, load)) for _ in range(clients)]
    if meanwhile is not None:
        await asyncio.to_thread(meanwhile)
    await asyncio.gather(*asking)


def run_load(
    service: Service,
    wanted: int,
    clients: int,
    meanwhile: Callable[[Load], None] | None = None,
) -> Load:
    """Ask so many requests. `meanwhile` runs beside them."""
    load = Load(wanted)
    other = None if meanwhile is None else lambda: meanwhile(load)
    asyncio.run(_together(service, load, clients, other))
    return load


# What is measured


def measure_rate(folder: Path, requests: int, workers: int, clients: int) -> bool:
    """Requests a second beside MLflow, in turns, so that what else the machine does
    meets both."""
    rates: dict[str, list[float]] = {"ours": [], "mlflow": []}
    for _ in range(2):
        for name, serve in (("ours", ours), ("mlflow", mlflows)):
            with serve(folder, workers) as service:
                run_load(service, 50, clients)
                load = run_load(service, requests, clients)
            assert set(load.statuses) == {200}, load.statuses
            rates[name].append(load.rate())
            print(
                f"     {name}: {load.rate():.0f} a second, p99 {1000 * load.p99():.0f} ms",
                flush=True,
            )
    ratio = max(rates["ours"]) / max(rates["mlflow"])
    return bar(
        f"requests a second beside MLflow's, {workers} workers, {clients} clients",
        f"{ratio:.1f}",
        ratio >= 2,
    )


def measure_swaps(
    folder: Path, versions: Versions, requests: int, workers: int
) -> bool:
    """Requests through swaps, kills and an absent source; nothing fails but what a
    killed worker had."""
    killed: set[str] = set()
    spans: list[tuple[float, float]] = []
    swaps = 20
    shutil.rmtree(folder / ".jupyter_pipe", ignore_errors=True)
    with ours(folder, workers) as service:
        quiet = run_load(service, max(requests // 50, 500), 4)

        def meanwhile(load: Load) -> None:
            for number in range(swaps):
                until(
                    lambda n=number: load.asked >= requests * (n + 1) / (swaps + 2),
                    "the load going on",
                )
                began = time.perf_counter()
                name = versions.put().encode()
                until(lambda name=name: name in service.get("/ready")[1], "the swap")
                spans.append((began, time.perf_counter()))
                if number % 5 == 2:
                    falsify(folder / "homes")
                if number % 5 == 3:
                    (folder / "homes").rename(folder / "away")
                if number % 5 in (1, 3):
                    worker = random.choice(service.workers())
                    killed.add(str(worker))
                    os.kill(worker, signal.SIGKILL)
                    until(
                        lambda: len(service.workers()) == workers,
                        "the worker coming back",
                    )
                if number % 5 == 3:
                    (folder / "away").rename(folder / "homes")

        load = run_load(service, requests, 4, meanwhile)
        until(lambda: _is_written(service), "the log being written")
        counts = service.counts()
    stray = [worker for worker in load.failed if worker not in killed | {""}]
    disturbed = [load.p99(begin, end) for begin, end in spans]
    print(
        f"     {dict(load.statuses)}, {len(load.failed)} failed, {len(killed)} workers killed"
    )
    lines = _lines(folder)
    said = counts["log_lines_total"] + counts["log_lost_total"]
    middle = sorted(disturbed)[len(disturbed) // 2]
    return all(
        [
            bar(
                f"{load.asked:,} requests through {swaps} swaps: other answers than 200",
                str(_not_200(load)),
                _not_200(load) == 0,
            ),
            bar("failed, but not in a killed worker", str(len(stray)), not stray),
            bar(
                "failed in killed workers",
                f"{len(load.failed)}, {counts['lost_requests_total']} counted",
                len(load.failed) <= 4 * len(killed),
            ),
            bar(
                "answers = log lines + counted losses",
                f"{counts['answers_total']:,} = {said:,}",
                counts["answers_total"] == said,
            ),
            bar(
                "lines on disk",
                f"{lines:,}",
                counts["log_lines_total"] <= lines <= counts["answers_total"],
            ),
            bar(
                "p99 in a swap, of that before",
                f"{middle / quiet.p99():.1f} ({1000 * quiet.p99():.0f} ms before)",
                middle <= 3 * quiet.p99(),
            ),
        ]
    )


def _not_200(load: Load) -> int:
    return sum(count for status, count in load.statuses.items() if status != 200)


def _is_written(service: Service) -> bool:
    counts = service.counts()
    return (
        counts["answers_total"] == counts["log_lines_total"] + counts["log_lost_total"]
    )


def _lines(folder: Path) -> int:
    logs = (folder / ".jupyter_pipe" / "serving" / "homes" / "log").glob("*.sqlite")
    return sum(
        sqlite3.connect(path).execute("SELECT count(*) FROM answers").fetchone()[0]
        for path in logs
    )


def measure_memory(folder: Path, requests: int) -> bool:
    """What a worker holds, after a tenth of the requests and after all."""
    import psutil

    with ours(folder, 1) as service:
        run_load(service, requests // 5, 4)
        worker = psutil.Process(service.workers()[0])
        before = worker.memory_info().rss
        run_load(service, requests - requests // 5, 4)
        after = worker.memory_info().rss
    grown = (after - before) / before
    text = f"{before >> 20} MB, then {after >> 20} MB"
    return bar(f"memory over {requests:,} requests", text, grown < 0.05)


def measure_fuzz(folder: Path, requests: int) -> bool:
    """Bad requests of our own making, and those of schemathesis."""
    chance = random.Random(1)
    found: Counter[int] = Counter()
    with ours(folder, 1) as service:
        for _ in range(requests):
            found[_post(service.port, *_bad(chance))] += 1
        tool = Path(sys.executable).with_name("schemathesis")
        each = [
            "--checks",
            "not_a_server_error",
            "--max-examples",
            str(requests // 8),
            "--suppress-health-check",
            "all",
        ]
        address = f"http://127.0.0.1:{service.port}/openapi.json"
        command = [str(tool), "run", address, *each]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, check=False
        )
        alive = service.get("/ready")[0] == 200
    wrong = sum(
        count for status, count in found.items() if status >= 500 or status == 0
    )
    last = (done.stdout.strip().splitlines() or [""])[-1].strip("= ")
    return all(
        [
            bar(
                f"{requests:,} bad requests: answers of 5xx, or none",
                f"{wrong} of {dict(found)}",
                wrong == 0 and alive,
            ),
            bar("schemathesis: not a server error", last, done.returncode == 0),
        ]
    )


def _bad(chance: random.Random) -> tuple[bytes, dict[str, str]]:
    """A body and headers that somebody might send by mistake, or not by mistake."""
    values: list[Any] = [
        None,
        True,
        "",
        "x",
        "NaN",
        "1e400",
        1e308,
        -1,
        2**70,
        10**400,
        [],
        {},
        [[1]],
        {"a": {"b": []}},
    ]
    row: dict[str, Any] = dict(ROW)
    for name in chance.sample(list(row), chance.randint(0, 3)):
        row[name] = chance.choice(values)
    if chance.random() < 0.2:
        row.pop(chance.choice(list(row)))
    body = json.dumps(
        chance.choice(
            [row, [row], {"rows": [row] * chance.randint(0, 3)}, {"rows": row}, [[row]]]
        )
    )
    raw = body.encode(chance.choice(["utf-8"] * 6 + ["utf-16", "utf-32", "utf-8-sig"]))
    kind = chance.random()
    if kind < 0.2:
        raw = bytes(
            byte if chance.random() > 0.03 else chance.randrange(256) for byte in raw
        )
    elif kind < 0.25:
        raw = b'{"rows":' * chance.choice([10, 2000]) + raw
    elif kind < 0.3:
        raw = raw[: chance.randrange(len(raw) + 1)]
    elif kind < 0.35:
        raw = raw.replace(b"71.5", b"NaN").replace(b"3", b"Infinity")
    kinds = ["application/json"] * 6 + [
        "text/plain",
        "application/json; charset=latin-1",
        "multipart/form-data",
        "",
    ]
    headers = {"Content-Type": chance.choice(kinds)}
    if chance.random() < 0.05:
        headers["Content-Encoding"] = chance.choice(["gzip", "br", "\u00e9"])
    return raw, headers


def _post(port: int, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with (
        contextlib.closing(connection),
        contextlib.suppress(OSError, http.client.HTTPException),
    ):
        connection.request("POST", "/score", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    return 0


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rate", type=int, nargs="?", const=1500, default=0)
    parser.add_argument("--swaps", type=int, nargs="?", const=100_000, default=0)
    parser.add_argument("--memory", type=int, nargs="?", const=50_000, default=0)
    parser.add_argument("--fuzz", type=int, nargs="?", const=2_000, default=0)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument(
        "--bars", action="store_true", help="exit with 1 if a bar is missed"
    )
    args = parser.parse_args()
    if args.all:
        args.rate, args.swaps, args.memory, args.fuzz = 1500, 100_000, 50_000, 2_000
    passed: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="serving-") as scratch:
        folder = Path(scratch)
        versions = Versions(folder / "homes", 3 if args.swaps else 1)
        versions.put()
        assert read_manifest(folder / "homes").exact
        if args.fuzz:
            passed.append(measure_fuzz(folder, args.fuzz))
        if args.rate:
            passed.append(measure_rate(folder, args.rate, args.workers, args.clients))
        if args.swaps:
            passed.append(measure_swaps(folder, versions, args.swaps, args.workers))
        if args.memory:
            passed.append(measure_memory(folder, args.memory))
    return 1 if args.bars and not all(passed) else 0


if __name__ == "__main__":
    sys.exit(main())
