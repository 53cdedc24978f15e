"""The errors that users meet. Each says what is wrong, where, and what to do next.

Everything that a user can cause derives from `PipeError`; the command line prints it
without a traceback and exits with its `exit_code`. Any other exception that escapes is
a defect of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_pipe.model import Diagnostic

__all__ = [
    "ArtifactError",
    "CompileError",
    "ContractError",
    "ErrorCode",
    "ExtraMissingError",
    "KernelError",
    "LoopError",
    "NotebookError",
    "PackageError",
    "ParameterError",
    "PipeError",
    "RegistryError",
    "RunError",
    "SweepError",
    "TrackingError",
    "UntrustedError",
]


# A literal, so that mypy finds a code that is misspelt, and the server can list them
# all.
ErrorCode = Literal[
    "address_unusable",
    "analysis_died",
    "analysis_memory",
    "analysis_slow",
    "analysis_unavailable",
    "artifact_unusable",
    "bad_request",
    "bundle_refused",
    "bundle_unusable",
    "compile_failed",
    "contract_exists",
    "contract_invalid",
    "contract_missing",
    "contract_unjudged",
    "dask_unreachable",
    "dask_worker_unprepared",
    "debug_exists",
    "debug_impossible",
    "debug_unwritable",
    "engine_refused",
    "engine_settings",
    "engine_silent",
    "engine_unknown",
    "env_file_syntax",
    "env_file_unreadable",
    "error",
    "executed_altered",
    "executed_missing",
    "export_exists",
    "export_image",
    "export_path",
    "export_root",
    "export_stale",
    "export_unknown",
    "export_value",
    "extra_missing",
    "features_exist",
    "features_none",
    "file_trouble",
    "folder_missing",
    "kernel_broken",
    "kernel_missing",
    "kernel_name_invalid",
    "kernel_not_python",
    "key_invalid",
    "keys_unwritable",
    "knowledge_invalid",
    "labels_unusable",
    "limit_syntax",
    "loop_active",
    "loop_exists",
    "loop_invalid",
    "loop_missing",
    "loop_notify",
    "loop_promotion",
    "loop_unreadable",
    "log_missing",
    "model_name_invalid",
    "model_unknown",
    "not_a_notebook",
    "not_a_package",
    "not_ready",
    "notebook_duplicate_ids",
    "notebook_empty",
    "notebook_fails",
    "notebook_is_folder",
    "notebook_malformed",
    "notebook_missing",
    "notebook_name_invalid",
    "notebook_too_new",
    "notebook_too_old",
    "notebook_unreadable",
    "notebook_unwritable",
    "notebook_without_code",
    "nothing_to_undo",
    "nothing_waits",
    "one_run",
    "operations_memory",
    "operations_slow",
    "operations_unavailable",
    "package_edited",
    "package_foreign",
    "package_is_file",
    "package_malformed",
    "package_missing",
    "package_not_written",
    "package_stale",
    "package_unreadable",
    "package_version",
    "parameter_invalid",
    "parameter_secret",
    "parameter_syntax",
    "parameter_unknown",
    "path_outside",
    "pipeline_file_invalid",
    "pipeline_name_invalid",
    "request_invalid",
    "result_untrusted",
    "result_unwritable",
    "profile_missing",
    "registry_away",
    "registry_busy",
    "registry_unusable",
    "root_linked",
    "root_missing",
    "root_unreachable",
    "root_unusable",
    "root_unwritable",
    "route_unknown",
    "rows_invalid",
    "run_active",
    "run_ambiguous",
    "run_damaged",
    "run_exists",
    "run_going_on",
    "run_id_missing",
    "run_lost",
    "run_outdated",
    "run_secret",
    "run_unknown",
    "run_untrusted",
    "runner_failed",
    "runner_slow",
    "score_refused",
    "scorer_missing",
    "scorer_unproved",
    "scorer_untrusted",
    "secret_missing",
    "several_notebooks",
    "source_away",
    "stage_not_run",
    "stage_unknown",
    "store_untrusted",
    "sweep_exists",
    "sweep_metric",
    "sweep_name",
    "sweep_space",
    "sweep_unreadable",
    "tests_exist",
    "tests_impossible",
    "tests_missing",
    "track_address",
    "value_missing",
    "value_slow",
    "value_too_large",
    "value_unloadable",
    "version_unusable",
    "workdir_missing",
]
"""What went wrong, for programs: the stable short names of all errors."""

# How HTTP answers, where the kind of error does not say it.
_STATUS_OF_CODE: dict[ErrorCode, int] = {
    "analysis_died": 422,
    "analysis_memory": 422,
    "analysis_slow": 422,
    "analysis_unavailable": 503,
    "bad_request": 400,
    "path_outside": 400,
    "executed_missing": 404,
    "folder_missing": 404,
    "notebook_missing": 404,
    "route_unknown": 404,
    "run_unknown": 404,
    "model_unknown": 404,
    "registry_away": 503,
    "operations_slow": 503,
    "operations_unavailable": 503,
    "registry_busy": 409,
    "stage_unknown": 404,
    "value_missing": 404,
    "value_slow": 422,
    "value_too_large": 422,
    "value_unloadable": 422,
    "run_active": 409,
    "run_exists": 409,
}


class PipeError(Exception):
    """A mistake that the user can fix.

    `code` is for programs (`notebook_unreadable`), `hint` the next step in one
    sentence, `cell_id` the cell it is about, if there is one. `status` is that of an
    HTTP answer, but for some codes.
    """

    exit_code: ClassVar[int] = 2
    status: ClassVar[int] = 400

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode = "error",
        hint: str = "",
        cell_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code: ErrorCode = code
        self.hint = hint
        self.cell_id = cell_id

    @property
    def http_status(self) -> int:
        """The status of an HTTP answer that reports this error: 4xx, for a user can fix
        it, but for what only time can: 503."""
        return _STATUS_OF_CODE.get(self.code, self.status)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors travel between processes. Pickle would call the class with `args`, which
        # is the message alone; `ExtraMissingError` takes a feature and an extra.
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    cls: type[PipeError], args: tuple[str, ...], state: dict[str, object]
) -> PipeError:
    # Without `__init__`, whose arguments differ from class to class.
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class NotebookError(PipeError):
    """The file is not a notebook that can be read: missing, truncated, another
    language."""


class CompileError(PipeError):
    """The notebook cannot become a pipeline; `diagnostics` holds everything found, at
    once."""

    status = 422

    def __init__(
        self, message: str, *, diagnostics: Sequence[Diagnostic] = (), hint: str = ""
    ) -> None:
        super().__init__(message, code="compile_failed", hint=hint)
        self.diagnostics = tuple(diagnostics)


class PackageError(PipeError):
    """The output folder cannot be written, or holds files that are not ours to
    replace."""


class ParameterError(PipeError):
    """A parameter is unknown or its value does not fit its type."""


class ContractError(PipeError):
    """A contract file that cannot be read or must not be replaced; the message names
    file and line."""


class KernelError(PipeError):
    """The kernelspec is missing or its interpreter cannot run a stage."""


class ArtifactError(PipeError):
    """A stored value is missing, truncated or altered."""


class UntrustedError(ArtifactError):
    """A store or run folder that somebody else owns or can write; loading it would run
    their code."""

    status = 403


class RunError(PipeError):
    """A run that is unknown, ambiguous, still going, or whose folder cannot be read or
    written."""

    status = 422


class LoopError(PipeError):
    """A loop file that cannot be read, or a loop that cannot begin or go on."""


class RegistryError(PipeError):
    """A model or version that is unknown, or a registry that cannot be reached or
    written."""

    status = 422


class TrackingError(PipeError):
    """An address that means no tracker."""


class SweepError(PipeError):
    """A study that cannot be begun or continued, or a space of parameters that is
    none."""


class ExtraMissingError(PipeError):
    """A feature needs an optional dependency; the message names the `pip install` to
    type."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional dependency that is not installed.",
            code="extra_missing",
            hint=f'Install it with: pip install "jupyter_pipe[{extra}]"',
        )
