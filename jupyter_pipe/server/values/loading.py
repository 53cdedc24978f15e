"""A process that loads one value and describes it: the interpreter of the notebook's
kernel, which need not have jupyter_pipe, in that kernel's environment, bounded in time,
memory and what it says."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.bootstrap import program_source
from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.errors import PipeError
from jupyter_pipe.server.values.payloads import ValueDescription

__all__ = ["Described", "Limits", "Order", "load_value"]

# Bytes: a picture in Base64 is the largest part of an answer.
_MOST_SAID = 8 << 20
# A library that makes threads for every core takes memory for each of them, which is
# limited here.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
# Below every error about a value that cannot be shown.
_NEXT = "Open it in a notebook instead: jupyter pipe debug gives a stage its inputs."


class Limits(Struct, frozen=True):
    """`memory_bytes` count besides the value's file, which is mapped and not read as a
    whole."""

    seconds: float = 30.0
    memory_bytes: int = 2 << 30


class Order(Struct, frozen=True):
    """What the process is told (`kernel/previews/process.py`)."""

    store: str
    artifact: str
    name: str
    definitions: Mapping[str, Mapping[str, Any]]
    folder: str
    secrets: tuple[str, ...]
    bytes: int
    seconds: float


class Described(ValueDescription, frozen=True):
    """A value as its process describes it."""

    profile: Profile


class _Said(Struct, frozen=True):
    value: Described | None = None
    kind: Literal["altered", "gone", "memory", "loading"] = "loading"
    problem: str = ""


def load_value(
    order: Order, interpreter: Path, environment: Mapping[str, str]
) -> Described:
    """Blocks until the value is described. `environment` is that of the kernel: a
    library may be found, or behave, by it. Raises PipeError if it cannot be loaded
    within the limits."""
    process = subprocess.Popen(
        [str(interpreter), "-c", program_source("previews.process")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=order.folder,
        env={**environment, **_ONE_THREAD},
        # What it starts has to end with it.
        start_new_session=True,
    )
    late = threading.Event()

    def be_late() -> None:
        late.set()
        _kill(process)

    alarm = threading.Timer(order.seconds, be_late)
    alarm.daemon = True
    alarm.start()
    try:
        said = _talk(process, msgspec.json.encode(order))
    finally:
        alarm.cancel()
        _kill(process)
        process.wait()
    return _described(order, said, is_late=late.is_set())


def _talk(process: subprocess.Popen[bytes], order: bytes) -> bytes:
    """What it says before it ends. More than an answer may be long counts as
    nothing."""
    with _pipe(process.stdin) as stdin, contextlib.suppress(OSError):
        stdin.write(order)
    with _pipe(process.stdout) as stdout:
        said = stdout.read(_MOST_SAID + 1)
    return said if len(said) <= _MOST_SAID else b""


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process, with all that its session holds."""
    if hasattr(os, "killpg") and process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    # Also where there are no process groups, as on Windows.
    process.kill()


def _described(order: Order, data: bytes, *, is_late: bool) -> Described:
    """The answer of the process, or the error that it is."""
    try:
        said = msgspec.json.decode(data, type=_Said)
    except (msgspec.MsgspecError, ValueError):
        said = _Said()
    if said.value is not None:
        return said.value
    if is_late:
        message = f"Loading '{order.name}' took longer than {order.seconds:.0f} seconds, and was stopped."
        raise PipeError(message, code="value_slow", hint=_NEXT)
    if said.kind == "memory":
        message = f"'{order.name}' is not shown: {said.problem}."
        raise PipeError(message, code="value_too_large", hint=_NEXT)
    if not said.problem:
        message = f"The process that loaded '{order.name}' ended without an answer."
        raise PipeError(message, code="value_unloadable", hint=_NEXT)
    hints = {
        "gone": "Install what it is made of again, or run the stage again with --force.",
        "altered": "Run the stage that made it again, with --force.",
    }
    message = f"'{order.name}' cannot be loaded: {said.problem.rstrip('.')}."
    raise PipeError(message, code="value_unloadable", hint=hints.get(said.kind, _NEXT))
