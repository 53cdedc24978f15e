"""A file for each shape of a pipeline, in a folder that the engine reads: of DAGs, or
of definitions.

Its name ends with a digest, and each run brings its own package (`run-stage -`). So
runs of a notebook that was edited in between share a file and start at once, a run that
goes on keeps what it began with, and another graph is another file. Files that nothing
runs any more are removed when the pipeline is submitted again. Raises SubmitError.
"""

from __future__ import annotations

import ast
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.export import Plan, export_text, find_exporter, read_options
from jupyter_pipe.submit import Order, SubmitError

__all__ = [
    "clear",
    "named_by_shape",
    "once",
    "place",
    "typed_values",
]

_SECONDS_TO_KEEP = 3600.0


def once(order: Order) -> Plan:
    """The plan of a submission: the schedule is for the exported file, and what was
    compiled for this run is the run's own package. A package of the user's stays where
    it is."""
    plan = replace(order.plan, schedule=None)
    if Path(plan.options.package).is_relative_to(order.folder):
        plan = replace(plan, options=replace(plan.options, package="-"))
    return plan


def named_by_shape(order: Order, engine: str, stem: str) -> Plan:
    """The plan, whose name is `stem` and a digest of all that the engine is told but
    the stages' code."""
    plan = once(order)
    shape = replace(plan, tasks=tuple(replace(task, digest="") for task in plan.tasks))
    text = export_text(find_exporter(engine), shape)
    return replace(
        plan, name=f"{stem}-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:8]}"
    )


def place(path: Path, text: str, *, hint: str) -> Path:
    """Write the file; the engine may read it at any moment."""
    try:
        replace_file(path, text.encode("utf-8"))
    except OSError as error:
        raise SubmitError(
            f"{path} cannot be written: {error.strerror or error}.",
            code="engine_settings",
            hint=hint,
        ) from None
    return path


def clear(
    folder: Path, pattern: str, plan: Plan, is_used: Callable[[str], bool]
) -> None:
    """Remove files of other shapes of the pipeline, in the same root, that nothing runs
    any more. `is_used` is asked with the name of the file, without its ending."""
    for path in folder.glob(pattern):
        if (
            path.stem != plan.name
            and _is_old(path)
            and _is_alike(path, plan)
            and not is_used(path.stem)
        ):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    """Whether whoever placed the file has had time to begin its run."""
    return time.time() - path.stat().st_mtime > _SECONDS_TO_KEEP


def _is_alike(path: Path, plan: Plan) -> bool:
    """Whether the file is of a pipeline that was submitted in the same root: others may
    have its name."""
    found = read_options(path.read_text(encoding="utf-8", errors="replace"))
    return found is not None and found[1].run_root == plan.options.run_root


def typed_values(title: str, plan: Plan, values: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that differ from the notebook's, in the types that the engine has
    them in, as JSON. `values` are as the environment has them; `title` is the engine's
    name for people."""
    return {
        each.name: _typed(title, each.name, each.type_, values[each.variable])
        for each in plan.parameters
        if each.variable in values
    }


def _typed(title: str, name: str, type_: str, text: str) -> Any:
    if type_ == "str":
        return text
    try:
        found = ast.literal_eval(text)
    except ValueError:  # float("inf"), which has no literal
        raise SubmitError(
            f"{title}'s parameters are JSON, which has no {text}: {name} cannot be passed.",
            code="engine_refused",
        ) from None
    return float(found) if type_ == "float" else found
