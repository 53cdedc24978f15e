"""Warm kernels: forked from a process of the kernelspec's interpreter that has only
imported.

A `ForkedKernels` lives as long as its run. It starts the parent (`kernel/forking.py`)
with the first stage, has it import the allow-listed libraries that stages import, and
gives a fresh kernel instead, with an explanation, wherever a forked one could behave
differently or does not come up. Kernels live on if their parent is killed, and the next
one has a new parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import zmq.asyncio

from jupyter_pipe.artifacts.bootstrap import kernel_folder
from jupyter_pipe.compiler.codegen.requirements import find_interpreter, read_kernelspec
from jupyter_pipe.engine.kernels.kernelspecs import check_kernel
from jupyter_pipe.engine.kernels.lifecycle import (
    IPYTHON_ARGUMENTS,
    FreshKernels,
    KernelRequest,
    StageKernel,
    StageKernelClient,
    new_context,
    readable,
    start_kernel,
)
from jupyter_pipe.errors import KernelError

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

__all__ = ["ForkedKernels", "can_fork"]

# Libraries whose import starts no thread that a fork loses, opens no device and keeps
# no state that a process must have of its own. Without pyplot: it binds the backend of
# the process that imports it.
PRELOADED: dict[str, tuple[str, ...]] = {
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "scipy": ("scipy", "scipy.stats", "scipy.optimize", "scipy.sparse"),
    "sklearn": (
        "sklearn",
        "sklearn.ensemble",
        "sklearn.linear_model",
        "sklearn.pipeline",
    ),
    "matplotlib": (
        "matplotlib",
        "matplotlib.figure",
        "matplotlib.backends.backend_agg",
    ),
    "seaborn": (
        "matplotlib",
        "matplotlib.figure",
        "matplotlib.backends.backend_agg",
        "scipy.stats",
    ),
    "joblib": ("joblib",),
    "yaml": ("yaml",),
    "requests": ("requests",),
}
# What a process reads when it starts; a fork cannot have its own.
_STARTUP_VARIABLES = (
    *(
        "PYTHON",
        "LD_",
        "DYLD_",
        "OMP_",
        "OPENBLAS_",
        "MKL_",
        "NUMEXPR_",
        "MALLOC_",
        "GLIBC_",
    ),
    # Where IPython looks for its configuration and for packages.
    *("HOME", "XDG_", "IPYTHON", "JUPYTER_CONFIG", "JUPYTER_PATH", "VIRTUAL_ENV"),
)
_CONNECTION_FILE = "k.json"
_STANDARD_ARGUMENTS = ["-m", "ipykernel_launcher", "-f"]
_ENDING_SECONDS = 1.0
# A run's; where that many have been killed, something does not want them here.
_MOST_PARENTS = 4


def can_fork() -> bool:
    """Whether this system forks kernels. Elsewhere they are fresh: macOS's frameworks
    do not survive a fork, Windows has none."""
    return sys.platform.startswith("linux")


class _Unsuitable(Exception):  # noqa: N818 - no error: a fresh kernel does the same
    """Why this stage gets a fresh kernel."""


class ForkedKernels:
    """A `KernelSource`. `explain` is told, once each, why kernels are fresh after all;
    `variables` are what the environment of the parent has beyond that of the first
    kernel."""

    def __init__(
        self,
        explain: Callable[[str], None] = lambda reason: None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._explain = explain
        self._variables = dict(variables or {})
        self._explained: set[str] = set()
        self._lock = threading.Lock()
        self._context: zmq.asyncio.Context | None = None
        # The last one forks. Kernels of those that have died hold their life lines,
        # until the run is over.
        self._parents: list[_Parent] = []
        self._broken = ""

    async def start(self, request: KernelRequest) -> StageKernel:
        """Raises KernelError if neither a forked nor a fresh kernel comes up."""
        check_kernel(request.name)
        while not self._broken:
            parent: _Parent | None = None
            try:
                parent = self._parent_at_hand() or await _in_thread(
                    self._find_parent, request
                )
                return await _start_forked(parent, request, self._sockets())
            except _Unsuitable as unsuitable:
                self._say(str(unsuitable))
                break
            except (KernelError, OSError) as error:
                if parent is None or not await _has_died(parent):
                    self._broken = f"forked kernels do not come up here ({error})"
        if self._broken:
            self._say(self._broken)
        return await FreshKernels().start(request)

    def prepare(self, request: KernelRequest) -> None:
        """Start the parent for the first kernel, and let it import, while this process
        imports what it needs itself."""
        threading.Thread(
            target=self._prepare, args=(request,), name="forking parent", daemon=True
        ).start()

    def _prepare(self, request: KernelRequest) -> None:
        # What is wrong shows again, and is told, when a kernel is started.
        with contextlib.suppress(_Unsuitable, KernelError, OSError):
            check_kernel(request.name)
            modules = _modules(request)
            self._find_parent(request).preload(modules)

    def close(self) -> None:
        """End the parent, and with it every kernel that still runs."""
        with self._lock:
            self._broken = "the run is over"
            for parent in self._parents:
                parent.close()
            self._parents = []
            if self._context is not None:
                self._context.destroy(linger=0)

    def _sockets(self) -> zmq.asyncio.Context:
        """One for all kernels: each has two threads."""
        with self._lock:
            if self._context is None:
                self._context = new_context()
            return self._context

    def _parent_at_hand(self) -> _Parent | None:
        """Without waiting for one that is being started."""
        parents = self._parents
        return parents[-1] if parents and parents[-1].is_alive else None

    def _find_parent(self, request: KernelRequest) -> _Parent:
        """The running parent, or a new one: the first stage's, for all. Raises
        _Unsuitable, also where parents have been killed too often."""
        with self._lock:
            if self._broken:
                raise _Unsuitable(self._broken)
            if not self._parents or not self._parents[-1].is_alive:
                self._parents.append(self._new_parent(request))
            return self._parents[-1]

    def _new_parent(self, request: KernelRequest) -> _Parent:
        if len(self._parents) == _MOST_PARENTS:
            raise _Unsuitable(
                f"the process that forks them was killed {_MOST_PARENTS} times"
            )
        # What a fork finds in /proc/self/environ is what its parent began with.
        kept = {
            name: value
            for name, value in request.environment.items()
            if name not in request.secrets
        }
        return _Parent(_standard_interpreter(request.name), kept | self._variables)

    def _say(self, reason: str) -> None:
        if reason not in self._explained:
            self._explained.add(reason)
            self._explain(f"Stages run in fresh kernels: {reason}.")


async def _has_died(parent: _Parent) -> bool:
    """Whether that is why it did not answer. Its end is known a moment after its
    sockets have closed."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while parent.is_alive and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return not parent.is_alive


