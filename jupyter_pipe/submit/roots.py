"""A root that is a URL: what stages need there before they begin, and what they have
left there since.

Everybody works in a copy of the root (`runs.remote`). Raises RunError for a URL that
cannot be reached.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.runs.remote import RemoteRoot, is_url, local_root
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.submit import SubmitError
from jupyter_pipe.submit.settings import Configuration

__all__ = ["bring_attempts", "publish_run", "require_root", "store_of"]

# The others' workers have to find files of this machine.
_REACH_URLS = frozenset({"airflow", "argo", "dagster", "dask", "kfp"})


def store_of(root: str) -> RunStore | None:
    """The runs of a root, as it was named: a folder or a URL; None for none."""
    return (
        RunStore(local_root(Path(root).expanduser() if not is_url(root) else root))
        if root
        else None
    )


def require_root(configuration: Configuration, store: RunStore) -> None:
    """Raise SubmitError if the engine's workers could not use such a root."""
    if store.url and configuration.engine not in _REACH_URLS:
        raise SubmitError(
            f"Workers of {configuration.engine} need a root that is a folder, which {store.url} is not.",
            code="engine_settings",
            hint="Name a folder that this machine and they share: root in engines.toml, or --root.",
        )


def publish_run(store: RunStore, folder: RunFolder) -> None:
    """Put the run that was laid out, with its package, where its stages look for it."""
    if not store.url:
        return
    remote = RemoteRoot(store.url)
    laid_out = (folder.pipeline, folder.parameters, folder.summary)
    for path in (*sorted(folder.package.rglob("*")), *laid_out):
        if path.is_file():
            remote.publish(path, path.relative_to(store.state_folder).as_posix())


def bring_attempts(store: RunStore, folder: RunFolder) -> None:
    """Bring here what stages have left since: a stage leaves its log when its attempt
    has ended, and with it all that goes with it."""
    if not store.url:
        return
    remote = RemoteRoot(store.url)
    names = list(remote.names(f"runs/{folder.run_id}/stages"))
    # For example runs/RUN/stages/train/attempts/1/events.jsonl.
    logs = [name for name in names if name.endswith("/events.jsonl")]
    news = [name for name in logs if not (store.state_folder / name).exists()]
    stages = {name.split("/")[3] for name in news}
    others = [
        name for name in names if name.split("/")[3] in stages and name not in logs
    ]
    # The log comes last: who reads it finds the rest.
    for name in (*others, *news):
        remote.fetch(name, store.state_folder / name)
