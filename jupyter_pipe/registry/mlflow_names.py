"""Where things lie in the folder of a model that MLflow keeps, and what a model may be
called. Pure."""

from __future__ import annotations

from jupyter_pipe.errors import RegistryError

__all__ = ["BUNDLE", "EVALUATION", "LINEAGE", "SEEN", "require_model_name"]

BUNDLE = "artifacts/bundle"
"""The bundle, within the folder of a version's files."""
LINEAGE = "lineage.json"
"""Beside the bundle: what the version came from, signed."""
EVALUATION = "evaluation.jsonl"
"""Beside the bundle: labelled rows that the notebook set aside."""
SEEN = "rows.seen"
"""Beside the bundle: digests of the rows that the model may have learned from."""


def require_model_name(name: str) -> None:
    """Raises RegistryError for a name that a registry, a reference or a folder could
    misread."""
    misread = (
        name[:1] in {"", "-", "."}
        or name != name.strip()
        # `@` parts name and version in references, `/` folders; quotes would end a
        # filter of MLflow's.
        or set(name) & set("@/:\\'\"`\0")
    )
    if misread or len(name) > 200:
        raise RegistryError(
            f"{name!r:.80} cannot be the name of a model.",
            code="model_name_invalid",
            hint="Letters, digits, '_', '-' and '.' make a good name: --as home_value",
        )
