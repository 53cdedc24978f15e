"""What a sweep costs beside separate runs: `python benchmarks/sweep.py [--trials 12]
[--values 20 200]`.

Twelve values of `n_estimators` of the example notebook `home_value.ipynb`, once as a
sweep that minimizes `fold_mae`, and once as twelve runs of the notebook, each in a
folder of its own, as somebody would compare them who has no sweep. The values are from
a fifth of the notebook's own to twice as many: with more trees, fitting them is nearly
all that either does, and no sweep spares that. Exits with 1 if the sweep takes more
than 0.5 of their CPU seconds.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import Cost, layout, measure

EXAMPLES = Path(__file__).parent.parent / "example_notebooks"
COMMAND = [sys.executable, "-m", "jupyter_pipe.cli.main"]
BAR = 0.5
"""Of the CPU seconds of separate runs."""


def spread(low: int, high: int, trials: int) -> list[int]:
    """Values of which each is about as many times as large as the one before."""
    return [
        round(low * (high / low) ** (number / (trials - 1))) for number in range(trials)
    ]


def project(folder: Path) -> Path:
    """The notebook in a folder where nothing has run, with its data and its
    contract."""
    for path in EXAMPLES.glob("home_*"):
        (shutil.copytree if path.is_dir() else shutil.copy2)(path, folder / path.name)
    return folder


def sweep(values: Sequence[int]) -> Cost:
    """All values as one study, one trial at a time."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = f"n_estimators={','.join(map(str, values))}"
        command = [
            "sweep",
            "home_value.ipynb",
            "-p",
            chosen,
            "--grid",
            "--minimize",
            "fold_mae",
            "-j",
            "1",
        ]
        return measure([*COMMAND, *command], folder=project(Path(folder)))


def separately(values: Sequence[int], *targets: str) -> Cost:
    """A run for each value, of which none knows what another has computed."""
    cpu = wall = 0.0
    for value in values:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                "run",
                "home_value.ipynb",
                *targets,
                "-p",
                f"n_estimators={value}",
                "-j",
                "1",
            ]
            # A gate of the notebook is false for few trees.
            cost = measure(
                [*COMMAND, *command], folder=project(Path(folder)), codes=(0, 3)
            )
            cpu, wall = cpu + cost.cpu, wall + cost.wall
    return Cost(cpu, wall)


def main() -> None:
    """Measure, print a table, and exit with 1 if the bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument(
        "--values", type=int, nargs=2, default=[20, 200], metavar=("LOW", "HIGH")
    )
    parser.add_argument(
        "--metric",
        action="store_true",
        help="and runs that end where the metric is known",
    )
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    values = spread(*args.values, args.trials)
    costs = {"a sweep": sweep(values), "separate runs": separately(values)}
    if args.metric:
        costs["separate runs, up to the metric"] = separately(
            values, "--target", "forest"
        )
    whole = costs["separate runs"].cpu
    lines = [[f"{args.trials} values", "", "CPU s", "wall s", "CPU ratio"]]
    lines += [
        [name, "", f"{cost.cpu:.1f}", f"{cost.wall:.1f}", f"{cost.cpu / whole:.2f}"]
        for name, cost in costs.items()
    ]
    print(layout(lines, markdown=args.markdown))
    if costs["a sweep"].cpu > BAR * whole:
        sys.exit(f"The bar is {BAR}.")


if __name__ == "__main__":
    main()
