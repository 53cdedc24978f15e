"""One side of `payloads.py`: `payload_stage.py write|read frame|array GIGABYTES
FOLDER`; prints JSON.

The value is made in the process that writes it, the same in every process: a reader
makes it again to compare. CPU seconds are those of this process.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jupyter_pipe.kernel.context import Context, Input, Ref
from jupyter_pipe.kernel.session import Session

ROW_BYTES = 105  # as pandas counts them, strings included
STRINGS = (
    "Amsterdam",
    "Bergen",
    "Coimbra",
    "Dubrovnik",
    "Évora",
    "Faro",
    "Gdańsk",
    "Hvar",
)
CHUNK = 8 << 20


def make(kind: str, gigabytes: float) -> Any:
    """A value of so many GB (1e9 bytes), as `memory_usage(deep=True)` and `nbytes`
    count them."""
    rng = np.random.default_rng(7)
    if kind == "array":
        return rng.random(int(gigabytes * 1e9) // 8)
    rows = int(gigabytes * 1e9) // ROW_BYTES
    numbers = rng.integers(0, 1 << 30, rows)
    return pd.DataFrame(
        {
            "price": rng.random(rows),
            "weight": rng.random(rows),
            "number": numbers,
            "sold": pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers, unit="s"),
            "small": numbers.astype("int32"),
            "kind": pd.Categorical.from_codes(
                (numbers % 8).astype("int8"), list(STRINGS)
            ),
            "new": numbers % 2 == 0,
            "city": pd.array(
                [STRINGS[number] for number in (numbers % 8).tolist()], dtype="str"
            ),
        }
    )


def nbytes(value: Any) -> int:
    return (
        int(value.memory_usage(deep=True).sum())
        if isinstance(value, pd.DataFrame)
        else int(value.nbytes)
    )


def write(value: Any, folder: Path) -> dict[str, Any]:
    """Stores the value as a stage does, and writes as many bytes raw, synced like
    it."""
    session = Session(Context(str(folder / "store")), {"value": value})
    _reset_peak()
    before, began, cpu = _memory("VmHWM"), time.perf_counter(), time.process_time()
    result = session.store_outputs(["value"])
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = _memory("VmHWM")
    (output,) = result["outputs"]
    return {
        "output": output["ref"],
        "value_bytes": nbytes(value),
        "write_s": wall,
        "write_cpu": cpu,
        "raw_s": _raw_seconds(folder / "raw", output["ref"]["bytes"]),
        "memory": (nbytes(value) + peak - before) / nbytes(value),
    }


def read(
    ref: dict[str, Any], kind: str, gigabytes: float, folder: Path
) -> dict[str, Any]:
    """Loads the value, uses a little of it and ends the stage, with the guard and
    without."""
    answer: dict[str, Any] = {}
    for guarded in (True, False):
        inputs = (Input(Ref(**ref), ("value",), "make"),)
        context = Context(
            str(folder / "store"), inputs=inputs, protect=("value",) if guarded else ()
        )
        session = Session(context, {})
        cpu = time.process_time()
        session.load_inputs(["value"])
        answer["read_cpu"] = time.process_time() - cpu
        value = session.namespace["value"]
        (value["price"] if kind == "frame" else value[:1000]).mean()
        cpu = time.process_time()
        ended = session.store_outputs([])
        answer["guard_cpu" if guarded else "end_cpu"] = time.process_time() - cpu
        assert ended["changed"] == []
    made = make(kind, gigabytes)
    same = (
        made.equals(value) and list(made.dtypes) == list(value.dtypes)
        if kind == "frame"
        else (made == value).all()
    )
    return {**answer, "exact": bool(same)}


def _raw_seconds(path: Path, size: int) -> float:
    content = memoryview(np.random.default_rng(0).bytes(CHUNK))
    began = time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        for start in range(0, size, CHUNK):
            file.write(content[: size - start])
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) * 1024


def main() -> None:
    side, kind, gigabytes, folder = (
        sys.argv[1],
        sys.argv[2],
        float(sys.argv[3]),
        Path(sys.argv[4]),
    )
    if side == "write":
        print(json.dumps(write(make(kind, gigabytes), folder)))
    else:
        print(json.dumps(read(json.loads(sys.argv[5]), kind, gigabytes, folder)))


if __name__ == "__main__":
    main()
