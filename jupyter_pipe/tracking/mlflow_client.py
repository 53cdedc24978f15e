"""Opens MLflow: its client for an address, quiet, and with a database that appears
whole.

Importing MLflow takes two CPU-seconds, so this is only imported where something is
written, or where a store cannot be read otherwise. Raises ExtraMissingError and
RegistryError.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from jupyter_pipe.errors import ExtraMissingError, RegistryError
from jupyter_pipe.runs.locks import Holder, free_lock, take_lock
from jupyter_pipe.runs.processes import is_alive
from jupyter_pipe.tracking.address import Address, local_folder, sqlite_file
from jupyter_pipe.trust.databases import require_plain
from jupyter_pipe.trust.folders import find_link

__all__ = [
    "experiment_id",
    "import_mlflow",
    "keep_here",
    "locked",
    "meant",
    "open_client",
    "reported",
]

_PATIENCE_SECONDS = 60.0
_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
# What SQLite says where waiting helps.
_BUSY = re.compile("locked|disk I/O|unable to open")
# alembic logs each of the migrations by which a new database is made.
_LOUD = ("alembic", "mlflow", "mlflow.store.db.utils", "urllib3.connectionpool")


def import_mlflow(feature: str) -> Any:
    """The package. `feature` is what needs it, for the message if it is missing."""
    # It would report each use to its makers, and says on standard error what it does.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # By default it asks a server that is away for minutes before it says so. Whoever
    # can wait asks again.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    try:
        import mlflow
    except ImportError as error:
        raise ExtraMissingError(feature, "ml") from error
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def open_client(address: Address, *, feature: str = "Keeping models") -> Any:
    """An `MlflowClient`. A database that is not there yet is made."""
    mlflow = import_mlflow(feature)
    if address.is_own:
        _require_plain(address)
    for uri in {address.tracking, address.registry}:
        file = sqlite_file(uri)
        if file is not None and not file.exists():
            with locked(address.state_folder, "mlflow"):
                _make_database(file)
    with reported(address):
        return mlflow.MlflowClient(
            tracking_uri=address.tracking, registry_uri=address.registry
        )


def _require_plain(address: Address) -> None:
    """MLflow opens it for writing, whoever has made it."""
    file = sqlite_file(address.registry)
    try:
        if file is not None:
            require_plain(file)
    except sqlite3.Error as error:
        raise RegistryError(
            f"The registry {file} cannot be used: {error}.",
            code="registry_unusable",
            hint="Put back a copy, or move it away: versions can be registered anew from their runs.",
        ) from None


def _make_database(file: Path) -> None:
    """Its many migrations happen aside: two processes that begin at once would meet in
    the middle of them."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    # A process with this number may have been killed here.
    aside.unlink(missing_ok=True)
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with _unsynced():
        store = SqlAlchemyStore(f"sqlite:///{aside}", str(file.with_name("mlflow")))
        store.engine.dispose()
    with aside.open("rb") as made:
        os.fsync(made.fileno())
    os.replace(aside, file)


@contextlib.contextmanager
def _unsynced() -> Iterator[None]:
    """Within, databases of SQLite do not wait for the disk. Some hundred migrations
    would each wait, and what a power cut leaves of a file that is being made is thrown
    away."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connected(connection: Any, record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


@contextlib.contextmanager
def meant(address: Address) -> Iterator[None]:
    """Within, MLflow's functions that take no client mean this address. Some of its
    client's do, too."""
    import mlflow

    was_set = mlflow.is_tracking_uri_set()
    before = (
        (mlflow.get_tracking_uri(), mlflow.get_registry_uri())
        if was_set
        else (None, None)
    )
    # MLflow writes them into the environment, where everything that comes later would
    # find them.
    environment = {name: os.environ.get(name) for name in _VARIABLES}
    mlflow.set_tracking_uri(address.tracking)
    mlflow.set_registry_uri(address.registry)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def reported(address: Address) -> Iterator[None]:
    """Within, what MLflow raises becomes one sentence that says which store is in
    trouble."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise _in_trouble(address, error) from error


def _in_trouble(address: Address, error: Exception) -> RegistryError:
    """A server, or a disk, may be away for a while; a database that is another one than
    MLflow's stays so."""
    file = sqlite_file(address.registry)
    if file is None or _BUSY.search(str(error)):
        return RegistryError(
            f"MLflow at {shown(address.registry)} does not answer as it should: {_said(error):.300}.",
            code="registry_away",
            hint="Check that it runs and that MLFLOW_TRACKING_URI names it; nothing was changed half.",
        )
    return RegistryError(
        f"MLflow cannot work with {file}: {_said(error):.300}.",
        code="registry_unusable",
        hint="Put back a copy of it, or move it away; versions can be registered anew from their runs.",
    )


