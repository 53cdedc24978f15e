"""Where MLflow keeps experiments and models: SQLite below `.jupyter_pipe/`, unless
somebody says otherwise.

Pure but for the environment's variables. MLflow itself is not imported.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

__all__ = ["Address", "find_address", "local_folder", "sqlite_file"]

STATE_FOLDER = ".jupyter_pipe"
_DATABASE = "mlflow.db"


class Address(Struct, frozen=True):
    """`tracking` and `registry` are URIs as MLflow takes them. `root` is the folder
    that holds `.jupyter_pipe/`: locks and what was fetched lie there. `artifacts` is
    where files of a store of our own go, empty for one that has its own place for
    them."""

    tracking: str
    registry: str
    root: Path
    artifacts: str = ""

    @property
    def state_folder(self) -> Path:
        """`.jupyter_pipe/` of the root."""
        return self.root / STATE_FOLDER

    @property
    def is_own(self) -> bool:
        """Whether nobody named it: it is the database of this folder, which others may
        have filled."""
        own = self.state_folder / _DATABASE
        return sqlite_file(self.tracking) == own == sqlite_file(self.registry)

    def holds(self, storage: str) -> bool:
        """Whether a storage location lies with the store's own files."""
        folder = local_folder(storage)
        return (
            folder is not None
            and ".." not in folder.parts
            and folder.is_relative_to(self.artifacts)
        )


def find_address(root: Path, given: str = "") -> Address:
    """The address that is meant: the given URI, else that of `MLFLOW_TRACKING_URI` and
    `MLFLOW_REGISTRY_URI`, else a database of our own."""
    root = root.absolute()
    tracking = given or os.environ.get("MLFLOW_TRACKING_URI", "")
    if tracking:
        registry = (
            tracking if given else os.environ.get("MLFLOW_REGISTRY_URI", "") or tracking
        )
        return Address(tracking, registry, root, _artifacts_beside(tracking))
    own = f"sqlite:///{root / STATE_FOLDER / _DATABASE}"
    registry = os.environ.get("MLFLOW_REGISTRY_URI", "") or own
    return Address(own, registry, root, _artifacts_beside(own))


def sqlite_file(uri: str) -> Path | None:
    """The file of a database `sqlite:///…`, None for other URIs."""
    parts = urlsplit(uri)
    # `sqlite+pysqlite:///a.db` names the driver as well.
    if parts.scheme.partition("+")[0] != "sqlite" or not parts.path:
        return None
    # Of `sqlite:////data/a.db` the path is `//data/a.db`: the first slash ends the
    # host.
    return Path(unquote(parts.path[1:])).absolute()


def local_folder(storage: str) -> Path | None:
    """The folder that a storage location names, if it is one of this machine."""
    parts = urlsplit(storage)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(unquote(parts.path))
    # Older runs of MLflow have a path instead of a URI.
    return Path(storage) if parts.scheme == "" and storage.startswith("/") else None


def _artifacts_beside(uri: str) -> str:
    """MLflow would put files of a SQLite store into the folder where a command happens
    to run."""
    file = sqlite_file(uri)
    return str(file.with_name("mlflow")) if file is not None else ""
