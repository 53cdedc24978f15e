"""Warm kernels for many runs, such as the trials of a study: one parent imports, and
forks for all of them.

The parent carries a mark of its own, since the mark of a run ends with that run, and
whatever carries it. What a kernel starts as a program still has the mark of its run.
Nothing else is shared: a fork has the environment, the folder and the entropy that its
own run asks for, and a run whose environment a fork cannot have gets fresh kernels, as
ever.
"""

from __future__ import annotations

from types import TracebackType

from jupyter_pipe.engine.kernels.forked import ForkedKernels
from jupyter_pipe.engine.kernels.run_mark import RunMark

__all__ = ["SharedKernels"]


class SharedKernels:
    """A context: `source` forks until it ends, and then nothing that was forked is
    left."""

    def __init__(self) -> None:
        self._mark = RunMark()
        self.source = ForkedKernels(variables=self._mark.variables)

    def __enter__(self) -> SharedKernels:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.source.close()
        self._mark.end()
