"""A project that has something on every page of the Operations tab, made with the
command line.

`python -m tests.browser.homes` makes it in the current folder, in one process:
importing MLflow takes longer than all the rest.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import time
from pathlib import Path

from jupyter_pipe.cli.main import main as command
from jupyter_pipe.labels import label_config, tasks_from_rows
from jupyter_pipe.serving.settings import LogSettings
from jupyter_pipe.serving.traffic.log import RequestLog
from jupyter_pipe.serving.traffic.records import Answered, Problem
from tests.browser.conftest import notebook_json

WEEKS = 6
QUESTION = "Is the error acceptable in every district?"
COMMANDS = (
    "run homes.ipynb -p leaves=3 -q",
    "contract init homes.ipynb --by week",
    "register latest",
    "promote homes@1",
    "run homes.ipynb -p leaves=40 -q",
    "register latest",
    "sweep homes.ipynb -p leaves=2..60:log --minimize mae --trials 3 --random -q",
)
IMPORTS = "from glob import glob\n\nimport pandas as pd\nfrom sklearn.tree import DecisionTreeRegressor"
READ = "raw = pd.concat([pd.read_csv(path) for path in sorted(glob('sales/*.csv'))], ignore_index=True)"
SPLIT = """\
homes = raw[raw["price"] > 0].copy()
homes["harbour"] = (homes["district"] == "Harbour").astype(int)
train, test = homes[homes["week"] < 6], homes[homes["week"] == 6]"""
FIT = """\
columns = ["area", "rooms", "harbour"]
model = DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(train[columns], train["price"])"""
SCORE = "predicted = model.predict(test[columns])\nmae = float(abs(predicted - test['price']).mean())"
ASKING = ("metric:mae", "gate:mae < 80_000")


def cells(*more: str) -> list[tuple[str, ...]]:
    """The notebook's cells with their tags, `more` on the last."""
    return [
        ("leaves: int = 40  # how fine the tree is", "parameters"),
        (IMPORTS, "shared"),
        (READ, "stage:ingest", "rows:raw", "target:price", "key:sale", "contract:raw"),
        (SPLIT, "stage:features"),
        (FIT, "stage:fit"),
        (SCORE, "stage:evaluate", "score:predicted", "promote:mae", *ASKING, *more),
    ]


def write_notebook(*more: str) -> None:
    Path("homes.ipynb").write_text(
        json.dumps(notebook_json(*cells(*more), markdown={})), encoding="utf-8"
    )


def write_sales(rows: int = 120) -> None:
    draw = random.Random(7)
    Path("sales").mkdir()
    for week in range(1, WEEKS + 1):
        lines = ["sale,week,district,area,rooms,price"]
        for number in range(rows):
            district = draw.choice(["Harbour", "Old Town", "Hill"])
            area = round(draw.uniform(35, 160), 1)
            rooms = max(1, round(area / 28 + draw.gauss(0, 0.6)))
            price = round(
                2500 * area
                + (60_000 if district == "Harbour" else 0)
                + draw.gauss(0, 22_000)
            )
            lines.append(f"S{week}{number:03},{week},{district},{area},{rooms},{price}")
        Path(f"sales/week_{week:02}.csv").write_text(
            "\n".join(lines) + "\n", encoding="utf-8"
        )


def write_traffic() -> None:
    """What a service has answered within the last hours."""
    log = RequestLog(LogSettings(".jupyter_pipe/serving/homes/log"))
    now = time.time()
    for number in range(200):
        log.add(
            Answered(
                f"a{number}",
                now - 60 * number,
                200,
                "1",
                "d",
                "champion",
                0.004 + 0.0001 * number,
            )
        )
    problem = Problem(
        "row_refused", "area must be a number", column="area", rule="type"
    )
    for number in range(5):
        log.add(
            Answered(
                f"r{number}",
                now - 90 * number,
                422,
                "1",
                "d",
                "champion",
                0.002,
                problem=problem,
            )
        )
    log.close()


def write_queue() -> None:
    """Two rows that wait for a label."""
    rows = [{"sale": "S1001", "price": 90_000}, {"sale": "S1002", "price": 400_000}]
    Path("doubtful.tasks.json").write_text(
        json.dumps(tasks_from_rows(rows, ["sale"])), encoding="utf-8"
    )
    Path("doubtful.tasks.xml").write_text(
        label_config(["sale", "price"], ["dear", "cheap"]), encoding="utf-8"
    )


def main() -> None:
    """Make the project."""
    # In CI runs are strict: the first would ask for the contract that the second
    # command makes.
    os.environ.pop("CI", None)
    write_sales()
    write_notebook()
    Path("homes.loop.yaml").write_text(
        'files: observed\nschedule: "0 6 * * MON"\npromote: ask\n', encoding="utf-8"
    )
    for line in COMMANDS:
        assert command(shlex.split(line)) == 0, line
    write_traffic()
    write_queue()
    write_notebook(f"approve:{QUESTION}")
    assert command(["run", "homes.ipynb", "-q"]) == 5


if __name__ == "__main__":
    main()
