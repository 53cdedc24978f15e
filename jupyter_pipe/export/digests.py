"""The digest of each stage's code: its notebook, the local modules that it imports, the
requirements, and the contracts that it must keep: an engine that reuses what it has
would not judge it again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jupyter_pipe.cache.files import module_digests
from jupyter_pipe.model import Pipeline
from jupyter_pipe.observe.digests import file_digest

__all__ = ["stage_digests"]


def stage_digests(package: Path, pipeline: Pipeline) -> dict[str, str]:
    """Stage -> 16 hexadecimal digits. What is missing counts as missing; raises
    nothing."""
    # Local modules lie beside the notebook: the package does not hold them.
    source = (package / pipeline.source.notebook).parent
    modules = {
        stage.name: module_digests(
            stage.imports, source / pipeline.folder_of(stage.name)
        )
        for stage in pipeline.stages
    }
    # Another version of a library may change what any stage computes.
    requirements = file_digest(package / "requirements.txt")
    digests = {}
    for stage in pipeline.stages:
        parts = [file_digest(package / stage.notebook), requirements]
        parts += [f"{name}:{digest}" for name, digest in modules[stage.name].items()]
        joined = pipeline.notebook_of(stage.name)
        prefix = f"{joined.name}." if joined else ""
        parts += [
            pipeline.contract_digests.get(f"{prefix}{name}", "")
            for name in stage.options.watched
        ]
        digests[stage.name] = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return digests
