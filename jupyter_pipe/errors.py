"""The errors that users meet. Each says what is wrong, where, and what to do next.

Everything that a user can cause derives from `PipeError`; the command line prints it without a
traceback and exits with its `exit_code`. Any other exception that escapes is a defect of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_pipe.model import Diagnostic

__all__ = [
    "ArtifactError",
    "CompileError",
    "ExtraMissingError",
    "KernelError",
    "NotebookError",
    "PackageError",
    "ParameterError",
    "PipeError",
    "RunError",
    "UntrustedError",
]


class PipeError(Exception):
    """A mistake that the user can fix.

    `code` is a stable short name for programs (`notebook_unreadable`), `hint` the next step in
    one sentence, `cell_id` the cell it is about, if there is one.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self, message: str, *, code: str = "error", hint: str = "", cell_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.cell_id = cell_id

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[PipeError], args: tuple[str, ...], state: dict[str, object]) -> PipeError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class NotebookError(PipeError):
    """The file is not a notebook that can be read: missing, truncated, another language."""


class CompileError(PipeError):
    """The notebook cannot become a pipeline; `diagnostics` holds everything found, at once."""

    def __init__(self, message: str, *, diagnostics: Sequence[Diagnostic] = (), hint: str = "") -> None:
        super().__init__(message, code="compile_failed", hint=hint)
        self.diagnostics = tuple(diagnostics)


class PackageError(PipeError):
    """The output folder cannot be written, or holds files that are not ours to replace."""


class ParameterError(PipeError):
    """A parameter is unknown or its value does not fit its type."""


class KernelError(PipeError):
    """The kernelspec is missing or its interpreter cannot run a stage."""


class ArtifactError(PipeError):
    """A stored value is missing, truncated or altered."""


class UntrustedError(ArtifactError):
    """A store or run folder that somebody else owns or can write; loading it would run their code."""


class RunError(PipeError):
    """A run that is unknown, ambiguous, still going, or whose folder cannot be read or written."""


class ExtraMissingError(PipeError):
    """A feature needs an optional dependency; the message names the `pip install` to type."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional dependency that is not installed.",
            code="extra_missing",
            hint=f'Install it with: pip install "jupyter_pipe[{extra}]"',
        )
