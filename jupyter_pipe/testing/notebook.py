"""What a file of tests holds in its hands: a notebook whose stages can be called, and
what must come out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.testing.comparing import differences
from jupyter_pipe.testing.describing import describe, to_text
from jupyter_pipe.testing.functions import StageFunctions
from jupyter_pipe.testing.keeping import GOLDEN, INPUT_FILES, Golden, load_inputs, named
from jupyter_pipe.testing.places import changed_files, file_contents, inside, lay_out

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.scoring.scorer import Scorer

__all__ = ["ACCEPT", "NotebookUnderTest"]

ACCEPT = "JUPYTER_PIPE_TESTS_ACCEPT"
"""Set by `tests accept`: what comes out becomes what must come out."""
_MOST_LINES = 12


class NotebookUnderTest:
    """The notebook as it is now, with the golden files that a run of it left in
    `golden`.

    `folder` is an empty folder for everything that tests write. Raises NotebookError
    and CompileError.
    """

    def __init__(self, notebook: Path, golden: Path, folder: Path) -> None:
        self._notebook = notebook
        self._golden = golden
        self._folder = folder
        self._functions = StageFunctions(notebook, folder / "compiled")
        self._calls = count(1)
        self._run: Run | None = None
        self._scorer: Scorer | None = None
        self._facts = msgspec.json.decode((golden / GOLDEN).read_bytes(), type=Golden)

    def inputs(self, stage: str) -> dict[str, Any]:
        """What the run once handed to the stage, by name; a copy of its own for each
        caller."""
        path = self._golden / stage / "inputs.pickle"
        return (
            load_inputs(path.read_bytes(), self._functions.definition)
            if path.is_file()
            else {}
        )

    def call(self, stage: str, **inputs: Any) -> dict[str, Any]:
        """What the stage makes of these inputs: its values by name, and the files that
        it writes by path."""
        folder = self._folder / f"{stage}_{next(self._calls)}"
        # A folder for each call: what one call writes must not be there for the next
        # one.
        lay_out(folder, self._golden / INPUT_FILES, self._golden / stage / "files")
        before = file_contents(folder)
        with inside(folder):
            outputs = self._functions.call(stage, inputs, self._facts.parameters)
        written = changed_files(before, file_contents(folder))
        return {
            **outputs,
            **{name: _readable(content) for name, content in written.items()},
        }

    def run(self) -> Run:
        """The pipeline, run on the golden files in kernels of its own; once for all
        tests that ask."""
        if self._run is None:
            folder = self._folder / "run"
            lay_out(folder, self._golden / INPUT_FILES)
            for name in (self._notebook.name, *self._facts.modules):
                self._copy(name, folder)
            contracts = f"{notebook_name(self._notebook)}.contracts"
            lay_out(folder / contracts, self._beside(contracts))
            import jupyter_pipe  # takes its time to import

            self._run = jupyter_pipe.run(
                folder / self._notebook.name, parameters=self._facts.parameters
            )
        return self._run

    def rows(self) -> list[dict[str, Any]]:
        """Raw rows of the run, each a mapping of column to value."""
        return [dict(row) for row in self._facts.rows]

    def predict(self, rows: list[dict[str, Any]]) -> list[Any]:
        """One prediction a row, by the scorer that is compiled from the notebook and
        `run()`."""
        from jupyter_pipe.engine import open_target
        from jupyter_pipe.scoring.notebooks import scorer_of_run
        from jupyter_pipe.scoring.scorer import plain_predictions

        if self._scorer is None:
            run = self.run()
            self._scorer, _ = scorer_of_run(
                open_target(self._folder / "run" / self._notebook.name), run
            )
        return plain_predictions(self._scorer.score_records(rows))

    def check(
        self, stage: str, found: Any, *, case: str = "", besides: Collection[str] = ()
    ) -> None:
        """Raise AssertionError unless `found` is what must come out, but for a
        rounding.

        `case` tells apart what a stage gives for several inputs; `besides` are names
        that are not compared.
        """
        if isinstance(found, dict):
            found = {
                name: value for name, value in found.items() if name not in besides
            }
        # What JSON makes of it (keys are texts, tuples are lists) is what the file
        # holds.
        described = json.loads(json.dumps(describe(found)))
        path = self._golden / named(stage, case)
        if os.environ.get(ACCEPT):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(to_text(described) + "\n", encoding="utf-8")
            return
        if not path.is_file():
            raise AssertionError(
                f"{path.name} of {stage} is not there yet. {self._how_to_accept()}"
            )
        lines = list(
            differences(json.loads(path.read_text(encoding="utf-8")), described)
        )
        if lines:
            more = (
                [f"… and {len(lines) - _MOST_LINES} more"]
                if len(lines) > _MOST_LINES
                else []
            )
            shown = "\n  ".join([*lines[:_MOST_LINES], *more])
            raise AssertionError(
                f"{stage} gives something else:\n  {shown}\n{self._how_to_accept()}"
            )

    def _how_to_accept(self) -> str:
        return f"If that is meant: jupyter pipe tests accept {self._notebook.name}"

    def _beside(self, name: str) -> Path:
        return self._notebook.parent / name

    def _copy(self, name: str, folder: Path) -> None:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._beside(name), target)


def _readable(content: bytes) -> Any:
    """The lines of a text; of anything else, the bytes."""
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError:
        return content
