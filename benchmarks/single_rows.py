"""Whether single rows get what the batch gets: `python benchmarks/single_rows.py
[--rows 2000] [NOTEBOOK …]`.

Runs a notebook, proves its scorer, and scores rows of the run, drawn with gaps in
columns that may have some: all at once, and one at a time. Predictions must agree: bit
for bit where the proofs say so, else to 1e-9. By default for the examples
`home_value.ipynb` and `tickets.ipynb`. Exits with 1 if a row differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import layout, measure

from jupyter_pipe.scoring.bundle import Bundle, load_bundle
from jupyter_pipe.scoring.proving.comparison import first_difference
from jupyter_pipe.scoring.scorer import plain_predictions

EXAMPLES = Path(__file__).parent.parent / "example_notebooks"
GAPS = 0.2
"""The share of values that are left out, of columns in which the run had gaps."""


def proved(notebook: Path, folder: Path) -> Bundle:
    """The scorer of the notebook, proved on a run in `folder`."""
    for path in notebook.parent.iterdir():
        if path.suffix == ".py" or path.stem == notebook.stem:
            (shutil.copytree if path.is_dir() else shutil.copy2)(
                path, folder / path.name
            )
    command = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "verify",
        notebook.name,
        "--score",
    ]
    measure(command, folder=folder)
    return load_bundle(folder / ".jupyter_pipe" / "scorers" / notebook.stem)


def draw(bundle: Bundle, count: int) -> list[dict[str, Any]]:
    """Rows whose values come from golden rows, each column from a row of its own."""
    chance = random.Random(7)
    golden = bundle.manifest.golden
    with_gaps = {name for row in golden for name, value in row.items() if value is None}
    return [
        {
            name: None
            if name in with_gaps and chance.random() < GAPS
            else chance.choice(golden)[name]
            for name in golden[0]
        }
        for _ in range(count)
    ]


def main() -> None:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    defaults = [EXAMPLES / "home_value.ipynb", EXAMPLES / "tickets.ipynb"]
    parser.add_argument("notebooks", nargs="*", type=Path, default=defaults)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    lines = [["notebook", "", "rows", "with a gap", "exact", "ms a row", "differ"]]
    wrong = ""
    for notebook in args.notebooks:
        with tempfile.TemporaryDirectory() as folder:
            bundle = proved(notebook.absolute(), Path(folder))
            rows = draw(bundle, args.rows)
            batch = plain_predictions(bundle.scorer.score_records(rows))
            began = time.process_time()
            alone = [
                plain_predictions(bundle.scorer.score_records([row]))[0] for row in rows
            ]
            each = 1000 * (time.process_time() - began) / len(rows)
            found = first_difference(alone, batch, bundle.manifest.exact)
        wrong = wrong or found
        gaps = sum(None in row.values() for row in rows)
        exact = "yes" if bundle.manifest.exact else "to 1e-9"
        lines.append(
            [
                notebook.stem,
                "",
                str(len(rows)),
                str(gaps),
                exact,
                f"{each:.1f}",
                found or "none",
            ]
        )
    print(layout(lines, markdown=args.markdown))
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
