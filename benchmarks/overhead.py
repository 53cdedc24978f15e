"""What a pipeline costs beyond the code in it: `python benchmarks/overhead.py [--markdown]`.

Each workload runs, paired in every round: the notebook top to bottom in one kernel (nbclient), papermill
once a stage as a library, the pipeline, and the compiled package as a plain script. CPU seconds are those
of the whole process tree; ratios are to papermill with the same number of workers.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from measure import Cost, measure, paired, table
from workloads import EXAMPLES, chain, fan_out, write_notebook

HERE = Path(__file__).parent
PAPERMILL = "papermill, a stage at a time"


def contenders(notebook: Path, workers: int) -> Mapping[str, Callable[[], Cost]]:
    """What can run the notebook, by the name that the table shows."""
    folder = notebook.parent
    package = folder / f"{notebook.stem}_pipeline"
    pipe = [sys.executable, "-m", "jupyter_pipe.cli.main"]
    measure([*pipe, "compile", str(notebook), "-o", str(package)], folder=folder)
    run = partial(measure, folder=folder)
    return {
        "notebook, top to bottom": partial(
            run, [sys.executable, str(HERE / "run_notebook.py"), str(notebook), str(folder)]
        ),
        PAPERMILL: partial(
            run, [sys.executable, str(HERE / "run_papermill.py"), str(package), str(folder), str(workers)]
        ),
        "pipeline": partial(run, [*pipe, "run", str(package), "--no-cache", "-j", str(workers)]),
        "pipeline, nothing changed": partial(run, [*pipe, "run", str(package), "-j", str(workers)]),
        "plain script": partial(measure, [sys.executable, "-m", notebook.stem], folder=package),
    }


def workloads(folder: Path, chosen: list[str]) -> dict[str, Path]:
    """The notebooks, copied into `folder` so that nothing is left in the checkout."""
    for source in [*EXAMPLES.glob("*.ipynb"), *EXAMPLES.glob("*.py")]:
        shutil.copy(source, folder)
    made = {
        "chain of 20": write_notebook(chain(20), folder / "chain.ipynb"),
        "fan-out of 18": write_notebook(fan_out(18), folder / "fan_out.ipynb"),
    }
    made |= {path.stem: path for path in sorted(folder.glob("*.ipynb")) if path not in made.values()}
    return {name: path for name, path in made.items() if not chosen or path.stem in chosen}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", nargs="*", help="chain, fan_out or an example; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-j", "--workers", type=int, default=2)
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            row
            for name, path in workloads(Path(folder), args.workload).items()
            for row in paired(name, contenders(path, args.workers), rounds=args.rounds)
        ]
    print(table(rows, baseline=PAPERMILL, markdown=args.markdown))


if __name__ == "__main__":
    main()
