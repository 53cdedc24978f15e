"""What the commands about models share: where the registry is, and `NAME@VERSION`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import add_root, find_store
from jupyter_pipe.errors import RegistryError

if TYPE_CHECKING:
    from jupyter_pipe.registry import ModelVersion, Reference, Registry

__all__ = [
    "REGISTRY_NOTE",
    "add_reference",
    "add_registry",
    "find_registry",
    "json_of",
    "reference_of",
    "versions_by_run",
    "when",
]

REGISTRY_NOTE = """\
Models are MLflow's registered models, by default in .jupyter_pipe/mlflow.db; MLFLOW_TRACKING_URI and
MLFLOW_REGISTRY_URI name another place. A version is named NAME@4 or by an alias: champion (the one that
answers), challenger (the newest that is not decided upon), previous (where rollback goes)."""


def add_registry(parser: argparse.ArgumentParser) -> None:
    """`--root`, and what the registry is."""
    add_root(parser)
    parser.description = f"{parser.description}\n\n{REGISTRY_NOTE}"


def add_reference(parser: argparse.ArgumentParser, help_: str) -> None:
    """`NAME@VERSION`."""
    parser.add_argument("reference", metavar="NAME@VERSION", help=help_)


def find_registry(root: str | Path | None) -> Registry:
    """The registry of a root, or of the nearest folder upwards that has runs."""
    from jupyter_pipe.registry import open_registry

    return open_registry(root=find_store(str(root) if root is not None else None).root)


def versions_by_run(root: Path) -> dict[str, list[str]]:
    """Run -> the versions that were registered from it, with their aliases."""
    registry = find_registry(root)
    found: dict[str, list[str]] = {}
    for name in registry.names():
        for version in registry.versions(name):
            aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
            found.setdefault(version.run_id, []).append(f"{version.label}{aliases}")
    return found


def reference_of(text: str, *, default: str = "") -> Reference:
    """The model and version that an argument names. Raises RegistryError if it names no
    version and there is no default."""
    from msgspec.structs import replace

    from jupyter_pipe.registry import parse_reference

    found = parse_reference(text)
    if not found.name or not (found.which or default):
        raise RegistryError(
            f"'{text}' does not say which version is meant.",
            code="bad_request",
            hint=f"For example: {found.name or 'home_value'}@4, or {found.name or 'home_value'}@challenger",
        )
    return found if found.which else replace(found, which=default)


def json_of(value: object) -> bytes:
    """Records of a registry as JSON; folders as texts."""
    import msgspec

    from jupyter_pipe.model import to_json

    # JSON has no type for a path.
    return to_json(msgspec.to_builtins(value, enc_hook=str))


def when(version: ModelVersion) -> str:
    """When a version was registered, in local time."""
    import datetime

    return datetime.datetime.fromtimestamp(version.registered).strftime(
        "%d %b %Y %H:%M"
    )
