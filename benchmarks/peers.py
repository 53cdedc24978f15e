"""The same stages with other tools, side by side: `python benchmarks/peers.py [--page
docs/benchmarks.md]`.

Each peer that its registry offers gets an environment of its own under `.make/peers`.
Stages do next to nothing but import pandas, so that what is measured is the tool. Only
ours, papermill and Ploomber execute notebooks; snakemake and DVC start a script a
stage, Metaflow a method.
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
from typing import Any, NamedTuple

from environments import binaries, install, version
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
    """`write` puts a project for a graph into a folder; the commands run there, with
    `{bin}` replaced.

    `unchanged` is the command for a run in which nothing has changed, where there is
    such a thing.
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
        body = STAGE.replace(
            "sys.argv[2:]", "[upstream[name]['data'] for name in upstream or []]"
        )
        cells = [
            code("given", "upstream = None\nproduct = None", "parameters"),
            code("body", body.replace("sys.argv[1]", "product['data']")),
        ]
        write_notebook(cells, folder / f"{stage}.ipynb")
        product = {"nb": f"out/{stage}.ipynb", "data": f"out/{stage}.txt"}
        tasks.append(
            {
                "source": f"{stage}.ipynb",
                "name": stage,
                "product": product,
                "upstream": [*before],
            }
        )
    executor = {"dotted_path": "ploomber.executors.Parallel", "processes": workers}
    pipeline = {
        "meta": {"extract_upstream": False},
        "executor": executor,
        "tasks": tasks,
    }
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline), encoding="utf-8")


def write_snakemake(graph: Graph, folder: Path, _workers: int) -> None:
    """A rule and a process a stage."""
    (folder / "stage.py").write_text(STAGE, encoding="utf-8")
    rules = [f"rule all:\n    input: {[f'{stage}.txt' for stage in graph]!r}"]
    for stage, before in graph.items():
        inputs = [f"{name}.txt" for name in before]
        command = f"{sys.executable} stage.py {stage}.txt {' '.join(inputs)}"
        given = f"    input: {inputs!r}\n" if inputs else ""
        rules.append(
            f"rule {stage}:\n{given}    output: '{stage}.txt'\n    shell: {command!r}"
        )
    (folder / "Snakefile").write_text("\n\n".join(rules) + "\n", encoding="utf-8")


def write_dvc(graph: Graph, folder: Path, _workers: int) -> None:
    """A command a stage, one after another: DVC has no parallel reproduction."""
    (folder / "stage.py").write_text(STAGE, encoding="utf-8")
    stages = {}
    for stage, before in graph.items():
        inputs = [f"{name}.txt" for name in before]
        command = f"{sys.executable} stage.py {stage}.txt {' '.join(inputs)}"
        stages[stage] = {
            "cmd": command,
            "deps": ["stage.py", *inputs],
            "outs": [f"{stage}.txt"],
        }
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")
    dvc = str(binaries("dvc") / "dvc")
    subprocess.run(
        [dvc, "init", "--no-scm", "--quiet"],
        cwd=folder,
        env=os.environ | QUIET,
        check=True,
    )
    subprocess.run(
        [dvc, "config", "core.check_update", "false"],
        cwd=folder,
        env=os.environ | QUIET,
        check=True,
    )


