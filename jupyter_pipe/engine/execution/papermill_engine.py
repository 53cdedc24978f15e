"""The papermill engine `jupyter_pipe`: executes one notebook in one kernel and tells
the truth.

`papermill --engine jupyter_pipe` finds it by entry point; the runner calls `execute`.
This module is light, since papermill loads it while it is itself being imported; the
work is in `client`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.engine.attempts.stopping import StopSignal

if TYPE_CHECKING:
    from jupyter_pipe.engine.kernels.lifecycle import KernelSource
    from jupyter_pipe.events import Event

__all__ = ["Execution", "StageEngine", "StageInterrupted", "execute"]

ENGINE_NAME = "jupyter_pipe"


class StageInterrupted(Exception):  # noqa: N818 - no error: somebody asked for it
    """The attempt ended because it was told to."""


@dataclass(frozen=True)
class Execution:
    """How to run one notebook.

    `folder` is where the kernel works, `scratch` where the engine keeps what it needs
    beside the executed notebook. `context` is what the kernel side begins with
    (`StageContext`; there is none without it), `numbers` maps a cell's id to the
    execution count that it gets. `timeout_seconds` is for all cells together,
    `cell_timeout_seconds` for each. `secrets` maps names to values that nothing may
    show. `report` is told of cells, from this thread. `kernels` gives the kernel
    (default: fresh ones); `imports` is what its cells will import.
    """

    stage: str
    folder: Path
    scratch: Path
    executed: Path | None = None
    context: Path | None = None
    numbers: Mapping[str, int | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    report: Callable[[Event], None] = lambda event: None
    stop: StopSignal = field(default_factory=StopSignal)
    kernels: KernelSource | None = None
    imports: tuple[str, ...] = ()


def execute(
    notebook: Mapping[str, Any], kernel_name: str, execution: Execution
) -> None:
    """Run the notebook (nbformat's JSON) through papermill.

    Raises StageFailure if it breaks, StageInterrupted if it was stopped.
    """
    from nbformat import from_dict
    from papermill.engines import papermill_engines

    papermill_engines.register(ENGINE_NAME, StageEngine)
    papermill_engines.execute_notebook_with_engine(
        ENGINE_NAME,
        from_dict(notebook),
        kernel_name=kernel_name,
        output_path=str(execution.executed) if execution.executed else None,
        execution=execution,
    )


class StageEngine:
    """What papermill calls. It asks for three class methods and does not ask for its
    base class, which could not be imported here (see above)."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        execution: Execution | None = None,
        **_: Any,
    ) -> Any:
        """Execute `nb`, keep it in `output_path` while it runs, and return it."""
        from jupyter_pipe.engine.execution.notebook_client import run_notebook

        return run_notebook(nb, kernel_name, output_path, execution)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernel that the notebook names, unless the caller does."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """The language that the notebook names, unless the caller does."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
