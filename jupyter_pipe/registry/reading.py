"""Reads a registry without MLflow, where it is a SQLite database: in milliseconds
instead of seconds.

The tables are MLflow's: `model_versions`, their tags, `registered_model_aliases`. The
columns that are read have stayed the same since there are aliases. Raises
RegistryError.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Protocol

import msgspec

from jupyter_pipe.errors import RegistryError
from jupyter_pipe.registry.model import Record
from jupyter_pipe.trust.databases import open_database

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
        rows = self._ask(
            "SELECT name FROM registered_models ORDER BY name", list[tuple[str]]
        )
        return tuple(name for (name,) in rows)

    def versions(self, name: str) -> tuple[Record, ...]:
        """The versions of a model, newest first."""
        rows = self._ask(
            # `source` is where older versions of MLflow keep what `storage_location`
            # says today.
            "SELECT version, creation_time, coalesce(nullif(storage_location, ''), source) "
            "FROM model_versions WHERE name = ? AND current_stage != 'Deleted_Internal' "
            "ORDER BY version DESC",
            list[tuple[int, float, str | None]],
            name,
        )
        tags: dict[int, dict[str, str]] = {}
        for number, key, value in self._ask(
            "SELECT version, key, value FROM model_version_tags WHERE name = ?",
            list[tuple[int, str, str | None]],
            name,
        ):
            tags.setdefault(number, {})[key] = value or ""
        return tuple(
            # MLflow counts milliseconds.
            Record(number, made / 1000, storage or "", tags.get(number, {}))
            for number, made, storage in rows
        )

    def aliases(self, name: str) -> dict[str, int]:
        """Alias -> number of the version."""
        query = "SELECT alias, version FROM registered_model_aliases WHERE name = ?"
        return dict(self._ask(query, list[tuple[str, int]], name))

    def model_tags(self, name: str) -> dict[str, str]:
        """The tags of the model itself."""
        query = "SELECT key, value FROM registered_model_tags WHERE name = ?"
        return {
            key: value or ""
            for key, value in self._ask(query, list[tuple[str, str | None]], name)
        }

    def _ask(self, query: str, kind: Any, *values: str) -> Any:
        """The rows, each of this kind: SQLite keeps any type in any column."""
        if not self._file.exists():
            return []
        try:
            with contextlib.closing(open_database(self._file)) as connection:
                return msgspec.convert(
                    connection.execute(query, values).fetchall(), kind
                )
        except (sqlite3.Error, msgspec.ValidationError) as error:
            # Waiting helps where another process writes, and where a disk is away.
            is_away = isinstance(error, sqlite3.OperationalError)
            raise RegistryError(
                f"The registry {self._file} cannot be read: {error}.",
                code="registry_away" if is_away else "registry_unusable",
                hint="If it is damaged, put back a copy; versions can be registered anew from their runs.",
            ) from error
