"""The process from which warm kernels are forked. Run as a script by the kernelspec's
interpreter.

It imports ipykernel and the libraries that it is asked for, makes what all kernels have
in common (`warm`), computes nothing, and forks a child for each request; the child
becomes an ordinary IPython kernel. Requests come over a Unix socket, one connection a
kernel: a line of JSON with `modules`, `argv`, `folder`, `environment`, `log`, `stage`
(what begins with the kernel's first request); answered by `{"pid", "welcomes"}` or
`{"refused"}`, and by `{"status"}` when the kernel has ended. One with `modules` alone
is to import these, and is not answered. Standard input is the runner's life line: when
it closes, every child is killed and the process ends. Kernels hold the same line, so
they live on if this process is killed.

Standard library only until a request names modules.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import fcntl
import gc
import importlib
import importlib.util
import json
import os
import select
import selectors
import signal
import socket
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

__all__ = ["main"]

_LINE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1
# What every kernel imports while it starts.
_KERNEL_MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "psutil",
    "sqlite3",
    "tornado.platform.asyncio",
)
# Nobody debugs a stage from a front end, and this is a quarter of those imports. A
# stage that wants it can import it.
_DEBUGGER = "debugpy"
_GENERATORS = ("random", "numpy.random", "torch")
_INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


class _Parent:
    """Listens, imports, forks, reaps. One thread, no state but its children."""

    def __init__(self, path: str, application: Any) -> None:
        self.application = application
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o600)
        self.listener.listen()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.children: dict[int, socket.socket] = {}
        self.wake, wake_writer = socket.socketpair()
        self.wake.setblocking(False)
        wake_writer.setblocking(False)
        self.sockets = [self.listener, self.wake, wake_writer]
        self.selector.register(self.wake, selectors.EVENT_READ)
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> None:
        """Until the life line closes."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj is self.wake:
                    self.wake.recv(4096)
                else:
                    self._hear(key.fileobj)  # type: ignore[arg-type]
            self._reap()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        self.selector.register(connection, selectors.EVENT_READ)
        self.sockets.append(connection)

    def _hear(self, connection: socket.socket) -> None:
        line = _read_line(connection)
        if not line:
            self._forget(connection)
            return
        request = json.loads(line)
        if "argv" in request:
            self._fork(connection, request)
        else:
            _prepare(request["modules"])

    def _forget(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        self.sockets.remove(connection)
        connection.close()

    def _fork(self, connection: socket.socket, request: dict[str, Any]) -> None:
        refusal = _prepare(request["modules"])
        if refusal:
            _send(connection, {"refused": refusal})
            return
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._leave()
            _become_kernel(request, self.application)
        self.children[pid] = connection
        _send(connection, {"pid": pid, "welcomes": _greets_subscribers()})

    def _leave(self) -> None:
        """In the child: nothing of the parent's remains open."""
        gc.enable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.selector.close()
        for each in self.sockets:
            each.close()

    def _reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self.children.pop(pid, None)
            if connection is not None and connection in self.sockets:
                _send(connection, {"status": os.waitstatus_to_exitcode(status)})

    def kill_children(self) -> None:
        """Every kernel with its process group."""
        for pid in self.children:
            for kill in (os.killpg, os.kill):
                try:
                    kill(pid, signal.SIGKILL)
                except OSError:
                    continue


def _read_line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        try:
            chunk = connection.recv(_LINE_BYTES)
        except OSError:
            return b""
        if not chunk:
            return b""
        received += chunk
    return received


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def _prepare(modules: list[str]) -> str:
    """Import what the kernel will want. Returns why forking would not be safe, if it is
    not."""
    with _kernel_to_come():
        for name in modules:
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # the stage's own import will say so, in the stage
    if threading.active_count() > 1:
        others = [
            each.name
            for each in threading.enumerate()
            if each is not threading.current_thread()
        ]
        return f"importing {', '.join(modules)} started threads ({', '.join(others)})"
    return ""


@contextlib.contextmanager
def _kernel_to_come() -> Iterator[None]:
    """pandas asks while it is imported whether a kernel will show its frames: those of
    a terminal are cut to its width instead of being wrapped."""
    builtins.get_ipython = lambda: types.SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


def _greets_subscribers() -> bool:
    """Whether kernels say on their output channel when somebody begins to listen (from
    ipykernel 7 on)."""
    from ipykernel.iostream import IOPubThread

    return hasattr(IOPubThread, "_send_welcome_message")


def _become_kernel(request: dict[str, Any], application: Any) -> None:
    """In the child: never returns."""
    from jupyter_pipe_kernel.warm.ending import end_process
    from jupyter_pipe_kernel.warm.making import connect

    status = 1
    try:
        _settle(request)
        connect(application, sys.argv[sys.argv.index("-f") + 1], request["stage"])
        application.start()
        status = 0
    except SystemExit as leaving:
        status = (
            leaving.code
            if isinstance(leaving.code, int)
            else int(leaving.code is not None)
        )
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        end_process(status)


def _settle(request: dict[str, Any]) -> None:
    """What a fresh process would have: a session, streams, folder, environment, entropy
    of its own."""
    os.setsid()
    _hold_life_line()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = request["argv"]
    reseed()
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        # What matplotlib reads when it is imported, and ipykernel sets in every kernel.
        matplotlib.rcParams["backend"] = os.environ.setdefault(
            "MPLBACKEND", _INLINE_BACKEND
        )


def reseed() -> None:
    """Gives each generator that a library made for the process, when it was imported, a
    state of its own: two kernels of one parent would draw the same numbers."""
    for name in _GENERATORS:
        module = sys.modules.get(name)
        if module is not None:
            module.seed()


def _hold_life_line() -> None:
    """Have the system kill this process when the runner ends, whether its parent still
    lives or not."""
    try:
        # Opened anew: whom the system signals belongs to an open file, and ours is
        # shared with the parent.
        line = os.open("/proc/self/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(line, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(line, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    except OSError:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    if select.select([line], [], [], 0)[0]:
        os._exit(1)  # it has closed in the meantime


def _import_ipykernel() -> None:
    modules: dict[str, Any] = sys.modules
    modules[_DEBUGGER] = None  # for `import` it is not installed
    for name in _KERNEL_MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    del modules[_DEBUGGER]


def _import_kernel_side() -> None:
    """Under the name that kernels know it by, so that none has to import it again."""
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "jupyter_pipe_kernel",
        os.path.join(folder, "__init__.py"),
        submodule_search_locations=[folder],
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.preload()


def main(path: str, arguments: list[str]) -> None:
    """Serve on the socket at `path`: kernels that were started with these arguments."""
    # Nothing becomes garbage here, and looking for it is a tenth of what imports cost.
    # Kernels do look.
    gc.disable()
    # What a script leaves in sys.path is this folder, which no kernel has there.
    del sys.path[0]
    _import_ipykernel()
    _import_kernel_side()
    from jupyter_pipe_kernel.warm.making import make_kernel

    parent = _Parent(path, make_kernel(arguments))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        parent.serve()
    finally:
        parent.kill_children()
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
