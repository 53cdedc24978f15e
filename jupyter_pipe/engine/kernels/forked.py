"""Warm kernels: forked from a process of the kernelspec's interpreter that has only imported.

A `ForkedKernels` lives as long as its run. It starts the parent (`kernel/forking.py`) with the first
stage, has it import the allow-listed libraries that stages import, and gives a fresh kernel instead,
with an explanation, wherever a forked one could behave differently or does not come up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_pipe.artifacts.bootstrap import kernel_folder
from jupyter_pipe.compiler.codegen.requirements import find_interpreter
from jupyter_pipe.engine.kernels.kernelspecs import check_kernel
from jupyter_pipe.engine.kernels.lifecycle import (
    FreshKernels,
    KernelRequest,
    StageKernel,
    WatchedProvisioner,
    start_kernel,
)
from jupyter_pipe.errors import KernelError

__all__ = ["ForkedKernels", "can_fork"]

# Libraries whose import starts no thread that a fork loses, opens no device and keeps no state that a
# process must have of its own. Without pyplot: it binds the backend of the process that imports it.
PRELOADED: dict[str, tuple[str, ...]] = {
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "scipy": ("scipy", "scipy.stats", "scipy.optimize", "scipy.sparse"),
    "sklearn": ("sklearn", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline"),
    "matplotlib": ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"),
    "seaborn": ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg", "scipy.stats"),
    "joblib": ("joblib",),
    "yaml": ("yaml",),
    "requests": ("requests",),
}
# What a process reads when it starts; a fork cannot have its own.
_STARTUP_VARIABLES = ("PYTHON", "LD_", "DYLD_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "MALLOC_", "GLIBC_")
_STANDARD_ARGUMENTS = ["-m", "ipykernel_launcher", "-f"]
_START_SECONDS = 20.0


def can_fork() -> bool:
    """Whether this system forks kernels. Elsewhere they are fresh: macOS's frameworks do not survive
    a fork, Windows has none."""
    return sys.platform.startswith("linux")


class _Unsuitable(Exception):  # noqa: N818 - no error: a fresh kernel does the same
    """Why this stage gets a fresh kernel. `quiet` reasons are not news to the user."""

    def __init__(self, reason: str, *, quiet: bool = False) -> None:
        super().__init__(reason)
        self.quiet = quiet


class ForkedKernels:
    """A `KernelSource`. `explain` is told, once each, why kernels are fresh after all."""

    def __init__(self, explain: Callable[[str], None] = lambda reason: None) -> None:
        self._explain = explain
        self._explained: set[str] = set()
        self._lock = threading.Lock()
        self._parent: _Parent | None = None
        self._broken = ""

    async def start(self, request: KernelRequest) -> StageKernel:
        """Raises KernelError if neither a forked nor a fresh kernel comes up."""
        check_kernel(request.name)
        try:
            return await self._start_forked(request)
        except _Unsuitable as unsuitable:
            self._say(str(unsuitable), quiet=unsuitable.quiet)
        except (KernelError, OSError) as error:
            self._broken = f"forked kernels do not come up here ({error})"
            self._say(self._broken)
        return await FreshKernels().start(request)

    def prepare(self, request: KernelRequest) -> None:
        """Start the parent for the first kernel, and let it import, while this process imports what it
        needs itself."""
        threading.Thread(target=self._prepare, args=(request,), name="forking parent", daemon=True).start()

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
            if self._parent is not None:
                self._parent.close()
                self._parent = None

    async def _start_forked(self, request: KernelRequest) -> StageKernel:
        if self._broken:
            raise _Unsuitable(self._broken)
        modules = _modules(request)
        parent = await asyncio.get_running_loop().run_in_executor(None, self._find_parent, request)
        _check_environment(parent, request)

        def provision(manager: Any) -> WatchedProvisioner:
            made = _ForkedProvisioner(kernel_id="stage", kernel_spec=manager.kernel_spec, parent=manager)
            made.prepare(parent, request, modules)
            return made

        return await start_kernel(request, provision, seconds=_START_SECONDS)

    def _find_parent(self, request: KernelRequest) -> _Parent:
        """The running parent, or a new one: the first stage's, for all."""
        with self._lock:
            if self._broken:
                raise _Unsuitable(self._broken)
            if self._parent is None:
                interpreter = _standard_interpreter(request.name)
                # What a fork finds in /proc/self/environ is what its parent began with.
                kept = {
                    name: value for name, value in request.environment.items() if name not in request.secrets
                }
                self._parent = _Parent(interpreter, kept)
            return self._parent

    def _say(self, reason: str, *, quiet: bool = False) -> None:
        if not quiet and reason not in self._explained:
            self._explained.add(reason)
            self._explain(f"Stages run in fresh kernels: {reason}.")


