"""Kernels: started from a kernelspec, watched without polling, ended with all their
children.

A `KernelSource` gives a `StageKernel`; the one here starts a fresh process for each.
Such a kernel dies with the thread that started it (`_PROTECTION`, on Linux), or within
a second of its runner, whom ipykernel watches; a guard ends what it started. Raises
KernelError.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from msgspec import Struct

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.engine.kernels.kernel_log import KernelLog, open_log
from jupyter_pipe.engine.kernels.kernelspecs import check_kernel, find_program
from jupyter_pipe.engine.kernels.orphans import Guard
from jupyter_pipe.errors import KernelError

__all__ = [
    "IPYTHON_ARGUMENTS",
    "FreshKernels",
    "KernelProcess",
    "KernelRequest",
    "KernelSource",
    "StageKernel",
    "StageKernelClient",
    "StageOrder",
    "new_context",
    "readable",
    "start_kernel",
]

# Run silently in the kernel: it then receives SIGKILL when the thread that started it
# ends.
_PROTECTION = '__import__("sys").platform.startswith("linux") and __import__("ctypes").CDLL(None).prctl(1, 9)'

# As nbclient does: what stages run is not the user's history, which every kernel would
# write and sync.
IPYTHON_ARGUMENTS = ["--HistoryManager.hist_file=:memory:"]
_START_SECONDS = 60.0
_WELCOME_SECONDS = 5.0
# ipykernel waits 14 seconds for children that have ended but that nobody waits for.
_SHUTDOWN_SECONDS = 5.0
_TERMINATE_SECONDS = 2.0


class StageOrder(Struct, frozen=True):
    """How a stage begins: its `context`, the sources that are `leading`, which run
    before the first that is asked for, and the execution counts (`numbers`) of the
    user's cells, where they are known."""

    context: str
    leading: tuple[str, ...] = ()
    numbers: tuple[int | None, ...] = ()


class KernelRequest(Struct, frozen=True):
    """Which kernel, where and with what: `log` takes what it prints outside of cells,
    `imports` are the top-level modules that its cells will import. `secrets` are the
    values that must not be in the log, by the names that variables of the environment
    have. `stage` is what a kernel
    needs that begins it by itself."""

    name: str
    folder: Path
    environment: dict[str, str]
    log: Path
    imports: tuple[str, ...] = ()
    secrets: dict[str, str] = {}
    stage: StageOrder | None = None


class KernelSource(Protocol):
    """Gives kernels that are ready to run cells."""

    async def start(self, request: KernelRequest) -> StageKernel:
        """Raises KernelError."""


class KernelProcess(Protocol):
    """A kernel that has been launched. `protection` is what it runs before all else, so
    that it ends with its runner; `welcomes` whether it says on its output channel when
    somebody begins to listen; `begins_stage` whether it begins the stage by itself,
    with the first request."""

    pid: int
    group: int
    exited: asyncio.Task[int]
    protection: str
    welcomes: bool
    begins_stage: bool

    async def interrupt(self) -> None:
        """What the stop button does."""

    async def give_back(self) -> None:
        """Whatever it holds that outlives it. It has ended."""


class Launch(Protocol):
    """Launches the kernel of a request: `sockets` is a folder of its own, `log` the
    file that it writes."""

    async def __call__(
        self,
        request: KernelRequest,
        sockets: Path,
        log: Path,
        context: zmq.asyncio.Context,
    ) -> tuple[KernelProcess, AsyncKernelClient]:
        """Raises OSError."""


class _WatchedProvisioner(LocalProvisioner):
    """A local process whose end is an event: the stock provisioner looks ten times a
    second."""

    exited: asyncio.Task[int]

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        info = await super().launch_kernel(cmd, **kwargs)
        self.exited = asyncio.ensure_future(_wait_for(self.process))
        return info

    async def wait(self) -> int | None:
        await asyncio.shield(self.exited)
        return await super().wait()


