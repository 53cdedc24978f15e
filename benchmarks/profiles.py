"""What it costs to look at a value: `python benchmarks/profiles.py [--gigabytes 1]
[--rounds 5] [--check]`.

A frame of twenty columns (numbers, dates, categories, texts, gaps) is profiled as at
the end of a stage, in CPU seconds of this process; the bar is 0.15. The same with what
a contract may ask besides: the smallest and the largest number of all rows, not of the
sample. Last, a stage whose values nobody reads, of which no profile is made: what it
leaves is shown, and must be nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from measure import layout
from payload_stage import STRINGS

from jupyter_pipe.kernel.context import Context
from jupyter_pipe.kernel.profiles import make_profile
from jupyter_pipe.kernel.session import Session

BAR = 0.15
"""CPU seconds for a frame of 1 GB."""


def make_frame(gigabytes: float) -> pd.DataFrame:
    """Twenty columns of so many GB (1e9 bytes), as `memory_usage(deep=True)` counts
    them."""
    return _frame(
        int(gigabytes * 1e9 / (_frame(10_000).memory_usage(deep=True).sum() / 10_000))
    )


def _frame(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    whole = rng.integers(0, 1 << 30, rows)
    columns: dict[str, Any] = {
        f"number_{each}": rng.random(rows) * 10**each for each in range(8)
    }
    columns |= {f"whole_{each}": whole >> each for each in range(5)}
    columns |= {
        f"gap_{each}": np.where(whole % 7 == each, np.nan, rng.random(rows))
        for each in range(2)
    }
    columns["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(whole, unit="s")
    columns["kind"] = pd.Categorical.from_codes(
        (whole % 8).astype("int8"), list(STRINGS)
    )
    columns["new"] = whole % 2 == 0
    columns["city"] = pd.array(
        [STRINGS[each] for each in (whole % 8).tolist()], dtype="str"
    )
    columns["place"] = pd.array(
        [STRINGS[each] for each in (whole % 5).tolist()], dtype="str"
    )
    return pd.DataFrame(columns)


def cpu_of(work: Callable[[], object], rounds: int) -> float:
    """The median of CPU seconds."""
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def unread(frame: pd.DataFrame) -> int:
    """How many profiles a stage leaves that has the frame, of which nobody reads
    anything."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Context(folder), {"frame": frame})
        return len(session.store_outputs([]).get("profiles", {}))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 above the bar"
    )
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    frame = make_frame(args.gigabytes)
    plain = cpu_of(lambda: make_profile(frame), args.rounds)
    whole = cpu_of(lambda: make_profile(frame, whole=True), args.rounds)
    left = unread(frame)
    size = f"{len(frame):,} rows, {frame.shape[1]} columns"
    lines = [
        [f"{args.gigabytes:g} GB", "", "CPU s"],
        ["profile", size, f"{plain:.3f}"],
        ["with the range of all rows", size, f"{whole:.3f}"],
        ["profiles of a stage that nobody reads", "", str(left)],
    ]
    print(layout(lines, markdown=args.markdown))
    if args.check and (plain > BAR or left):
        sys.exit(f"The bar is {BAR} CPU seconds, and no profile where nobody looks.")


if __name__ == "__main__":
    main()
