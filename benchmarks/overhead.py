"""What a pipeline costs beyond the code in it: `python benchmarks/overhead.py
[--markdown]`.

Each workload runs, paired in every round: the notebook top to bottom in one kernel
(nbclient), papermill once a stage as a library, the pipeline, and the compiled package
as a plain script. CPU seconds are those of the whole process tree; ratios are to
papermill with the same number of workers. `--bars` compares with the limits that we
hold: those ratios, the notebook itself, one more warm stage, and the kernel of a stage
that uses scikit-learn.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from measure import Cost, Row, layout, measure, paired, table
from workloads import EXAMPLES, chain, code, fan_out, write_notebook

from jupyter_pipe.runs.store import RunStore

HERE = Path(__file__).parent
NOTEBOOK = "notebook, top to bottom"
PAPERMILL = "papermill, a stage at a time"
PIPE = [sys.executable, "-m", "jupyter_pipe.cli.main"]


def contenders(notebook: Path, workers: int) -> Mapping[str, Callable[[], Cost]]:
    """What can run the notebook, by the name that the table shows."""
    folder = notebook.parent
    package = folder / f"{notebook.stem}_pipeline"
    measure([*PIPE, "compile", str(notebook), "-o", str(package)], folder=folder)
    run = partial(measure, folder=folder)
    return {
        NOTEBOOK: partial(
            run,
            [sys.executable, str(HERE / "run_notebook.py"), str(notebook), str(folder)],
        ),
        PAPERMILL: partial(
            run,
            [
                sys.executable,
                str(HERE / "run_papermill.py"),
                str(package),
                str(folder),
                str(workers),
            ],
        ),
        "pipeline": partial(
            run, [*PIPE, "run", str(package), "--no-cache", "-j", str(workers)]
        ),
        "pipeline, nothing changed": partial(
            run, [*PIPE, "run", str(package), "-j", str(workers)]
        ),
        "plain script": partial(
            measure, [sys.executable, "-m", notebook.stem], folder=package
        ),
    }


def workloads(folder: Path, chosen: list[str]) -> dict[str, Path]:
    """The notebooks, copied into `folder` so that nothing is left in the checkout."""
    for source in [*EXAMPLES.glob("*.ipynb"), *EXAMPLES.glob("*.py")]:
        shutil.copy(source, folder)
    made = {
        "chain of 20": write_notebook(chain(20), folder / "chain.ipynb"),
        "fan-out of 18": write_notebook(fan_out(18), folder / "fan_out.ipynb"),
    }
    made |= {
        path.stem: path
        for path in sorted(folder.glob("*.ipynb"))
        if path not in made.values()
    }
    return {
        name: path for name, path in made.items() if not chosen or path.stem in chosen
    }


def bars(rows: Sequence[Row], folder: Path, workers: int, rounds: int) -> str:
    """What was measured, what is allowed, and whether that holds."""
    found: list[tuple[str, float, float]] = []
    for workload in ("chain of 20", "fan-out of 18"):
        cost = {row.contender: row.cost for row in rows if row.workload == workload}
        ours, papermill, notebook = cost["pipeline"], cost[PAPERMILL], cost[NOTEBOOK]
        found += [
            (f"{workload}: CPU of the notebook's", ours.cpu / notebook.cpu, 1.0),
            (f"{workload}: wall of the notebook's", ours.wall / notebook.wall, 1.0),
            (f"{workload}: CPU of papermill's", ours.cpu / papermill.cpu, 0.25),
            (f"{workload}: wall of papermill's", ours.wall / papermill.wall, 0.35),
            (
                f"{workload}: CPU of the plain script's",
                ours.cpu / cost["plain script"].cpu,
                8.0,
            ),
        ]
    found.append(
        ("one more warm stage, CPU s", marginal_cpu(folder, workers, rounds), 0.1)
    )
    forked, fresh = (
        kernel_cpu(folder, kernels, rounds) for kernels in ("fork", "fresh")
    )
    found.append(
        ("kernel with scikit-learn, CPU of a fresh one's", forked / fresh, 0.1)
    )
    lines = [("bar", "", "measured", "allowed")]
    lines += [
        (name, "ok" if value <= most else "MISSED", f"{value:.3f}", f"{most:g}")
        for name, value, most in found
    ]
    return layout(lines, markdown=False)


def marginal_cpu(folder: Path, workers: int, rounds: int) -> float:
    """CPU seconds of one trivial stage more, where kernels are warm: 40 stages against
    20."""
    costs: dict[int, list[float]] = {20: [], 40: []}
    notebooks = {
        size: write_notebook(chain(size), folder / f"chain_{size}.ipynb")
        for size in costs
    }
    for _ in range(rounds):
        for size, notebook in notebooks.items():
            argv = [
                *PIPE,
                "run",
                str(notebook),
                "--no-cache",
                "-j",
                str(workers),
                "--quiet",
            ]
            costs[size].append(measure(argv, folder=folder).cpu)
    return (statistics.median(costs[40]) - statistics.median(costs[20])) / 20


def kernel_cpu(folder: Path, kernels: str, rounds: int) -> float:
    """CPU seconds of a kernel from its start, or its fork, until it has imported
    scikit-learn."""
    source = "import sklearn.linear_model\nimport time\ncpu = time.process_time()"
    notebook = write_notebook(
        [code("cell", source, "stage:only", "metric:cpu")],
        folder / f"sklearn_{kernels}.ipynb",
    )
    found = []
    for _ in range(rounds):
        argv = [
            *PIPE,
            "run",
            str(notebook),
            "--no-cache",
            "--quiet",
            "--kernels",
            kernels,
        ]
        measure(argv, folder=folder)
        store = RunStore(folder)
        found.append(float(store.read(store.find("latest")).metrics["cpu"]))
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "workload", nargs="*", help="chain, fan_out or an example; all by default"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-j", "--workers", type=int, default=2)
    parser.add_argument(
        "--markdown", action="store_true", help="print a Markdown table"
    )
    parser.add_argument(
        "--bars",
        action="store_true",
        help="chain and fan_out, and the limits that we hold",
    )
    args = parser.parse_args()
    chosen = ["chain", "fan_out"] if args.bars else args.workload
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            row
            for name, path in workloads(Path(folder), chosen).items()
            for row in paired(name, contenders(path, args.workers), rounds=args.rounds)
        ]
        print(table(rows, baseline=PAPERMILL, markdown=args.markdown))
        if args.bars:
            print(f"\n{bars(rows, Path(folder), args.workers, args.rounds)}")


if __name__ == "__main__":
    main()
