"""What it costs to hand a large value to the next stage: `python benchmarks/payloads.py
[--gigabytes 1]`.

A frame of mixed types (numbers, dates, categories, strings) and an array, each written
as a stage writes it and read in another process, against a raw write of as many bytes.
Strings are Python objects unless pyarrow is installed, and then reading makes each of
them anew; the heading says which it was. Linux only.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import layout

STAGE = Path(__file__).with_name("payload_stage.py")
LIMITS = {
    "write, wall of a raw write's": 2.0,
    "memory while writing, of the value's": 2.2,
    "read before first touch, CPU s": 0.1,
    "guard of a stage that takes one mean, CPU s": 0.1,
}


def one_round(kind: str, gigabytes: float) -> dict[str, float]:
    """Measured figures by their name in `LIMITS`."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        written = _stage("write", kind, gigabytes, folder)
        read = _stage("read", kind, gigabytes, folder, json.dumps(written["output"]))
    if not read["exact"]:
        raise RuntimeError(f"the {kind} did not come back as it was")
    figures = (
        written["write_s"] / written["raw_s"],
        written["memory"],
        read["read_cpu"],
        read["guard_cpu"] - read["end_cpu"],
    )
    print(f"{kind}: {written} {read}", file=sys.stderr)
    return dict(zip(LIMITS, figures, strict=True))


def _stage(*argv: object) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, str(STAGE), *map(str, argv)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    strings = "pyarrow" if importlib.util.find_spec("pyarrow") else "Python objects"
    lines = [("value", f"figure (strings: {strings})", "measured", "allowed", "")]
    for kind in ("frame", "array"):
        rounds = [one_round(kind, args.gigabytes) for _ in range(args.rounds)]
        for name, most in LIMITS.items():
            value = statistics.median(one[name] for one in rounds)
            lines.append(
                (
                    kind,
                    name,
                    f"{value:.3f}",
                    f"{most:g}",
                    "ok" if value <= most else "MISSED",
                )
            )
    print(layout(lines, markdown=False))


if __name__ == "__main__":
    main()
