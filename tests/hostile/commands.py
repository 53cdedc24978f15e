"""Everything that a victim types in a cloned repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.hostile.repository import Repository

__all__ = ["Command", "commands_for"]


@dataclass(frozen=True)
class Command:
    """`argv` as typed in the repository; `runs` tells whether it may run the notebook's
    own cells."""

    argv: tuple[str, ...]
    runs: bool = False


def commands_for(repository: Repository) -> Iterator[Command]:
    """The commands, those that run nothing first."""
    yield from _about_notebooks()
    for run_id in _run_ids(repository):
        yield from _about_a_run(run_id)
    yield from _that_run(repository)
    yield Command(("gc", "--keep", "1"))


def _about_notebooks() -> Iterator[Command]:
    for notebook in ("flow.ipynb", "fails.ipynb"):
        for argv in (
            ["check"],
            ["suggest"],
            ["graph"],
            ["plan"],
            ["compile", "--check"],
        ):
            yield Command((*argv, notebook))
    yield Command(("check", "--format", "github", "flow.ipynb"))
    yield Command(("compile", "fails.ipynb"))
    yield Command(("plan", "flow_pipeline"))
    yield Command(("graph", "--format", "svg", "flow_pipeline"))
    yield Command(("graph", "flow.ipynb", "-o", "graph.svg"))
    for engine in ("make", "snakemake", "airflow", "argo"):
        place = ("--package", "/srv/p", "--run-root", "/srv/r", "--image", "i")
        yield Command(
            (
                "export",
                engine,
                "flow_pipeline",
                *(place if engine in {"airflow", "argo"} else ()),
            )
        )
    yield Command(("runs",))
    yield Command(("runs", "--json"))
    yield Command(("compare", "latest", "latest", "--all"))
    yield Command(("compare", "latest", "latest", "--notebooks"))
    yield Command(("gc", "--dry-run"))
    yield Command(("trust", "--list"))
    yield Command(("completion", "bash"))
    yield Command(("open", "latest", "--print"))
    yield Command(("plan", "flow.ipynb", "-f", "params.yaml"))
    yield Command(("plan", "flow.ipynb", "--env-file", "values.env"))
    yield Command(("contract", "check", "flow.ipynb"))
    yield Command(("drift", "latest"))
    yield Command(("tests", "init", "flow.ipynb"))
    yield Command(("labels", "export", "flow.ipynb", "--key", "a"))
    yield Command(("labels", "export", "flow.ipynb", "--key", "a", "--run", "latest"))
    for answers in (
        "params.yaml",
        "answers.json",
        "answers.jsonl",
        "deep.json",
        "votes.csv",
    ):
        yield Command(("labels", "merge", answers, "--key", "a", "--votes", "b"))
    yield Command(
        ("labels", "merge", "answers.json", "--key", "a", "--by", "dawid-skene")
    )
    yield Command(("tests", "init", "flow.ipynb", "--run", "latest"))
    yield Command(("impact", "data.csv"))
    for action in ("init", "status", "history"):
        yield Command(("loop", action, "flow.ipynb"))
    yield Command(("loop", "export", "cron", "flow.ipynb"))
    yield Command(("drift", "latest", "latest", "--all", "--html", "drift.html"))
    yield Command(("models",))
    yield Command(("track",))
    yield Command(("register", "latest"))
    yield Command(("models", "flow", "--json"))
    yield Command(("lineage", "flow@champion"))
    yield Command(("promote", "flow@challenger"))
    yield Command(("rollback", "flow"))
    yield Command(("score", "flow@champion", "rows.csv"))
    yield Command(("serve", "flow@champion", "--port", "0"))
    yield Command(("package", "flow@champion", "--to", "docker", "-o", "packaged"))
    yield Command(("monitor", "flow", "--since", "999w", "--html", "monitor.html"))


def _run_ids(repository: Repository) -> list[str]:
    runs = repository.state / "runs"
    return sorted(path.name for path in runs.iterdir()) if runs.is_dir() else []


def _about_a_run(run_id: str) -> Iterator[Command]:
    yield Command(("show", run_id))
    yield Command(("logs", run_id))
    yield Command(("open", run_id, "--print"))
    yield Command(("drift", "latest", run_id, "--all"))
    for stage in ("make", "add", "look"):
        yield Command(("logs", run_id, stage))
        yield Command(("debug", run_id, stage, "-o", "tried.ipynb", "--force"))
        yield Command(("approve", run_id, stage))
    yield Command(("cancel", run_id))
    yield Command(("submit", "--attach", run_id))


def _that_run(repository: Repository) -> Iterator[Command]:
    yield Command(("compile", "flow.ipynb"), runs=True)
    for action in ("init", "diff", "export"):
        yield Command(("contract", action, "flow.ipynb"), runs=True)
    yield Command(("run", "flow.ipynb", "-f", "params.yaml"), runs=True)
    yield Command(
        ("sweep", "flow.ipynb", "--study", "total", "--resume", "--best", "best.yaml"),
        runs=True,
    )
    yield Command(("score", ".jupyter_pipe/scorers/flow", "rows.csv"), runs=True)
    yield Command(
        ("package", ".jupyter_pipe/scorers/flow", "--to", "docker", "-o", "packaged")
    )
    bundle = (
        "--take",
        "bundle",
        "--leave",
        "left",
        "--run-root",
        "other",
        "--run-id",
        "taken",
    )
    yield Command(("run-stage", "flow_pipeline", "add", *bundle), runs=True)
    pages = ("--html", "report.html", "--junit", "junit.xml")
    yield Command(("run", "flow.ipynb", "--from", "add", *pages), runs=True)
    yield Command(("labels", "merge", "merged.json", "--key", "a", "-o", "labels.csv"))
    yield Command(("run", "flow_pipeline"), runs=True)
    yield Command(
        ("run-stage", "flow_pipeline", "add", "--run-root", ".", "--run-id", "shared"),
        runs=True,
    )
    yield Command(("verify", "flow.ipynb"), runs=True)
    yield Command(("score", "flow.ipynb", "rows.csv"), runs=True)
    yield Command(("serve", "flow.ipynb", "--port", "0"), runs=True)
    yield Command(("monitor", ".jupyter_pipe/scorers/flow"))
    yield Command(("serve", ".jupyter_pipe/scorers/flow", "--port", "0"))
    yield Command(
        ("sweep", "flow.ipynb", "-p", "n=1,2", "--minimize", "loss", "--trials", "2"),
        runs=True,
    )
    yield Command(("loop", "once", "flow.ipynb"), runs=True)
    for notebook in ("flow", "fails"):
        if (run_id := repository.run_id(notebook)) is not None:
            yield Command(("resume", run_id), runs=True)
            yield Command(("debug", run_id, "look", "--console"), runs=True)