class _Parent:
    """The process that imports and forks. It ends when its life line closes, however that happens."""

    def __init__(self, interpreter: Path, environment: dict[str, str]) -> None:
        self.interpreter = interpreter
        self.environment = {name: value for name, value in environment.items() if name != "JPY_PARENT_PID"}
        self._folder = Path(tempfile.mkdtemp(prefix="jp-"))
        self.path = self._folder / "fork"
        self._log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [str(interpreter), str(kernel_folder() / "forking.py"), str(self.path)],
            env=self.environment,
            cwd=self._folder,
            # The life line: it closes with this process, at whatever moment and however that ends.
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

    def _wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            said = (self._folder / "log").read_text(errors="replace").strip().splitlines()
            raise _Unsuitable(f"{self.interpreter.name} could not prepare them: {said[-1] if said else ''}")

    def preload(self, modules: tuple[str, ...]) -> None:
        """Import these before the first kernel wants them. Returns at once."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.path))
            connection.sendall(json.dumps({"modules": modules}).encode() + b"\n")

    def close(self) -> None:
        """Let go of the life line and wait for the process, which kills its children first."""
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
    """What jupyter_client asks of a `Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        return -signal.SIGKILL if self.returncode is None else self.returncode

    def send_signal(self, number: int) -> None:
        """As `subprocess.Popen` does it: that the process has ended may be known only a moment later."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _ForkedProvisioner(WatchedProvisioner):
    """Has the parent fork where the stock provisioner starts a program."""

    process: Any

    def prepare(self, parent: _Parent, request: KernelRequest, modules: tuple[str, ...]) -> None:
        """Which parent, and what the child is to be."""
        self._forking, self._request, self._modules = parent, request, modules

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Returns the connection info. Raises _Unsuitable and OSError."""
        reader, writer = await asyncio.open_unix_connection(str(self._forking.path))
        wanted = {
            "modules": self._modules,
            "argv": ["ipykernel_launcher.py", *cmd[cmd.index("-f") :]],
            "folder": str(self._request.folder),
            "environment": {**kwargs["env"], "JPY_PARENT_PID": str(os.getpid())},
            "log": kwargs["stdout"].name,
        }
        writer.write(json.dumps(wanted).encode() + b"\n")
        await writer.drain()
        answer = json.loads(await reader.readline() or b"{}")
        if "pid" not in answer:
            writer.close()
            raise _Unsuitable(answer.get("refused", "the process that forks them has ended"))
        process = _ForkedProcess(answer["pid"])
        self.process = process
        self.pid = self.pgid = process.pid
        self.exited = asyncio.ensure_future(_wait_for(process, reader, writer))
        return self.connection_info


async def _wait_for(process: _ForkedProcess, reader: Any, writer: Any) -> int:
    """The exit status; a parent that died took its children with it."""
    status = -int(signal.SIGKILL)
    with contextlib.suppress(OSError, ValueError):
        status = int(json.loads(await reader.readline() or b"{}").get("status", status))
    process.returncode = status
    writer.close()
    return status


def _standard_interpreter(name: str) -> Path:
    """The interpreter, if the kernelspec starts ipykernel in it and nothing else."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec(name)
    arguments = [argument for argument in spec.argv[1:] if argument != "-Xfrozen_modules=off"]
    interpreter = find_interpreter(name)
    if interpreter is None or arguments[:3] != _STANDARD_ARGUMENTS or len(arguments) != 4 or spec.env:
        raise _Unsuitable(f"the kernelspec {name!r} starts its kernel in a way of its own")
    return interpreter


def _modules(request: KernelRequest) -> tuple[str, ...]:
    """What to import before forking. A module of the same name beside the notebook would win in a
    fresh kernel, so nothing may be imported before the stage then."""
    wanted = [name for name in request.imports if name in PRELOADED]
    modules = tuple(dict.fromkeys(module for name in wanted for module in PRELOADED[name]))
    tops = {module.partition(".")[0] for module in modules}
    for top in sorted(tops):
        if (request.folder / f"{top}.py").exists() or (request.folder / top).is_dir():
            raise _Unsuitable(f"{top} stands beside the notebook and would hide the library {top}")
    return modules


def _check_environment(parent: _Parent, request: KernelRequest) -> None:
    def relevant(environment: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in environment.items() if name.startswith(_STARTUP_VARIABLES)}

    before, wanted = relevant(parent.environment), relevant(request.environment)
    different = sorted(name for name in {*before, *wanted} if before.get(name) != wanted.get(name))
    if different:
        raise _Unsuitable(f"{', '.join(different)} can only be set when a process starts")
