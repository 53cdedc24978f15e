"""Twelve weeks with the real command line, the real service and a client that never
stops.

`python -m tests.loop.scenario FOLDER` shows them: FOLDER/weeks.html says what has
happened and links to the service. `tests/engines/test_twelve_weeks.py` runs the same
and fails where a week does not end as it should. Everything is a process of its own:
`jupyter-pipe` as a user types it, kernels, the service.
"""

from __future__ import annotations

import csv
import html
import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from jupyter_pipe.model import to_json
from jupyter_pipe.registry import open_registry
from jupyter_pipe.scoring.bundle import MANIFEST, read_manifest
from jupyter_pipe.trust.signatures import sign
from tests.compiler.notebooks import write_notebook
from tests.loop.weeks import MILES, dearer, week_of
from tests.serving.service import Running, serving, until

CELLS = [
    ("n_estimators: int = 20\nnewest: int = 2", ["parameters"]),
    (
        "from pathlib import Path\nimport pandas as pd\n"
        "def read(names):\n"
        "    return [pd.read_csv(path) for path in sorted(Path('feed').glob(names))]",
        ["functions"],
    ),
    ("first = read('week_0[1-4].csv')", ["stage:first"]),
    ("second = read('week_0[5-9].csv')", ["stage:second"]),
    ("third = read('week_1?.csv')", ["stage:third"]),
    (
        "raw = pd.concat([*first, *second, *third], ignore_index=True)",
        ["stage:ingest", "contract:raw", "rows:raw", "key:sale_id", "target:price"],
    ),
    (
        "FEATURES = ['area', 'rooms', 'built', 'condition', 'lot_area', 'km_to_centre']\n"
        "homes = raw[raw['week'] > raw['week'].max() - newest].reset_index(drop=True)\n"
        "for column in ['built', 'lot_area']:\n"
        "    middle = homes[column].median()\n"
        "    homes[column] = homes[column].fillna(middle)\n"
        "aside = homes.index % 4 == 0\n"
        "learn, test = homes[~aside], homes[aside]",
        ["stage:prepare"],
    ),
    (
        "from sklearn.ensemble import RandomForestRegressor\n"
        "forest = RandomForestRegressor(n_estimators, min_samples_leaf=2, random_state=7)\n"
        "model = forest.fit(learn[FEATURES], learn['price'])",
        ["stage:train"],
    ),
    (
        "predicted = model.predict(test[FEATURES])\nmae = float(abs(predicted - test['price']).mean())",
        [
            "stage:evaluate",
            "score:predicted",
            "promote:mae",
            "metric:mae",
            "gate:mae < 1_000_000",
        ],
    ),
]
READING = {"first": range(1, 5), "second": range(5, 10), "third": range(10, 13)}
"""The stages that read the feed, each with its weeks."""
LOOP = """\
files: observed
drift: true
promote: auto
model: homes
labels: labels.csv
cooldown: 0s
settle: 0s
notify: ["json://127.0.0.1:{port}/"]
"""
# What a user never has: the loop is killed between what it decided and what it does.
KILLED = """\
import os, signal, sys
from jupyter_pipe.cli.main import main
from jupyter_pipe.loop.machine.log import LoopLog
append = LoopLog.append
def killed(self, record):
    append(self, record)
    if type(record).__name__ == "PromoteDecided":
        os.kill(os.getpid(), signal.SIGKILL)
LoopLog.append = killed
sys.exit(main(sys.argv[1:]))
"""
_BATCH = 20
_PAGE = """\
<!doctype html>
<meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Twelve weeks</title>
<style>
body {{ font: 16px sans-serif; margin: 2em auto; max-width: 50em; color-scheme: light dark }}
th {{ text-align: right; vertical-align: top; padding: .3em 1em }}
</style>
<h1>Twelve weeks</h1>{service}<table>{rows}</table>
"""