def write_metaflow(graph: Graph, folder: Path, _workers: int) -> None:
    """A class with a method a stage, and an end, which may not join; Metaflow starts a
    process for each."""
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
        lines.append(
            f"        self.next({', '.join(f'self.{names[n]}' for n in after[stage])})"
        )
    lines.append(
        "    @step\n    def end(self):\n        pass\n\n\nif __name__ == '__main__':\n    Trivial()"
    )
    (folder / "flow.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


PEERS = {
    "Ploomber": Peer(
        "ploomber",
        write_ploomber,
        ("{bin}/ploomber", "build", "--force"),
        ("{bin}/ploomber", "build"),
    ),
    "snakemake": Peer(
        "snakemake",
        write_snakemake,
        ("{bin}/snakemake", "--cores", "{workers}", "--forceall", "--quiet", "all"),
        ("{bin}/snakemake", "--cores", "{workers}", "--quiet", "all"),
    ),
    "DVC": Peer(
        "dvc",
        write_dvc,
        ("{bin}/dvc", "repro", "--force", "--quiet"),
        ("{bin}/dvc", "repro", "--quiet"),
    ),
    "Metaflow": Peer(
        "metaflow",
        write_metaflow,
        (
            "{bin}/python",
            "flow.py",
            "--quiet",
            "--no-pylint",
            "run",
            "--max-workers",
            "{workers}",
        ),
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
        for label, argv in (
            (name, peer.command),
            (f"{name}, nothing changed", peer.unchanged),
        ):
            if argv:
                filled = [
                    part.format(bin=binaries(peer.requirement), workers=workers)
                    for part in argv
                ]
                found[label] = partial(
                    measure, filled, folder=project, environment=environment
                )
    return found


def workload(
    name: str, cells: list[dict[str, object]], graph: Graph, args: argparse.Namespace
) -> list[Row]:
    """All contenders on one graph, paired."""
    peers = {
        label: peer
        for label, peer in PEERS.items()
        if install(peer.requirement, "pandas", "ipykernel")
    }
    with tempfile.TemporaryDirectory() as folder:
        notebook = write_notebook(cells, Path(folder) / "trivial.ipynb")
        ours = contenders(notebook, args.workers)
        return paired(
            name,
            {**ours, **commands(peers, graph, Path(folder), args.workers)},
            rounds=args.rounds,
            seconds=args.minutes * 60 / 2,
        )


OTHERS = """\
## Where the CPU time of a stage goes

One more warm stage of one cell takes 75 to 85 ms on a busy virtual machine with two cores (Python 3.11,
ipykernel 7.4; 20 stages):

| process | what it does                                                     | CPU ms |
| ------- | ---------------------------------------------------------------- | -----: |
| parent  | forks, with pandas imported                                      |      5 |
| kernel  | session, folder, environment, generators                         |      5 |
| kernel  | sockets, streams, threads, the user's profile                    |     20 |
| kernel  | the stage begins: ambient state, observation                     |      8 |
| kernel  | what is replayed, inputs                                         |      6 |
| kernel  | the user's cell, in IPython, and the replies                     |      9 |
| kernel  | outputs: payload, digest, profile                                |      4 |
| kernel  | ends; the system takes its memory apart                          |     15 |
| runner  | papermill, nbclient, messages, events, the executed notebook     |     18 |

About 17 ms of the kernel's are 4,800 pages that it first shares with its parent and then writes to (3.5 µs
each, on that machine). A request to a kernel costs both processes 6 to 9 ms together, so a warm kernel gets
three for a stage of one cell.

## Other measurements

    python benchmarks/overhead.py --bars   # what a pipeline costs beyond the code in it, and our limits
    python benchmarks/noop.py              # a run in which nothing changed
    python benchmarks/payloads.py          # a value of 1 GB between stages: writing, reading, the guard
    python benchmarks/profiles.py          # looking at a frame of 1 GB: what values look like, for contracts
    python benchmarks/sweep.py             # twelve trials of a sweep beside twelve separate runs
    python benchmarks/scoring.py --check   # a compiled scorer beside a function written by hand
    python benchmarks/single_rows.py       # 2,000 single rows with gaps against the batch, for two notebooks
    python benchmarks/compile_scale.py     # compiling notebooks of up to 5,000 cells
"""


def write_page(rows: list[Row], path: Path, args: argparse.Namespace) -> None:
    """A page for the documentation: the table and, beside it in `images/`, the
    plots."""
    images = path.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    for suffix, ink in (("", "#1f2328"), ("-dark", "#e6edf3")):
        draw(rows, images / f"{path.stem}{suffix}.svg", ink)
    names = ", ".join(
        f"{label} {version(peer.requirement)}"
        for label, peer in PEERS.items()
        if _was_run(label, rows)
    )
    text = f"""\
# Benchmarks

{args.stages} stages that import pandas and add a number, {args.workers} at once, on {os.cpu_count()} cores.
Python {sys.version.split()[0]}, {names}.
CPU seconds are those of the whole process tree. Ratios are to papermill, called once a stage as a library
with fresh kernels. Medians; all contenders take turns.
`python benchmarks/peers.py --page docs/benchmarks.md` measures on your machine and writes this page.

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="images/{path.stem}-dark.svg">
  <img src="images/{path.stem}.svg" alt="CPU and wall seconds of each tool">
</picture>

{table(rows, baseline=PAPERMILL, markdown=True)}

Ours, papermill and Ploomber execute notebooks and keep the executed ones. snakemake and DVC start a script
a stage, Metaflow a method, and DVC runs them one after another. The plain script is the compiled package,
all stages in one process.

{OTHERS}"""
    path.write_text(text, encoding="utf-8")


def _was_run(label: str, rows: list[Row]) -> bool:
    return any(row.contender == label for row in rows)


def draw(rows: list[Row], path: Path, ink: str) -> None:
    """Bars of CPU and wall seconds, one panel a workload, as SVG without a
    background."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    colours = dict.fromkeys(
        (
            "text.color",
            "axes.labelcolor",
            "axes.edgecolor",
            "xtick.color",
            "ytick.color",
        ),
        ink,
    )
    names = list(dict.fromkeys(row.workload for row in rows))
    with mpl.rc_context({**colours, "svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        fig, axes = plt.subplots(
            1,
            len(names),
            figsize=(5 * len(names), 4.2),
            layout="constrained",
            squeeze=False,
        )
        for ax, name in zip(axes[0], names, strict=True):
            _draw_panel(ax, name, [row for row in rows if row.workload == name][::-1])
        axes[0][-1].legend(frameon=False)
        fig.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(fig)


def _draw_panel(ax: Any, name: str, rows: list[Row]) -> None:
    places = range(len(rows))
    ax.barh(
        [p + 0.2 for p in places],
        [r.cost.cpu for r in rows],
        0.4,
        color="#2f81f7",
        label="CPU s",
    )
    ax.barh(
        [p - 0.2 for p in places],
        [r.cost.wall for r in rows],
        0.4,
        color="#bf8700",
        label="wall s",
    )
    ax.set_yticks(list(places), [row.contender for row in rows])
    ax.set(title=name, xlabel="seconds")
    ax.spines[["top", "right"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        help="begin no round that ends later",
    )
    parser.add_argument("--stages", type=int, default=20)
    parser.add_argument("-j", "--workers", type=int, default=2)
    parser.add_argument(
        "--page",
        type=Path,
        help="write the table and a plot as a page of the documentation",
    )
    args = parser.parse_args()
    width = args.stages - 2
    rows = workload(
        f"chain of {args.stages}", chain(args.stages), chain_graph(args.stages), args
    )
    rows += workload(f"fan-out of {width}", fan_out(width), fan_out_graph(width), args)
    print(table(rows, baseline=PAPERMILL, markdown=False))
    if args.page:
        write_page(rows, args.page, args)


if __name__ == "__main__":
    main()
