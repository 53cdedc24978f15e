"""The same stages with other tools, side by side: `python benchmarks/peers.py [--page docs/benchmarks.md]`.

Each peer that its registry offers gets an environment of its own under `.make/peers`. Stages do next to
nothing but import pandas, so that what is measured is the tool. Only ours, papermill and Ploomber execute
notebooks; snakemake and DVC start a script a stage, Metaflow a method.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from environments import binaries, install
from measure import Cost, Row, measure, paired, table
from overhead import PAPERMILL, contenders
from workloads import chain, code, fan_out, write_notebook

QUIET = {"DVC_NO_ANALYTICS": "1", "USERNAME": "benchmark", "MPLBACKEND": "agg"}
Graph = Mapping[str, tuple[str, ...]]
STAGE = """\
import sys
from pathlib import Path

import pandas as pd

values = [int(Path(name).read_text()) for name in sys.argv[2:]]
Path(sys.argv[1]).write_text(str(int(pd.Series(values, dtype=int).sum()) + 1))
"""


class Peer(NamedTuple):
    """`write` puts a project for a graph into a folder; the commands run there, with `{bin}` replaced.

    `unchanged` is the command for a run in which nothing has changed, where there is such a thing.
    """

    requirement: str
    write: Callable[[Graph, Path, int], None]
    command: tuple[str, ...]
    unchanged: tuple[str, ...] = ()


def chain_graph(stages: int) -> Graph:
    """Each stage with the one before it."""
    return {f"s{n}": (f"s{n - 1}",) if n else () for n in range(stages)}


def fan_out_graph(width: int) -> Graph:
    """One stage, `width` after it, one after them all."""
    middle = tuple(f"s{n}" for n in range(width))
    return {"first": (), **dict.fromkeys(middle, ("first",)), "last": middle}


def write_ploomber(graph: Graph, folder: Path, workers: int) -> None:
    """A notebook a stage, and files between them."""
    tasks = []
    for stage, before in graph.items():
        body = STAGE.replace("sys.argv[2:]", "[upstream[name]['data'] for name in upstream or []]")
        cells = [
            code("given", "upstream = None\nproduct = None", "parameters"),
            code("body", body.replace("sys.argv[1]", "product['data']")),
        ]
        write_notebook(cells, folder / f"{stage}.ipynb")
        product = {"nb": f"out/{stage}.ipynb", "data": f"out/{stage}.txt"}
        tasks.append({"source": f"{stage}.ipynb", "name": stage, "product": product, "upstream": [*before]})
    executor = {"dotted_path": "ploomber.executors.Parallel", "processes": workers}
    pipeline = {"meta": {"extract_upstream": False}, "executor": executor, "tasks": tasks}
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline), encoding="utf-8")


def write_snakemake(graph: Graph, folder: Path, _workers: int) -> None:
    """A rule and a process a stage."""
    (folder / "stage.py").write_text(STAGE, encoding="utf-8")
    rules = [f"rule all:\n    input: {[f'{stage}.txt' for stage in graph]!r}"]
    for stage, before in graph.items():
        inputs = [f"{name}.txt" for name in before]
        command = f"{sys.executable} stage.py {stage}.txt {' '.join(inputs)}"
        given = f"    input: {inputs!r}\n" if inputs else ""
        rules.append(f"rule {stage}:\n{given}    output: '{stage}.txt'\n    shell: {command!r}")
    (folder / "Snakefile").write_text("\n\n".join(rules) + "\n", encoding="utf-8")


def write_dvc(graph: Graph, folder: Path, _workers: int) -> None:
    """A command a stage, one after another: DVC has no parallel reproduction."""
    (folder / "stage.py").write_text(STAGE, encoding="utf-8")
    stages = {}
    for stage, before in graph.items():
        inputs = [f"{name}.txt" for name in before]
        command = f"{sys.executable} stage.py {stage}.txt {' '.join(inputs)}"
        stages[stage] = {"cmd": command, "deps": ["stage.py", *inputs], "outs": [f"{stage}.txt"]}
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")
    dvc = str(binaries("dvc") / "dvc")
    subprocess.run([dvc, "init", "--no-scm", "--quiet"], cwd=folder, env=os.environ | QUIET, check=True)
    subprocess.run(
        [dvc, "config", "core.check_update", "false"], cwd=folder, env=os.environ | QUIET, check=True
    )


def write_metaflow(graph: Graph, folder: Path, _workers: int) -> None:
    """A class with a method a stage, and an end, which may not join; Metaflow starts a process for each."""
    after: dict[str, list[str]] = {stage: [] for stage in graph}
    for stage, before in graph.items():
        for name in before:
            after[name].append(stage)
    first, *_, last = graph
    names = {stage: stage for stage in (*graph, "end")} | {first: "start"}
    after[last] = ["end"]
    lines = ["from metaflow import FlowSpec, step\n\n\nclass Trivial(FlowSpec):"]
    for stage, before in graph.items():
        joined = ", inputs" if len(before) > 1 else ""
        value = "[one.x for one in inputs]" if joined else "[getattr(self, 'x', 0)]"
        lines += [
            "    @step",
            f"    def {names[stage]}(self{joined}):",
            "        import pandas as pd",
            f"        self.x = int(pd.Series({value}).sum()) + 1",
        ]
        lines.append(f"        self.next({', '.join(f'self.{names[n]}' for n in after[stage])})")
    lines.append("    @step\n    def end(self):\n        pass\n\n\nif __name__ == '__main__':\n    Trivial()")
    (folder / "flow.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


PEERS = {
    "Ploomber": Peer(
        "ploomber", write_ploomber, ("{bin}/ploomber", "build", "--force"), ("{bin}/ploomber", "build")
    ),
    "snakemake": Peer(
        "snakemake",
        write_snakemake,
        ("{bin}/snakemake", "--cores", "{workers}", "--forceall", "--quiet", "all"),
        ("{bin}/snakemake", "--cores", "{workers}", "--quiet", "all"),
    ),
    "DVC": Peer(
        "dvc", write_dvc, ("{bin}/dvc", "repro", "--force", "--quiet"), ("{bin}/dvc", "repro", "--quiet")
    ),
    "Metaflow": Peer(
        "metaflow",
        write_metaflow,
        ("{bin}/python", "flow.py", "--quiet", "--no-pylint", "run", "--max-workers", "{workers}"),
    ),
}


def commands(
    peers: Mapping[str, Peer], graph: Graph, folder: Path, workers: int
) -> dict[str, Callable[[], Cost]]:
    """What runs the graph with each peer, by the name that the table shows."""
    found: dict[str, Callable[[], Cost]] = {}
    for name, peer in peers.items():
        project = folder / peer.requirement
        project.mkdir()
        peer.write(graph, project, workers)
        environment = QUIET | {
            "METAFLOW_HOME": str(project),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(project),
        }
        for label, argv in ((name, peer.command), (f"{name}, nothing changed", peer.unchanged)):
            if argv:
                filled = [part.format(bin=binaries(peer.requirement), workers=workers) for part in argv]
                found[label] = partial(measure, filled, folder=project, environment=environment)
    return found


def workload(name: str, cells: list[dict[str, object]], graph: Graph, args: argparse.Namespace) -> list[Row]:
    """All contenders on one graph, paired."""
    peers = {label: peer for label, peer in PEERS.items() if install(peer.requirement, "pandas", "ipykernel")}
    with tempfile.TemporaryDirectory() as folder:
        notebook = write_notebook(cells, Path(folder) / "trivial.ipynb")
        ours = contenders(notebook, args.workers)
        return paired(
            name, {**ours, **commands(peers, graph, Path(folder), args.workers)}, rounds=args.rounds
        )


def write_page(rows: list[Row], path: Path, workers: int, rounds: int) -> None:
    """A page for the documentation: the table and, beside it in `images/`, the plot."""
    plot = path.parent / "images" / f"{path.stem}.svg"
    python = sys.version.split()[0]
    draw(rows, plot)
    text = f"""\