class Receiver:
    """Takes notices, as a chat would."""

    def __init__(self) -> None:
        notices: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                notices.append(json.loads(self.rfile.read(size))["message"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.notices = notices
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Traffic(threading.Thread):
    """Asks without end for the rows of `week`, some at a time, and counts versions and
    failures."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._ended = threading.Event()
        self.week = week_of(7)
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        place = 0
        while not self._ended.wait(0.05):
            rows = self.week.iloc[np.arange(place, place + _BATCH) % len(self.week)]
            place += _BATCH
            try:
                self.answers[ask(self._port, rows)["version"]] += 1
            except OSError as error:
                self.failures.append(str(error))

    def end(self) -> None:
        self._ended.set()
        self.join(120)


def ask(port: int, rows: pd.DataFrame) -> dict[str, Any]:
    """The service's answer for rows without their price."""
    body = rows.drop(columns=["price"]).to_json(orient="records")
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/score", f'{{"rows": {body}}}'.encode()
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def check_reuse(ran: Collection[str], *new: int) -> None:
    """Of the stages that read the feed, those ran whose weeks came or changed, and the
    others were reused."""
    for stage, weeks in READING.items():
        if any(number in weeks for number in new):
            assert stage in ran, (
                f"stage {stage} was reused, and a week of {new} is its own"
            )
        else:
            assert stage not in ran, (
                f"stage {stage} ran again, and weeks {new} are not its own"
            )


class Scenario:
    """A folder with a notebook, its feed, its loop, and what has happened so far, week
    by week."""

    def __init__(
        self, folder: Path, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self.folder = folder
        self.say = say
        self.receiver = Receiver()
        self.told: list[tuple[str, str]] = []
        self.port = 0
        (folder / "feed").mkdir(parents=True)
        write_notebook(folder / "homes.ipynb", CELLS)
        (folder / "homes.loop.yaml").write_text(LOOP.format(port=self.receiver.port))
        self.labels(week_of(6))

    # What a user types

    def pipe(self, *arguments: str, code: int = 0) -> str:
        """A command, as typed; what it printed. Fails with all of it for another exit
        code."""
        command = [sys.executable, "-m", "jupyter_pipe.cli.main", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout + done.stderr

    def read(self, *arguments: str) -> Any:
        """What a command prints for programs."""
        command = [sys.executable, "-m", "jupyter_pipe.cli.main", *arguments]
        return json.loads(
            subprocess.run(
                command, cwd=self.folder, capture_output=True, check=True
            ).stdout
        )

    def once(self, code: int = 0) -> str:
        return self.pipe("loop", "once", "homes.ipynb", code=code)

    def feed(self, number: int, rows: pd.DataFrame) -> None:
        # A batch repeats the last sales of the week before, which may not be in this
        # feed.
        own = rows[rows["week"] == rows["week"].max()]
        own.to_csv(self.folder / "feed" / f"week_{number:02}.csv", index=False)

    def labels(self, rows: pd.DataFrame) -> None:
        rows.to_csv(self.folder / "labels.csv", index=False)

    def champion(self) -> int | None:
        found = self.read("models", "homes", "--json")
        return next(
            (each["number"] for each in found if "champion" in each["aliases"]), None
        )

    def runs(self) -> int:
        return len(list((self.folder / ".jupyter_pipe" / "runs").iterdir()))

    def check_reuse(self, *new: int) -> None:
        """Of the latest run."""
        stages = self.read("show", "latest", "--json")["stages"]
        check_reuse(
            {each["name"] for each in stages if each["state"] != "cached"}, *new
        )

    def happened(self, week: str, text: str) -> None:
        """Tell the page and whoever watches."""
        self.told.append((week, text))
        self.say(f"week {week}: {text}")
        rows = "".join(
            f"<tr><th>{html.escape(w)}</th><td>{html.escape(t)}</td></tr>"
            for w, t in self.told
        )
        service = (
            f'<p><a href="http://127.0.0.1:{self.port}/">the service</a></p>'
            if self.port
            else ""
        )
        page = _PAGE.format(service=service, rows=rows)
        (self.folder / "weeks.html").write_text(page, encoding="utf-8")


def the_first_version(world: Scenario) -> None:
    for number in range(1, 5):
        world.feed(number, week_of(number))
    world.pipe("run", "homes.ipynb")
    world.pipe("contract", "init", "homes.ipynb", "--by", "week")
    commands = (
        ["git", "init", "-q"],
        ["git", "add", "homes.ipynb"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    )
    for command in commands:
        subprocess.run(command, cwd=world.folder, check=True, capture_output=True)
    world.pipe("run", "homes.ipynb")
    world.pipe("register", "latest", "--as", "homes")
    world.pipe("promote", "homes@1")
    assert world.champion() == 1


def answers_agree(world: Scenario) -> list[float]:
    """REST and batch give the same."""
    rows = week_of(7).head(25)
    rows.drop(columns=["price"]).to_csv(world.folder / "new.csv", index=False)
    world.pipe("score", "homes@champion", "new.csv", "-o", "out.csv")
    with (world.folder / "out.csv").open(encoding="utf-8", newline="") as file:
        batch = [float(row["predicted"]) for row in csv.DictReader(file)]
    rest: list[float] = ask(world.port, rows)["predictions"]
    assert rest == batch, "REST and batch agree"
    return rest


def miles(world: Scenario) -> None:
    bad = week_of(5)
    world.feed(5, bad.assign(km_to_centre=(bad["km_to_centre"] / MILES).round(1)))
    told = len(world.receiver.notices)
    said = world.once(code=4)
    assert "km_to_centre" in said
    assert "week 5" in said
    assert world.once().strip().endswith("Nothing to do."), (
        "the same bad data starts nothing"
    )
    assert len(world.receiver.notices) == told + 1, world.receiver.notices
    assert "week_05.csv" in world.receiver.notices[-1]
    assert world.champion() == 1


def repaired(world: Scenario) -> None:
    runs = world.runs()
    world.feed(5, week_of(5))
    world.once()
    assert world.runs() == runs + 1, "the repaired week makes one run"
    world.check_reuse(5)
    assert "Nothing to do." in world.once(), "weeks 6 and 7: nothing happens"
    assert world.runs() == runs + 1


def drift(world: Scenario, traffic: Traffic) -> None:
    outwards = week_of(8)
    runs, answered = world.runs(), sum(traffic.answers.values())
    traffic.week = outwards.assign(km_to_centre=outwards["km_to_centre"] + 6)
    until(lambda: sum(traffic.answers.values()) > answered + 45, "900 rows of week 8")
    said = world.pipe("monitor", "homes", "--since", "7d", code=4)
    assert "km_to_centre" in said
    world.once()
    assert "Nothing to do." in world.once()
    assert world.runs() == runs + 1, "drift starts exactly one run"
    world.check_reuse()
    traffic.week = week_of(7)


def new_prices(world: Scenario, traffic: Traffic) -> int:
    before = world.champion()
    world.feed(8, dearer(8))
    world.feed(9, dearer(9))
    world.labels(dearer(12))
    world.once()
    world.check_reuse(8, 9)
    after = world.champion()
    assert after not in (None, before), world.pipe("models", "homes")
    until(lambda: traffic.answers[str(after)] > 3, f"answers of version {after}")
    return after or 0


def shuffled_labels(world: Scenario) -> int:
    before, rows = world.champion(), dearer(10)
    prices = np.random.default_rng(1).permutation(rows["price"].to_numpy())
    world.feed(10, rows.assign(price=prices))
    world.once()
    world.check_reuse(10)
    assert world.champion() == before, "shuffled labels do not win"
    found = world.read("models", "homes", "--json")
    newest = max(found, key=lambda each: int(each["number"]))
    assert newest["rejected"], "the reason stands with the version"
    assert "was not promoted" in world.receiver.notices[-1]
    return int(newest["number"])


def killed(world: Scenario, traffic: Traffic) -> int:
    before = world.champion()
    world.feed(10, dearer(10))
    # Prices fall to what they were, so that there is something to learn, within what
    # the contract knows.
    for number in (11, 12):
        world.feed(number, week_of(number))
    world.labels(week_of(14))
    command = [sys.executable, "-c", KILLED, "loop", "once", "homes.ipynb"]
    done = subprocess.run(
        command, cwd=world.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    world.check_reuse(10, 11, 12)
    assert world.champion() == before, "killed between decision and promotion"
    with serving(
        "homes@champion",
        "--canary",
        "10%",
        "--challenger",
        "@challenger",
        "--no-log",
        folder=world.folder,
    ) as canary:
        shares = Counter(
            ask(canary.port, week_of(7).iloc[[n]])["version"] for n in range(150)
        )
        assert len(shares) == 2, shares
        assert 5 <= min(shares.values()) <= 30, shares
    world.once()
    after = world.champion()
    assert after not in (None, before), "the promotion is finished"
    history = world.read("loop", "history", "homes.ipynb", "--json", "-n", "500")
    kinds = Counter(each["record"] for each in history)
    assert kinds["promote_decided"] == kinds["promoted"], kinds
    until(lambda: traffic.answers[str(after)] > 3, f"answers of version {after}")
    return after or 0


def forced(world: Scenario, rejected: int, before: list[float]) -> None:
    folder = open_registry(root=world.folder).resolve("homes", rejected).bundle
    assert folder is not None
    manifest = read_manifest(folder)
    false = (manifest.predictions[0] + 1, *manifest.predictions[1:])
    record = to_json(msgspec.structs.replace(manifest, predictions=false))
    (folder / MANIFEST).write_bytes(sign("scorer", MANIFEST, record))
    champion = world.champion()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "jupyter_pipe.cli.main",
            "promote",
            f"homes@{rejected}",
            "--force",
        ],
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, "a bundle with false golden rows is refused"
    assert world.champion() == champion
    world.pipe("rollback", "homes")
    until(
        lambda: ask(world.port, week_of(7).head(25))["predictions"] == before,
        "the former answers, bit for bit",
    )


def the_end(world: Scenario, rejected: int) -> None:
    lineage = world.pipe("lineage", "homes@champion")
    for words in ("week_09.csv", "commit", "n_estimators=20", "cells"):
        assert words in lineage, lineage
    assert f"homes@{rejected}" in world.pipe("impact", "feed/week_10.csv")
    world.pipe("gc", "--keep", "1")
    for alias in ("champion", "previous"):
        world.pipe("score", f"homes@{alias}", "new.csv", "-o", "out.csv")


def twelve_weeks(world: Scenario) -> None:
    """All of it. Raises AssertionError where a week does not end as it should."""
    the_first_version(world)
    with ExitStack() as stack:
        service: Running = stack.enter_context(
            serving("homes@champion", folder=world.folder)
        )
        world.port = service.port
        traffic = Traffic(service.port)
        traffic.start()
        answers_agree(world)
        world.happened(
            "1-4", "contract, run, version 1 is promoted and answers; REST = batch"
        )
        miles(world)
        world.happened(
            "5",
            "kilometres became miles: refused before training, told once, version 1 answers",
        )
        repaired(world)
        world.happened(
            "5-7",
            "the repaired week made one run, old weeks were reused; then nothing happened",
        )
        drift(world, traffic)
        world.happened("8", "sales move outwards: drift is seen, exactly one run")
        version = new_prices(world, traffic)
        before = answers_agree(world)
        world.happened(
            "9",
            f"prices rose: version {version} won its comparison and answers, no request failed",
        )
        rejected = shuffled_labels(world)
        world.happened(
            "10",
            f"labels were shuffled: version {rejected} was rejected, with its reason",
        )
        newest = killed(world, traffic)
        world.happened(
            "11",
            f"the loop was killed between decision and promotion; version {newest} answers once",
        )
        forced(world, rejected, before)
        world.happened("12", "false golden rows are refused; rolled back, bit for bit")
        traffic.end()
        assert traffic.failures == [], traffic.failures[:3]
        assert traffic.answers
        until(
            service.is_written_down,
            "a line of the log, or a counted loss, for each answer",
        )
        the_end(world, rejected)
        world.happened("end", "lineage, impact and gc agree")


def main(folder: str) -> None:
    started = time.monotonic()
    world = Scenario(Path(folder).absolute(), print)
    print(f"Look at {world.folder / 'weeks.html'}", flush=True)
    twelve_weeks(world)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1])
