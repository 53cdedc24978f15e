"""Golden files: their names, and inputs as pickles in which the notebook's own classes
are only named.

golden.json is the record `Golden`; input-files/ holds what the pipeline reads from
disk; of each stage, STAGE/inputs.pickle is what it received, STAGE/files/ what it reads
and another stage had written, and STAGE/expected.json what comes out,
expected_CASE.json for other inputs.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
from msgspec import Struct

__all__ = ["GOLDEN", "INPUT_FILES", "Golden", "dump_inputs", "load_inputs", "named"]

GOLDEN = "golden.json"
# No stage has a dash in its name.
INPUT_FILES = "input-files"


class Golden(Struct, frozen=True):
    """`golden.json`. `parameters` are those that the run had and the notebook has not,
    `modules` the user's own, relative to the notebook; `rows` are raw rows to score,
    one mapping of column to value each."""

    run_id: str
    parameters: dict[str, Any] = {}
    modules: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()


def named(stage: str, case: str) -> Path:
    """The file of what must come out, below the golden folder."""
    return Path(stage) / ("expected.json" if not case else f"expected_{case}.json")


def dump_inputs(inputs: Mapping[str, Any]) -> bytes:
    """Pickle the inputs of a stage. Raises whatever the classes of the values raise."""
    file = io.BytesIO()
    _Pickler(file).dump(dict(inputs))
    return file.getvalue()


def load_inputs(data: bytes, definition: Callable[[str], Any]) -> dict[str, Any]:
    """The inputs again; `definition` finds the notebook's classes and functions by
    name."""
    loaded: dict[str, Any] = _Unpickler(io.BytesIO(data), definition).load()
    return loaded


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def persistent_id(self, value: Any) -> str | None:
        """`Ticket` for a class or function that the notebook defines: what it means now
        is what counts."""
        # Of what has no name of its own, such as a lambda, cloudpickle keeps the code.
        kind = type(value).__name__
        of_notebook = kind in (
            "type",
            "ABCMeta",
            "EnumType",
            "EnumMeta",
            "function",
        ) and (
            value.__module__ == "__main__"
            or str(value.__module__).startswith("_notebook_")
        )
        return (
            value.__qualname__
            if of_notebook and "<" not in value.__qualname__
            else None
        )


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, definition: Callable[[str], Any]) -> None:
        super().__init__(file)
        self._definition = definition

    def persistent_load(self, name: Any) -> Any:
        """The notebook's definition of today."""
        return self._definition(name)
