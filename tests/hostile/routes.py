"""Everything that a victim's JupyterLab asks the server about a cloned repository."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_pipe.server.documentation import PAGE
from jupyter_pipe.server.runs.service import RUN_ID, STAGE
from tests.hostile.watching import SECONDS

if TYPE_CHECKING:
    from tests.server.real import Server

__all__ = ["Asked", "asked_of", "problems_of_answer"]

_RUN = f"runs/({RUN_ID})"
_ERROR_KEYS = {"code", "message", "hint", "cell_id", "diagnostics"}


@dataclass(frozen=True)
class Asked:
    """A request. `pattern` is the route that it takes; `starts` are the commands that
    do the same, if those run the notebook's own cells. `alone` is the command for which
    the server starts a process, as costly as all other requests together."""

    method: str
    path: str
    pattern: str
    body: dict[str, Any] | None = None
    starts: frozenset[str] = field(default_factory=frozenset)
    alone: str = ""

    @property
    def is_page(self) -> bool:
        """Whether it opens records of models, services, loops and labels as well as
        those of runs."""
        return self.pattern.startswith("operations/")


def asked_of(folder: str, run_ids: Sequence[str]) -> Iterator[Asked]:
    """The requests about a folder below the server's root."""
    for notebook in (f"{folder}/flow.ipynb", f"{folder}/fails.ipynb"):
        for route in ("check", "plan", "compile"):
            yield Asked("POST", route, route, {"notebook": notebook})
        yield Asked("POST", "suggest", "suggest", {"path": notebook})
        yield Asked("GET", f"runs?root={folder}&notebook={notebook}", "runs")
        for page in (
            "waiting",
            "models",
            "data",
            "studies",
            "service",
            "loop",
            "monitoring",
            "labels",
        ):
            yield Asked(
                "GET",
                f"operations/{page}?root={folder}&notebook={notebook}",
                f"operations/{page}",
            )
    yield Asked("POST", "graph", "graph", {"notebooks": f"{folder}/pipeline.toml"})
    yield Asked("GET", "docs/tags", f"docs/({PAGE})")
    for decision in ("promote", "rollback"):
        body = {"decision": decision, "name": "flow", "number": 1}
        yield Asked(
            "POST",
            f"operations/decision?root={folder}",
            "operations/decision",
            body,
            alone=decision,
        )
    label = {"queue": "queue", "task": "0", "label": "a"}
    yield Asked("POST", f"operations/label?root={folder}", "operations/label", label)
    for run_id in run_ids:
        yield from _about_a_run(folder, run_id)
    yield Asked("GET", f"engines?notebook={folder}/flow.ipynb", "engines")
    yield Asked(
        "POST",
        "engines",
        "engines",
        {"engine": "slurm", "notebook": f"{folder}/flow.ipynb"},
        alone="submit",
    )
    yield Asked(
        "POST", "runs", "runs", {"notebook": f"{folder}/flow.ipynb"}, frozenset({"run"})
    )


def _about_a_run(folder: str, run_id: str) -> Iterator[Asked]:
    place, root = f"runs/{run_id}", f"?root={folder}"
    yield Asked("GET", f"{place}{root}", _RUN)
    for part in ("events", "log", "report"):
        yield Asked("GET", f"{place}/{part}{root}", f"{_RUN}/{part}")
    for stage in ("make", "add", "look"):
        yield Asked("GET", f"{place}/log{root}&stage={stage}", f"{_RUN}/log")
        for part in ("notebook", "outputs", "values"):
            yield Asked(
                "GET",
                f"{place}/stages/{stage}/{part}{root}",
                f"{_RUN}/stages/({STAGE})/{part}",
            )
        preview = f"{_RUN}/stages/({STAGE})/preview"
        for name in ("numbers", "x"):
            yield Asked(
                "POST", f"{place}/stages/{stage}/preview{root}", preview, {"name": name}
            )
        yield Asked("POST", f"{place}/debug{root}", f"{_RUN}/debug", {"stage": stage})
    answer = {"run_id": run_id, "stage": "make", "approved": True}
    yield Asked("POST", f"operations/answer{root}", "operations/answer", answer)
    yield Asked(
        "PUT",
        f"{place}/note{root}",
        f"{_RUN}/note",
        {"name": "n", "note": "", "pinned": False},
    )
    yield Asked("POST", f"{place}/cancel{root}", f"{_RUN}/cancel", {})
    yield Asked(
        "POST", f"{place}/resume{root}", f"{_RUN}/resume", {}, frozenset({"resume"})
    )
    yield Asked("DELETE", f"{place}{root}", _RUN)


def problems_of_answer(asked: Asked, server: Server) -> Iterator[str]:
    """Ask, and say what was wrong with the answer."""
    answer = server.ask(asked.method, asked.path, json=asked.body)
    if answer.status_code >= 500:
        yield f"answered {answer.status_code}: {answer.text[:500]}"
    elif answer.status_code >= 400:
        body = answer.json()
        if (
            set(body) != _ERROR_KEYS
            or not body["message"]
            or len(body["message"]) > 600
        ):
            yield f"refused unclearly: {answer.text[:500]}"
    elif asked.starts:
        yield from _end_of(asked, answer.json()["run_id"], server)
    if b"root:x:0" in answer.content or b"the victim's own" in answer.content:
        yield "showed a file of the victim"


def _end_of(asked: Asked, run_id: str, server: Server) -> Iterator[str]:
    """Wait until a run that was started is over: what it does, it does until then."""
    root = (
        asked.path.partition("?root=")[2]
        or str((asked.body or {})["notebook"]).partition("/")[0]
    )
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        run = server.ask("GET", f"runs/{run_id}?root={root}").json()
        if run.get("state") not in {"queued", "running"}:
            return
        time.sleep(0.1)
    yield f"the run {run_id} that it started goes on and on"