class _FreshProcess:
    """A program that jupyter_client has started."""

    protection = _PROTECTION
    welcomes = False
    begins_stage = False

    def __init__(
        self, manager: AsyncKernelManager, provisioner: _WatchedProvisioner
    ) -> None:
        self._manager = manager
        self.pid = int(provisioner.pid or 0)
        self.group = int(provisioner.pgid or 0)
        self.exited = provisioner.exited
        self._guard = Guard(self.group) if self.group else None

    async def interrupt(self) -> None:
        await self._manager.interrupt_kernel()

    async def give_back(self) -> None:
        if self._guard is not None:
            self._guard.dismiss()
        await self._manager.cleanup_resources()


async def _wait_for(process: Any) -> int:
    """The exit status of a child process; negative for a signal."""
    loop = asyncio.get_running_loop()
    if not hasattr(os, "pidfd_open"):
        return int(await loop.run_in_executor(None, process.wait))
    descriptor = os.pidfd_open(process.pid)
    try:
        await readable(descriptor)
    finally:
        os.close(descriptor)
    return int(process.wait())


async def readable(descriptor: int) -> None:
    """Wait until something can be read; from the descriptor of a process, that it has
    ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)


class StageKernelClient(AsyncKernelClient):
    """What leaves nothing in the history leaves no trace at all: its source is not
    echoed to us, and nothing that listens to the user's cells hears of it."""

    def execute(
        self,
        code: str,
        silent: bool = False,
        store_history: bool = True,
        *args: Any,
        **given: Any,
    ) -> Any:
        """As jupyter_client's."""
        return super().execute(
            code, silent or not store_history, store_history, *args, **given
        )