# Benchmarks

20 stages that import pandas and add a number, {workers} at once, on {os.cpu_count()} cores, Python {python}.
CPU seconds are those of the whole process tree. Ratios are to papermill, called once a stage as a
library with fresh kernels. Medians of {rounds} rounds, all contenders in turn in every round.
`python benchmarks/peers.py --page {path}` measures on your machine.

![CPU and wall seconds of each tool](images/{plot.name})

{table(rows, baseline=PAPERMILL, markdown=True)}

Ours, papermill and Ploomber execute notebooks and keep the executed ones. snakemake and DVC start a script
a stage, Metaflow a method, and DVC runs them one after another. The plain script is the compiled package,
all stages in one process.
"""
    path.write_text(text, encoding="utf-8")


def draw(rows: list[Row], path: Path) -> None:
    """Bars of CPU and wall seconds, one panel a workload, as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row.workload for row in rows))
    fig, axes = plt.subplots(
        1, len(names), figsize=(5 * len(names), 4.2), layout="constrained", squeeze=False
    )
    for ax, name in zip(axes[0], names, strict=True):
        chosen = [row for row in rows if row.workload == name][::-1]
        places = range(len(chosen))
        ax.barh([p + 0.2 for p in places], [r.cost.cpu for r in chosen], 0.4, color="#2c6acf", label="CPU s")
        ax.barh(
            [p - 0.2 for p in places], [r.cost.wall for r in chosen], 0.4, color="#a05b11", label="wall s"
        )
        ax.set_yticks(list(places), [row.contender for row in chosen])
        ax.set(title=name, xlabel="seconds")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0][-1].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-j", "--workers", type=int, default=2)
    parser.add_argument("--page", type=Path, help="write the table and a plot as a page of the documentation")
    args = parser.parse_args()
    rows = workload("chain of 20", chain(20), chain_graph(20), args)
    rows += workload("fan-out of 18", fan_out(18), fan_out_graph(18), args)
    print(table(rows, baseline=PAPERMILL, markdown=False))
    if args.page:
        write_page(rows, args.page, args.workers, args.rounds)


if __name__ == "__main__":
    main()
