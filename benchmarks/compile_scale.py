"""How compiling and analysing grow with the notebook: `python
benchmarks/compile_scale.py [--markdown]`.

The whole command `jupyter-pipe compile` (process start and imports included) and,
inside one warm process, the analysis alone, for 100, 1,000 and 5,000 cells with a stage
to every ten cells.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measure import layout, measure
from workloads import wide, write_notebook

SIZES = (100, 1_000, 5_000)


def command_cpu(notebook: Path, rounds: int) -> float:
    """Median CPU seconds of the whole compile command, each time into a new folder."""
    argv = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "compile",
        str(notebook),
        "-o",
    ]
    costs = [
        measure([*argv, str(notebook.parent / f"out{n}")], folder=notebook.parent)
        for n in range(rounds)
    ]
    return statistics.median(cost.cpu for cost in costs)


def check_cpu(notebook: Path, rounds: int) -> float:
    """Median CPU seconds of reading, analysing and wiring the notebook, imports
    excluded."""
    from jupyter_pipe.compiler import check_notebook

    check_notebook(notebook)
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        check_notebook(notebook)
        seconds.append(time.process_time() - started)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--markdown", action="store_true", help="print a Markdown table"
    )
    args = parser.parse_args()
    lines: list[tuple[str, ...]] = [
        ("cells", "stages", "check, CPU ms", "ms a cell", "compile command, CPU s")
    ]
    with tempfile.TemporaryDirectory() as folder:
        for cells in SIZES:
            stages = cells // 10
            notebook = write_notebook(
                wide(stages, cells), Path(folder) / f"cells_{cells}.ipynb"
            )
            check, command = (
                check_cpu(notebook, args.rounds),
                command_cpu(notebook, args.rounds),
            )
            lines.append(
                (
                    f"{cells:,}",
                    f"{stages:,}",
                    f"{check * 1000:.0f}",
                    f"{check / cells * 1000:.2f}",
                    f"{command:.2f}",
                )
            )
    print(layout(lines, markdown=args.markdown))


if __name__ == "__main__":
    main()