class StageKernel:
    """One running kernel and the client that talks to it. `close` gives back what was
    made for it."""

    def __init__(
        self,
        process: KernelProcess,
        client: AsyncKernelClient,
        close: Callable[[], None],
    ) -> None:
        self.process = process
        self.client = client
        self._close = close

    @property
    def exited(self) -> asyncio.Task[int]:
        """Done when the process has ended; its result is the exit status, negative for
        a signal."""
        return self.process.exited

    async def interrupt(self) -> None:
        """What the stop button does."""
        if not self.exited.done():
            await self.process.interrupt()

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel and everything that it started, at once."""
        self._signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.group or self.process.pid, number)
            else:
                os.kill(self.process.pid, number)

    async def shut_down(self) -> None:
        """End politely, so that files are flushed and exit handlers run; then make
        sure."""
        try:
            if not self.exited.done():
                self.client.shutdown()
                await self._wait(_SHUTDOWN_SECONDS)
            if not self.exited.done():
                self.terminate()
                await self._wait(_TERMINATE_SECONDS)
        finally:
            await self.end()

    async def end(self) -> None:
        """Kill what still runs and give everything back, also if the wait for its end
        is cut short."""
        self.kill()
        try:
            await asyncio.shield(self.exited)
        finally:
            await self.release()

    async def release(self) -> None:
        """Give back sockets and files of a kernel that has ended."""
        client = self.client
        # `stop_channels` would first make those that nobody has used.
        for channel in (
            client.shell_channel,
            client.iopub_channel,
            client.control_channel,
        ):
            channel.stop()
        try:
            await self.process.give_back()
        finally:
            self._close()

    async def _wait(self, seconds: float) -> None:
        await asyncio.wait({self.exited}, timeout=seconds)


class FreshKernels:
    """A new process for each stage."""

    async def start(self, request: KernelRequest) -> StageKernel:
        """Raises KernelError if the kernel does not come up."""
        check_kernel(request.name)
        context = new_context()
        return await start_kernel(
            request, _launch_fresh, context, lambda: context.destroy(linger=0)
        )


def new_context() -> zmq.asyncio.Context:
    """Sockets that listen to kernels."""
    context = zmq.asyncio.Context()
    # A client that comes before its kernel tries again; the default is ten times a
    # second.
    context.setsockopt(zmq.RECONNECT_IVL, 5)
    # A kernel throws outputs away when a thousand of them wait for us: none waits
    # there, all do here.
    context.setsockopt(zmq.RCVHWM, 0)
    return context


async def start_kernel(
    request: KernelRequest,
    launch: Launch,
    context: zmq.asyncio.Context,
    close: Callable[[], None] = lambda: None,
) -> StageKernel:
    """Launch a kernel and wait until it answers. `close` is called once it has ended.
    Raises KernelError."""
    kernel = await _launched(request, launch, context, close)
    ready = asyncio.ensure_future(_handshake(kernel))
    try:
        await asyncio.wait(
            {ready, kernel.exited},
            timeout=_START_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not ready.done():
            raise _not_started(request, kernel)
    except BaseException:
        ready.cancel()
        await kernel.end()
        raise
    return kernel


async def _launched(
    request: KernelRequest,
    launch: Launch,
    context: zmq.asyncio.Context,
    close: Callable[[], None],
) -> StageKernel:
    sockets = Path(tempfile.mkdtemp(prefix="jp-"))
    printed: KernelLog | None = None

    def close_all() -> None:
        close()
        shutil.rmtree(sockets, ignore_errors=True)
        if printed is not None:
            printed.close()

    try:
        printed = open_log(request.log, Masker(request.secrets))
        process, client = await launch(request, sockets, printed.target, context)
    except OSError as error:
        close_all()
        problem = f"The kernel {request.name!r} cannot be started: {error}."
        raise KernelError(problem, code="kernel_broken") from error
    except BaseException:
        close_all()
        raise
    return StageKernel(process, client, close_all)


async def _launch_fresh(
    request: KernelRequest, sockets: Path, log: Path, context: zmq.asyncio.Context
) -> tuple[KernelProcess, AsyncKernelClient]:
    manager = AsyncKernelManager(
        kernel_name=request.name, context=context, connection_file=f"{sockets}/k.json"
    )
    if sys.platform != "win32":
        # Files in a private folder: no port that another process can take, nothing on
        # the network.
        manager.transport, manager.ip = "ipc", f"{sockets}/k"
    spec = manager.kernel_spec
    provisioner = _WatchedProvisioner(
        kernel_id="stage", kernel_spec=spec, parent=manager
    )
    manager.provisioner = provisioner
    manager.client_factory = StageKernelClient
    is_ipython = spec is not None and any(
        "ipykernel" in argument for argument in spec.argv
    )
    with log.open("ab", buffering=0) as printed:
        starting: Awaitable[Any] = manager.start_kernel(
            cwd=str(request.folder),
            env=request.environment,
            stdout=printed,
            stderr=printed,
            extra_arguments=IPYTHON_ARGUMENTS if is_ipython else [],
        )
        await starting
    return _FreshProcess(manager, provisioner), manager.client(context=context)


async def _handshake(kernel: StageKernel) -> None:
    """Wait until requests are answered and outputs are heard; before that they would be
    lost."""
    client = kernel.client
    client.start_channels(stdin=False, hb=False)
    heard = asyncio.ensure_future(client.iopub_channel.get_msg(timeout=None))
    if kernel.process.welcomes:
        await asyncio.wait({heard}, timeout=_WELCOME_SECONDS)
    while not heard.done():
        client.kernel_info()
        await client.shell_channel.get_msg(timeout=None)
        await asyncio.wait({heard}, timeout=0.05)


def _not_started(request: KernelRequest, kernel: StageKernel) -> KernelError:
    program = find_program(request.name)
    said = (
        request.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    )
    if kernel.exited.done():
        problem = f"ended at once with status {kernel.exited.result()}"
    else:
        problem = f"did not answer within {_START_SECONDS:.0f} seconds"
    return KernelError(
        f"The kernel {request.name!r} {problem}" + (f": {said[-1]}" if said else "."),
        code="kernel_broken",
        hint=f"Try it yourself: {Path(program).name} -m ipykernel --version ({program})",
    )