async def _in_thread(
    function: Callable[[KernelRequest], _Parent], request: KernelRequest
) -> _Parent:
    return await asyncio.get_running_loop().run_in_executor(None, function, request)


async def _start_forked(
    parent: _Parent, request: KernelRequest, context: zmq.asyncio.Context
) -> StageKernel:
    """Raises _Unsuitable; KernelError or OSError if the parent has died, or the kernel
    does not come up."""
    modules = _modules(request)
    _check_environment(parent, request)

    async def launch(
        request: KernelRequest, sockets: Path, log: Path, context: zmq.asyncio.Context
    ) -> tuple[_ForkedProcess, StageKernelClient]:
        client = StageKernelClient(context=context)
        client.load_connection_info(_write_connection(sockets, request.name))
        wanted = _child(request, modules, sockets, log)
        return await _fork(parent, wanted), client

    return await start_kernel(request, launch, context)


def _write_connection(sockets: Path, kernel_name: str) -> KernelConnectionInfo:
    """Where the kernel is to listen, as it stands in its connection file `k.json`.
    Raises OSError."""
    info: KernelConnectionInfo = {
        # Files in a private folder: no port that another process can take, nothing on
        # the network.
        "transport": "ipc",
        "ip": str(sockets / "k"),
        "shell_port": 1,
        "iopub_port": 2,
        "stdin_port": 3,
        "control_port": 4,
        "hb_port": 5,
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
        "kernel_name": kernel_name,
    }
    (sockets / _CONNECTION_FILE).write_text(json.dumps(info), encoding="utf-8")
    return info


def _child(
    request: KernelRequest, modules: tuple[str, ...], sockets: Path, log: Path
) -> dict[str, Any]:
    """What `kernel/forking.py` is asked for. As with jupyter_client, kernels are not
    told of an interpreter that stands in for another (`PYTHONEXECUTABLE`)."""
    environment = {
        name: value
        for name, value in request.environment.items()
        if name != "PYTHONEXECUTABLE"
    }
    return {
        "modules": modules,
        "argv": [
            "ipykernel_launcher.py",
            "-f",
            str(sockets / _CONNECTION_FILE),
            *IPYTHON_ARGUMENTS,
        ],
        "folder": str(request.folder),
        "environment": {**environment, "JPY_PARENT_PID": str(os.getpid())},
        "log": str(log),
        "stage": msgspec.to_builtins(request.stage) if request.stage else {},
    }