def _said(error: Exception) -> str:
    """The first line of what a library says, without the password that its addresses
    may hold."""
    first = str(error).strip().split("\n")[0].rstrip(".")
    # What urllib3 says names hosts and objects, and nothing that a user can act upon.
    if "Max retries exceeded" in first:
        return "no connection"
    return re.sub(r"://[^@/\s]*@", "://", first)


def shown(uri: str) -> str:
    """A URI without the password in it."""
    head, separator, rest = uri.partition("://")
    return f"{head}{separator}{rest.rpartition('@')[2]}"


def experiment_id(client: Any, address: Address, name: str) -> str:
    """The experiment of this name, made if there is none."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        keep_here(
            address, "experiments", str(found.experiment_id), found.artifact_location
        )
        return str(found.experiment_id)
    from mlflow.exceptions import MlflowException

    place = str(Path(address.artifacts) / "runs") if address.artifacts else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:  # Another process was quicker.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


_PLACES = {
    "experiments": ("experiment_id", "artifact_location"),
    "runs": ("run_uuid", "artifact_uri"),
}
"""Table -> its key, and the column that says where files go."""


def keep_here(
    address: Address, table: Literal["experiments", "runs"], key: str, location: str
) -> None:
    """Let the files of an experiment or a run go into this folder, if the store is the
    folder's own.

    MLflow keeps absolute paths and addresses: in a project that was moved they lead to
    the old place, and in one that a stranger has filled to wherever the stranger likes.
    """
    file = sqlite_file(address.registry)
    if not address.is_own or file is None or address.holds(location):
        return
    _, marker, rest = str(local_folder(location) or "").rpartition("/mlflow/")
    place = Path(address.artifacts) / (
        rest if marker and ".." not in rest else f"{table}/{key}"
    )
    by, column = _PLACES[table]
    with (
        contextlib.closing(sqlite3.connect(file, timeout=30)) as connection,
        connection,
    ):
        connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE {by} = ?",  # noqa: S608
            (str(place), key),
        )


@contextlib.contextmanager
def locked(state_folder: Path, name: str) -> Iterator[None]:
    """Within, no other process of this machine has the lock of this name. Raises
    RegistryError."""
    state_folder.mkdir(parents=True, exist_ok=True)
    link = find_link(state_folder)
    if link is not None:
        raise RegistryError(
            f"{link} is a symbolic link: what is kept here would be somewhere else.",
            code="root_linked",
            hint="Remove the link.",
        )
    path = state_folder / f"{name}.lock"
    until = time.monotonic() + _PATIENCE_SECONDS
    while (
        holder := take_lock(path, name, is_held=lambda each: is_alive(each, path))
    ) is not None:
        _wait_for(holder, until)
    try:
        yield
    finally:
        free_lock(path)


def _wait_for(holder: Holder, until: float) -> None:
    if time.monotonic() > until:
        raise RegistryError(
            f"Process {holder.pid} on {holder.host} has been changing the registry for a minute.",
            code="registry_busy",
            hint="Wait for it, or end it if it hangs.",
        )
    time.sleep(0.05)
