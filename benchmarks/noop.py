"""What a run costs in which nothing changed: `python benchmarks/noop.py [--stages 20
200] [--markdown]`.

The whole command `jupyter-pipe run` (process start, imports and report included), for
the notebook and for its compiled package, once everything is stored. The first run of
many stages takes its time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from measure import layout, measure
from workloads import fan_out, write_notebook


def noop_cpu(target: Path, rounds: int) -> float:
    """Median CPU seconds of running what has just run."""
    argv = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "run",
        str(target),
        "--quiet",
    ]
    costs = [measure(argv, folder=target.parent) for _ in range(rounds + 1)]
    return statistics.median(cost.cpu for cost in costs[1:])


def main() -> None:
    """Run the notebook of each size once, then measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stages", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    lines = [["stages", "notebook, CPU s", "package, CPU s", "ms a stage"]]
    for stages in args.stages:
        with tempfile.TemporaryDirectory() as folder:
            notebook = write_notebook(fan_out(stages - 2), Path(folder) / "noop.ipynb")
            command = [sys.executable, "-m", "jupyter_pipe.cli.main"]
            measure([*command, "compile", str(notebook)], folder=notebook.parent)
            measure(
                [*command, "run", str(notebook), "-j", str(os.cpu_count())],
                folder=notebook.parent,
            )
            from_notebook = noop_cpu(notebook, args.rounds)
            from_package = noop_cpu(notebook.with_name("noop_pipeline"), args.rounds)
        each = f"{1000 * from_package / stages:.1f}"
        lines.append([str(stages), f"{from_notebook:.2f}", f"{from_package:.2f}", each])
    print(layout(lines, markdown=args.markdown))


if __name__ == "__main__":
    main()
