"""Three notebooks that are one pipeline, and the oracle: each run whole, one after
another, by nbclient."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.compiler.notebooks import Cells, write_notebook

INGEST: Cells = [
    ("import json\nimport os\nfrom pathlib import Path", ()),
    ("days = 5\nfactor = 2", ["parameters"]),
    (
        "rows = [n * factor for n in range(days)]\nos.environ['MODE'] = 'set by ingest'",
        ["stage:load"],
    ),
    (
        "Path('data').mkdir(exist_ok=True)\n"
        "Path('data/clean.json').write_text(json.dumps([row for row in rows if row]))\n"
        "limits = {'low': min(rows), 'high': max(rows)}\n"
        "print(len(rows), limits)",
        ["stage:clean", "shares:limits"],
    ),
]
TRAIN: Cells = [
    ("import json\nimport os\nfrom pathlib import Path", ()),
    ("factor = 10\ndepth = 3", ["parameters"]),
    (
        "rows = json.loads(Path('../data/clean.json').read_text())\nprint(rows, os.getcwd())",
        ["stage:read"],
    ),
    ("limits['high'] += depth\nprint(limits, os.environ.get('MODE'))", ["stage:widen"]),
    (
        "model = {'scale': factor * sum(rows) / limits['high'], 'depth': depth}\n"
        "Path('model.json').write_text(json.dumps(model))\nmodel",
        ["stage:fit", "shares:model", "metric:scale"],
    ),
    ("scale = model['scale']\nscale", ()),
]
REPORT: Cells = [
    ("import json\nfrom pathlib import Path", ()),
    (
        "stored = json.loads(Path('models/model.json').read_text())\nprint(stored == model)",
        ["stage:compare"],
    ),
    (
        "text = f\"{model['scale']:.3f} within {limits}\"\nPath('report.txt').write_text(text)\nprint(text)",
        ["stage:write"],
    ),
]
LIST = """\
name = "shop"
description = "From rows to a report"
notebooks = ["ingest.ipynb", "models/train.ipynb", "report.ipynb"]
"""


def write_shop(folder: Path, kernel: str = "python3", **cells: Cells) -> Path:
    """The notebooks and the `pipeline.toml` that lists them, whose path is returned;
    `kernel` is that of the one in the middle, `cells` stand in for those of a
    notebook."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    spec = {
        "kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}
    }
    write_notebook(folder / "ingest.ipynb", cells.get("ingest", INGEST))
    write_notebook(folder / "models" / "train.ipynb", cells.get("train", TRAIN), **spec)
    write_notebook(folder / "report.ipynb", cells.get("report", REPORT))
    listed = folder / "pipeline.toml"
    listed.write_text(LIST, encoding="utf-8")
    return listed


def write_kernelspec(folder: Path, name: str) -> None:
    """A second kernelspec of the same Python."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    place = folder / "kernels" / name
    place.mkdir(parents=True)
    spec = {"argv": argv, "display_name": name, "language": "python", "env": {}}
    (place / "kernel.json").write_text(json.dumps(spec))


def run_one_after_another(
    notebooks: Sequence[Path],
    shares: Mapping[str, Sequence[str]],
    takes: Mapping[str, Mapping[str, str]],
) -> dict[str, list[list[Any]]]:
    """The outputs of the cells of each notebook, by its stem.

    `shares` are the variables that a notebook leaves, `takes` those that it takes, each
    with the notebook that it is of. They go from kernel to kernel as pickles: copies,
    as they were at the end.
    """
    outputs = {}
    for path in notebooks:
        stem, folder = path.stem, path.parent
        document = nbformat.read(path, as_version=4)
        before = [
            f"import pickle as p; {n} = p.load(open({_pickle(path, t, n)!r}, 'rb'))"
            for n, t in takes.get(stem, {}).items()
        ]
        after = [
            f"import pickle as p; p.dump({n}, open({_pickle(path, stem, n)!r}, 'wb'))"
            for n in shares.get(stem, ())
        ]
        own = len(document.cells)
        cells = [
            *map(nbformat.v4.new_code_cell, before),
            *document.cells,
            *map(nbformat.v4.new_code_cell, after),
        ]
        document.cells = cells
        NotebookClient(
            document, timeout=120, resources={"metadata": {"path": str(folder)}}
        ).execute()
        outputs[stem] = [
            _told(cell) for cell in document.cells[len(before) : len(before) + own]
        ]
    return outputs


def _pickle(path: Path, notebook: str, name: str) -> str:
    root = path.parent if path.parent.name != "models" else path.parent.parent
    return str(root.parent / f"{root.name}-{notebook}-{name}.pickle")


def executed_outputs(folder: Path, pipeline: Any) -> dict[str, list[list[Any]]]:
    """The outputs of the user's cells of a run, by notebook; `folder` is that of the
    run."""
    found: dict[str, dict[str, list[Any]]] = {}
    for stage in pipeline.stages:
        document = json.loads(
            (folder / "stages" / stage.name / "executed.ipynb").read_text()
        )
        for cell in document["cells"]:
            if cell["metadata"].get("jupyter_pipe", {}).get("role") == "cell":
                found.setdefault(stage.name.partition(".")[0], {})[cell["id"]] = _told(
                    cell
                )
    return {
        name: [cells[each] for each in sorted(cells)] for name, cells in found.items()
    }


def _told(cell: Any) -> list[Any]:
    """What a cell printed and gave, without the counts that a kernel adds."""
    told = []
    for output in cell["outputs"]:
        text = (
            output["data"]["text/plain"] if "data" in output else output.get("text", "")
        )
        told.append(
            [output["output_type"], text if isinstance(text, str) else "".join(text)]
        )
    return told
