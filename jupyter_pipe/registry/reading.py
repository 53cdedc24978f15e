"""Reads a registry without MLflow, where it is a SQLite database: in milliseconds instead of seconds.

The tables are MLflow's: `model_versions`, their tags, `registered_model_aliases`. The columns that are read
have stayed the same since there are aliases. Raises RegistryError.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from jupyter_pipe.errors import RegistryError
from jupyter_pipe.registry.model import Record

__all__ = ["Reader", "SqliteReader"]


class Reader(Protocol):
    """What can be asked of a registry. A model that is not there has no versions."""

    def names(self) -> tuple[str, ...]: ...

    def versions(self, name: str) -> tuple[Record, ...]: ...

    def aliases(self, name: str) -> dict[str, int]: ...

    def model_tags(self, name: str) -> dict[str, str]: ...


class SqliteReader:
    """The registry in a file. One that is not there yet is empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def names(self) -> tuple[str, ...]:
        """The models, by name."""
        return tuple(row[0] for row in self._ask("SELECT name FROM registered_models ORDER BY name"))

    def versions(self, name: str) -> tuple[Record, ...]:
        """The versions of a model, newest first."""
        rows = self._ask(
            "SELECT version, creation_time, coalesce(nullif(storage_location, ''), source) "
            "FROM model_versions WHERE name = ? AND current_stage != 'Deleted_Internal' "
            "ORDER BY version DESC",
            name,
        )
        tags: dict[int, dict[str, str]] = {}
        for number, key, value in self._ask(
            "SELECT version, key, value FROM model_version_tags WHERE name = ?", name
        ):
            tags.setdefault(number, {})[key] = value
        return tuple(
            Record(number, made / 1000, storage or "", tags.get(number, {})) for number, made, storage in rows
        )

    def aliases(self, name: str) -> dict[str, int]:
        """Alias -> number of the version."""
        rows = self._ask("SELECT alias, version FROM registered_model_aliases WHERE name = ?", name)
        return dict(rows)

    def model_tags(self, name: str) -> dict[str, str]:
        """The tags of the model itself."""
        return dict(self._ask("SELECT key, value FROM registered_model_tags WHERE name = ?", name))

    def _ask(self, query: str, *values: str) -> list[Any]:
        # Opening a pipe in its place would wait for ever.
        if not self._file.is_file():
            return []
        try:
            with self._opened() as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RegistryError(
                f"The registry {self._file} cannot be read: {error}.",
                code="registry_away",
                hint="If it is damaged, put back a copy; versions can be registered anew from their runs.",
            ) from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # Read-only: a reader neither makes the file nor holds a writer up. SQLite waits for a writer's lock.
        connection = sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            yield connection
        finally:
            connection.close()
