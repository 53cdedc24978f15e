"""Hides secrets in what a stage reports. Standard library only, like the whole kernel
side. Pure."""

from __future__ import annotations

from typing import Any

from .masker import Masker

__all__ = ["masked_result"]

# Texts of a `StageResult`, by field, wherever they stand in it.
_SHOWN = ("metrics", "metric_errors", "warnings", "error")
_SHOWN_PARTS = {
    "outputs": ("summary", "types"),
    "gates": ("values", "error"),
    "untransportable": ("path", "type_name", "reason"),
}
# Paths, profiles and what schemas said are read again, as what they are: their numbers
# stay.
_READ_AGAIN = ("observed", "profiles", "schemas")


def masked_result(result: dict[str, Any], masker: Masker) -> dict[str, Any]:
    """A `StageResult` in which names are kept and every other text is masked."""
    if not masker:
        return result
    shown = {
        field: _masked_values(result[field], masker)
        for field in _SHOWN
        if field in result
    }
    for field, parts in _SHOWN_PARTS.items():
        shown[field] = [
            {
                key: _masked_values(item, masker) if key in parts else item
                for key, item in each.items()
            }
            for each in result.get(field, ())
        ]
    # A path that is masked names no file: the stage runs again rather than being
    # reused.
    for field in _READ_AGAIN:
        if field in result:
            shown[field] = masker.value(result[field], numbers=False)
    return {**result, **shown}


def _masked_values(field: Any, masker: Masker) -> Any:
    if isinstance(field, dict):
        return {name: masker.value(value) for name, value in field.items()}
    return masker.value(field)
