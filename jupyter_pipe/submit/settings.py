"""Which engines can be submitted to, and how they are reached:
`~/.config/jupyter_pipe/engines.toml`.

    [cluster]
    engine = "slurm"
    root = "/shared/runs"

A table a configuration; without the file, engines go by their own names. Secrets are
not in there: a configuration names variables of the environment. Raises SubmitError.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.analysis.knowledge.tables import tomllib
from jupyter_pipe.submit import Engine, SubmitError
from jupyter_pipe.trust.records import read_regular_file

__all__ = [
    "ELSEWHERE",
    "ENGINES",
    "Configuration",
    "configurations",
    "engine_of",
    "find_configuration",
    "has_own_runner",
    "require_address",
    "require_settings",
    "settings_path",
]

# Engine: the class in the module of that name.
ENGINES = {
    "airflow": "Airflow",
    "argo": "Argo",
    "dagster": "Dagster",
    "dask": "Dask",
    "databricks": "Databricks",
    "kfp": "Kfp",
    "prefect": "Prefect",
    "slurm": "Slurm",
}

# Stages run in containers or on clusters, which have programs of their own, and of this
# machine's files the root alone.
ELSEWHERE = frozenset({"argo", "databricks", "kfp"})


class Configuration(Struct, frozen=True, forbid_unknown_fields=True):
    """One table. `root` is the folder or URL that this machine and the engine's workers
    share (default: the notebook's folder), `command` how workers call jupyter-pipe
    (default: as it is called here).

    `url` is the address of the engine's API and `token` names the variable that holds
    the token for it; `user_variable` and `password_variable` name those of a login.
    `pool` is Prefect's work pool, `dags` the folder in which Airflow looks for DAGs,
    `definitions` that of Dagster's code location `location`. `image` is the container
    of stages that name none, `claim` Kubernetes' volume claim that `root` lies on,
    `namespace` that of Argo or Kubeflow Pipelines; `machine` and `runtime` are
    Databricks' for its clusters. `seconds` lie between two questions.
    """

    engine: str
    root: str = ""
    command: str = ""
    url: str = ""
    token: str = ""
    user_variable: str = ""
    password_variable: str = ""
    pool: str = ""
    dags: str = ""
    definitions: str = ""
    location: str = ""
    image: str = ""
    claim: str = ""
    namespace: str = ""
    machine: str = ""
    runtime: str = ""
    seconds: float = 2.0


def settings_path() -> Path:
    """Where the user's configurations are."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "jupyter_pipe" / "engines.toml"


def configurations() -> dict[str, Configuration | SubmitError]:
    """All that can be submitted to, by name: those that are configured come first. One
    that cannot be used is the error that says why."""
    # A configuration may have the name of an engine.
    names = dict.fromkeys([*_read(settings_path()), *ENGINES])
    found: dict[str, Configuration | SubmitError] = {}
    for name in names:
        try:
            found[name] = find_configuration(name)
        except SubmitError as error:
            found[name] = error
    return found


def find_configuration(name: str) -> Configuration:
    """The configuration of that name, else the engine's own defaults."""
    path = settings_path()
    tables = _read(path)
    if name not in tables:
        if name in ENGINES:
            return Configuration(name)
        known = ", ".join(sorted({*tables, *ENGINES}))
        raise SubmitError(
            f"There is no engine {name!r} to submit to.",
            code="engine_unknown",
            hint=f"There are: {known}. Others are configured in {path}.",
        )
    try:
        found = msgspec.convert(tables[name], Configuration)
    except msgspec.ValidationError as error:
        raise _unusable(path, name, str(error)) from None
    if found.engine not in ENGINES:
        raise _unusable(
            path, name, f"engine = {found.engine!r} is not one of {', '.join(ENGINES)}"
        )
    # So that NaN is refused as well.
    if not found.seconds > 0:
        raise _unusable(path, name, "seconds has to be more than 0")
    return found


def engine_of(configuration: Configuration) -> Engine:
    """The engine, ready to be asked; nothing is sent yet."""
    made: Engine = _made(configuration)
    return made


def require_settings(configuration: Configuration) -> None:
    """Raise SubmitError for what a start in the engine needs and this machine does not
    have."""
    _made(configuration).require_settings()


def require_address(found: str, of: str, variable: str, example: str = "") -> None:
    """Raise SubmitError if neither the configuration nor the engine's own variable has
    said where it is."""
    if not found:
        such = f", such as {example}" if example else ""
        raise SubmitError(
            f"Nobody says where {of} is.",
            code="engine_settings",
            hint=f"Set url in engines.toml, or {variable}{such}.",
        )


def has_own_runner(configuration: Configuration) -> bool:
    """Whether runs have a runner of ours, on this machine, which nobody has to
    follow."""
    return configuration.engine == "dask"


def _made(configuration: Configuration) -> Any:
    module = importlib.import_module(
        f"jupyter_pipe.submit.engines.{configuration.engine}"
    )
    return getattr(module, ENGINES[configuration.engine])(configuration)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found: dict[str, Any] = tomllib.loads(read_regular_file(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SubmitError(
            f"{path} cannot be read: {error}.", code="engine_settings"
        ) from None
    return found


def _unusable(path: Path, name: str, problem: str) -> SubmitError:
    return SubmitError(
        f"[{name}] in {path} cannot be used: {problem}.",
        code="engine_settings",
        hint="The documentation of `submit` lists what a table may hold.",
    )