class _Parent:
    """The process that imports and forks. It ends when its life line closes, however
    that happens."""

    def __init__(self, interpreter: Path, environment: dict[str, str]) -> None:
        self.interpreter = interpreter
        self.environment = {
            name: value
            for name, value in environment.items()
            if name != "JPY_PARENT_PID"
        }
        self._folder = Path(tempfile.mkdtemp(prefix="jp-"))
        self.path = self._folder / "fork"
        self._log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                str(interpreter),
                str(kernel_folder() / "forking.py"),
                str(self.path),
                *IPYTHON_ARGUMENTS,
            ],
            env=self.environment,
            cwd=self._folder,
            # The life line: it closes with this process, at whatever moment and however
            # that ends.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            said = (
                (self._folder / "log").read_text(errors="replace").strip().splitlines()
            )
            raise _Unsuitable(
                f"{self.interpreter.name} could not prepare them: {said[-1] if said else ''}"
            )

    def preload(self, modules: tuple[str, ...]) -> None:
        """Import these before the first kernel wants them. Returns at once."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.path))
            connection.sendall(json.dumps({"modules": modules}).encode() + b"\n")

    def close(self) -> None:
        """Let go of the life line and wait for the process, which kills its children
        first."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _ForkedProcess:
    """A child of the parent, which says when it has ended."""

    # The life line ends a forked kernel; its parent may die without it.
    protection = ""
    begins_stage = True

    def __init__(self, pid: int, welcomes: bool, exited: asyncio.Task[int]) -> None:
        self.pid = self.group = pid
        self.welcomes = welcomes
        self.exited = exited

    async def interrupt(self) -> None:
        with contextlib.suppress(
            ProcessLookupError
        ):  # that it has ended may be known only a moment later
            os.killpg(self.group, signal.SIGINT)

    async def give_back(self) -> None:
        """The parent takes care of the process."""


async def _fork(parent: _Parent, wanted: Mapping[str, Any]) -> _ForkedProcess:
    """Have the parent fork. Raises _Unsuitable and OSError."""
    reader, writer = await asyncio.open_unix_connection(str(parent.path))
    writer.write(json.dumps(wanted).encode() + b"\n")
    await writer.drain()
    answer = json.loads(await reader.readline() or b"{}")
    if "pid" not in answer:
        writer.close()
        if "refused" not in answer:
            raise ConnectionResetError("the process that forks them has ended")
        raise _Unsuitable(answer["refused"])
    pid = answer["pid"]
    return _ForkedProcess(
        pid, answer["welcomes"], asyncio.ensure_future(_wait_for(pid, reader, writer))
    )


async def _wait_for(pid: int, reader: Any, writer: Any) -> int:
    """The exit status. If the parent has died, nobody can know it: it counts as killed,
    once it has ended."""
    with _watched(pid) as descriptor:
        answer: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError):
            answer = json.loads(await reader.readline() or b"{}")
        if "status" not in answer and descriptor is not None:
            await readable(descriptor)
    writer.close()
    return answer.get("status", -int(signal.SIGKILL))


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[int | None]:
    """A descriptor of the process itself, for its number may be given to another; None
    if it has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _standard_interpreter(name: str) -> Path:
    """The interpreter, if the kernelspec starts ipykernel in it and nothing else."""
    spec, interpreter = read_kernelspec(name) or {}, find_interpreter(name)
    # jupyter_client offers its own interpreter where nobody installed a kernelspec.
    argv = spec.get("argv", ["python", *_STANDARD_ARGUMENTS, "{connection_file}"])
    arguments = [
        argument for argument in argv[1:] if argument != "-Xfrozen_modules=off"
    ]
    is_standard = arguments[:3] == _STANDARD_ARGUMENTS and len(arguments) == 4
    if interpreter is None or not is_standard or spec.get("env"):
        raise _Unsuitable(
            f"the kernelspec {name!r} starts its kernel in a way of its own"
        )
    return interpreter


def _modules(request: KernelRequest) -> tuple[str, ...]:
    """What to import before forking. A module of the same name beside the notebook
    would win in a fresh kernel, so nothing may be imported before the stage then."""
    wanted = [name for name in request.imports if name in PRELOADED]
    modules = tuple(
        dict.fromkeys(module for name in wanted for module in PRELOADED[name])
    )
    tops = {module.partition(".")[0] for module in modules}
    for top in sorted(tops):
        if (request.folder / f"{top}.py").exists() or (request.folder / top).is_dir():
            raise _Unsuitable(
                f"{top} stands beside the notebook and would hide the library {top}"
            )
    return modules


def _check_environment(parent: _Parent, request: KernelRequest) -> None:
    def relevant(environment: dict[str, str]) -> dict[str, str]:
        return {
            name: value
            for name, value in environment.items()
            if name.startswith(_STARTUP_VARIABLES)
        }

    before, wanted = relevant(parent.environment), relevant(request.environment)
    different = sorted(
        name for name in {*before, *wanted} if before.get(name) != wanted.get(name)
    )
    if different:
        raise _Unsuitable(
            f"{', '.join(different)} can only be set when a process starts"
        )
