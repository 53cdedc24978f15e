"""Runs one random notebook both ways and says how they compare."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyter_pipe.errors import CompileError
from jupyter_pipe.events import InputChanged
from jupyter_pipe.model import Severity
from tests.cases.pipelines import Forks, Outcome, run_as_notebook, run_as_pipeline
from tests.cases.table import Case

__all__ = ["Verdict", "judge"]

# Failures at run time that name the variable and the way out: refused, though late.
CLEAR = ("CannotTravel", "DefinitionError", "InputChanged")


@dataclass(frozen=True)
class Verdict:
    """`kind` is `equal`, `refused`, `different`, `learned` if the pipeline prints the
    same but only because the guard saw a change that the analyzer had missed, or
    `invalid` if the notebook fails."""

    kind: str
    detail: str = ""


def judge(
    forks: Forks, case: Case, run: Callable[[Path], Outcome] | None = None
) -> Verdict:
    """`run` runs the pipeline of the notebook at a path; without it the stages run in
    `forks`."""
    with tempfile.TemporaryDirectory() as top:
        whole, parts = Path(top) / "whole", Path(top) / "parts"
        whole.mkdir()
        parts.mkdir()
        notebook = run_as_notebook(forks, case.write(whole))
        if notebook.error:
            return Verdict("invalid", notebook.error)
        try:
            path = case.write(parts)
            pipeline = (
                run(path) if run else run_as_pipeline(forks, path, backwards=True)
            )
        except CompileError as error:
            errors = [
                one for one in error.diagnostics if one.severity is Severity.error
            ]
            return Verdict(
                "refused", "; ".join(f"{one.code} {one.message}" for one in errors)
            )
    if any(name in pipeline.error for name in CLEAR):
        return Verdict("refused", pipeline.error)
    if pipeline.error:
        return Verdict("different", pipeline.error)
    for name, text in pipeline.outputs.items():
        if text != notebook.outputs[name]:
            return Verdict(
                "different", f"{name}: {notebook.outputs[name]!r} became {text!r}"
            )
    changes = [event for event in pipeline.events if isinstance(event, InputChanged)]
    if changes:
        return Verdict(
            "learned",
            "; ".join(f"{one.stage} changed {', '.join(one.names)}" for one in changes),
        )
    return Verdict("equal")
