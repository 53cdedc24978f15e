"""A Dask cluster. No engine takes the run over: Dask keeps a graph in memory, and only
while whoever made it is there. So a runner of ours goes on here in a process of its
own, and the cluster's workers carry out its stages (`run --executor dask`): such a run
has a cache, and is not followed, since its runner writes its log.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.engine.detached import log_to, start_detached
from jupyter_pipe.engine.targets import RunRequest, Target, open_several
from jupyter_pipe.errors import ExtraMissingError, PipeError
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.model import ParameterValue, Run, RunOptions
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit import SubmitError
from jupyter_pipe.submit.settings import Configuration, require_address

__all__ = ["TITLE", "Dask", "main"]

TITLE = "Dask"
"""The engine's name for people."""

_SECONDS_TO_WAIT = 20.0


class _Order(Struct, frozen=True):
    """What the runner reads: `targets` are a notebook, several or a package, `root`
    keeps the run."""

    targets: tuple[str, ...]
    root: str
    run_id: str
    options: RunOptions
    parameters: tuple[ParameterValue, ...]
    command: tuple[str, ...]
    trigger: str


def _targets(target: Target) -> tuple[str, ...]:
    if target.package is not None:
        return (str(target.package.absolute()),)
    folder = target.notebook.absolute().parent
    return tuple(str(folder / word) for word in target.words_to_compile)


class Dask:
    """A cluster whose scheduler listens at the configuration's `url`, such as
    `tcp://cluster:8786`."""

    def __init__(self, configuration: Configuration) -> None:
        self._url = configuration.url or os.environ.get("DASK_SCHEDULER_ADDRESS", "")

    def require_settings(self) -> None:
        """Dask has to be installed, and the scheduler's address known."""
        if importlib.util.find_spec("distributed") is None:
            raise ExtraMissingError("submit dask", "dask")
        require_address(
            self._url,
            "Dask's scheduler",
            "DASK_SCHEDULER_ADDRESS",
            "tcp://localhost:8786",
        )

    def run(self, request: RunRequest) -> Run:
        """Start the runner; returns when the run has begun. Raises SubmitError for a
        scheduler that is not there, and for what the runner says if it ends before
        that."""
        self._require_scheduler()
        store = request.target.store
        store.make_state_folder()
        run_id = request.run_id or store.next_run_id()
        order = _Order(
            targets=_targets(request.target),
            root=str(store.root.absolute()),
            run_id=run_id,
            options=replace(request.options, executor="dask", scheduler=self._url),
            parameters=request.parameters,
            command=request.command,
            trigger=request.trigger,
        )
        said = start_detached(
            __name__, to_json(order), store.folder(run_id).events, store.root
        )
        if said is not None:
            message, hint = _last_words(said)
            raise SubmitError(message, code="engine_refused", hint=hint)
        return store.read(run_id)

    def _require_scheduler(self) -> None:
        """Ask whether anybody listens: the runner itself would try for minutes."""
        place = urlsplit(self._url)
        if place.scheme not in {"tcp", "tls"} or not place.hostname:
            return  # an address of another kind, which only Dask can try
        try:
            socket.create_connection(
                (place.hostname, place.port or 8786), _SECONDS_TO_WAIT
            ).close()
        except OSError as error:
            raise SubmitError(
                f"Dask's scheduler at {self._url} does not answer: {error.strerror or error}.",
                code="engine_silent",
                hint="Start one with: dask scheduler, and workers with: dask worker ADDRESS",
            ) from None


def main() -> int:
    """Carry out the order on standard input. What is wrong before the run exists is
    printed, message and hint, for whoever submitted it; from then on the output goes to
    the run's own log."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=_Order)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    try:
        return _run(order, os.environ)
    except PipeError as error:
        sys.stdout.write(
            "\n" + msgspec.json.encode([error.message, error.hint]).decode()
        )
        return error.exit_code


def _run(order: _Order, environment: Mapping[str, str]) -> int:
    from jupyter_pipe.engine import run_pipeline

    store = RunStore(order.root)
    request = RunRequest(
        target=open_several([Path(each) for each in order.targets], store),
        options=order.options,
        parameters=order.parameters,
        environment=dict(environment),
        trigger=order.trigger,
        command=order.command,
        run_id=order.run_id,
    )
    return (
        run_pipeline(
            request, observers=[log_to(store.folder(order.run_id).log)]
        ).exit_code
        or 0
    )


def _last_words(said: bytes) -> tuple[str, str]:
    """Message and hint of a runner that ended before its run began."""
    last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
    try:
        message, hint = msgspec.json.decode(last, type=tuple[str, str])
    except msgspec.MsgspecError:
        return f"The runner ended: {last or 'it said nothing'}", ""
    return message, hint
