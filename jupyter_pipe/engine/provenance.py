"""Where a run comes from and the page that tells of it: provenance before it, the
report after it."""

from __future__ import annotations

import contextlib
from typing import Any

from jupyter_pipe.cache.versions import find_versions
from jupyter_pipe.compiler.codegen.requirements import find_interpreter
from jupyter_pipe.engine.request import PreparedRun
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.provenance import collect_provenance
from jupyter_pipe.runs.store import RunFolder

__all__ = ["provenance_of", "report_on"]


def provenance_of(prepared: PreparedRun) -> dict[str, Any]:
    """What `RunFacts.provenance` holds, with the versions that the stages' imports
    have."""
    pipeline = prepared.pipeline
    distributions: dict[str, str] = {}
    for kernel in {pipeline.kernel_of(stage.name) for stage in pipeline.stages}:
        used = (
            stage
            for stage in pipeline.stages
            if pipeline.kernel_of(stage.name) == kernel
        )
        modules = {module for stage in used for module in stage.imports}
        installed = find_versions(
            find_interpreter(kernel), modules, prepared.store.state_folder / "cache"
        )
        distributions |= {
            name: version
            for each in installed.values()
            for name, version in each.items()
        }
    return collect_provenance(
        prepared.facts.notebook,
        notebook_digest=pipeline.source.digest,
        distributions=distributions,
    )


def report_on(folder: RunFolder) -> None:
    """Write the report. A run that cannot be reported on has still run."""
    from jupyter_pipe.runs.report.report import write_report

    with contextlib.suppress(OSError, RunError):
        write_report(folder.path)
