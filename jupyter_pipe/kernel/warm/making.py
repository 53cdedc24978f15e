"""An IPython kernel made before the fork and connected after it.

Most of what a kernel's start costs is making objects that are the same in every kernel:
the application with its configuration, the shell with its magics. `make_kernel` makes
them in the process that forks, where nothing may start a thread, open a socket or
depend on a stage; `connect` gives them, in the child, what a kernel has of its own. It
needs ipykernel: only what forks kernels calls it.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import re
import select
import sys
import threading
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ..shell import find_shell

__all__ = ["connect", "make_kernel"]

_OUR_CALL = re.compile(
    r'__import__\("jupyter_pipe_kernel"\)\.(?P<function>load_inputs|store_outputs)\((?P<names>.*)\)'
)

# What `init_kernel` passes on, and the kernel has already or must get in another way.
_KEPT = frozenset({"parent", "log", "profile_dir", "user_ns"})


def make_kernel(arguments: list[str]) -> Any:
    """The application of a kernel that is started with these (`--Class.trait=value`),
    not connected yet. Raises whatever ipykernel or the user's configuration raises."""
    given = _configuration(arguments)
    application = _application_class().instance(cli_config=given)
    # The parser that knows every option of a kernel takes a tenth of a kernel's start
    # to make.
    application.parse_command_line = lambda argv=None: application.update_config(given)
    application.initialize_early()

    application.kernel_class = _kernel_class()
    application.kernel = application.kernel_class.instance(
        parent=application,
        session=application.session,
        log=application.log,
        profile_dir=application.profile_dir,
    )
    _load_extensions(application)
    _flush_only_what_was_written()
    _make_no_unheard_records(application.log)
    return application


def connect(application: Any, connection_file: str, stage: dict[str, Any]) -> None:
    """Give the kernel its sockets, streams, threads and folder, and run what the user's
    profile runs in every kernel. The file says where to listen; the stage, if there is
    one, begins with the first request."""
    application.connection_file = connection_file
    application.config.IPKernelApp.connection_file = connection_file
    _renew(application.session)
    application.initialize_late()
    application.kernel.stage = stage


def _renew(session: Any) -> None:
    """Messages of this process are its own. The key to sign them comes with the
    connection file."""
    session.session = uuid.uuid4().hex
    session.pid = os.getpid()


def _configuration(arguments: list[str]) -> Any:
    from traitlets.config.loader import Config, DeferredConfigString

    # tqdm takes a kernel for one only if its application has a setting of its own.
    given = Config({"IPKernelApp": {"connection_file": ""}})
    for argument in arguments:
        trait, _, value = argument.removeprefix("--").partition("=")
        owner, _, name = trait.partition(".")
        given[owner][name] = DeferredConfigString(value)
    return given


class _NoSubshells:
    """Stands where ipykernel has the thread that hands requests on to subshells. A
    stage runs one cell at a time, so none is needed; `do_execute` asks it all the same
    which thread runs cells."""

    io_loop = None

    def __init__(self) -> None:
        self.parent_thread = threading.main_thread()

    def __bool__(self) -> bool:
        return False


def _application_class() -> Any:
    """A subclass of ipykernel's, which is imported only now."""
    from ipykernel.kernelapp import IPKernelApp
    from IPython.core.application import BaseIPythonApplication

    class WarmApplication(IPKernelApp):
        """`IPKernelApp.initialize`, cut where the process is forked."""

        def initialize_early(self) -> None:
            """The user's configuration. There is no shell yet."""
            BaseIPythonApplication.initialize(self)
            self.init_pdb()

        def initialize_late(self) -> None:
            """All that belongs to one process. Nobody asks for the heartbeat, so there
            is none."""
            self.init_blackhole()
            self.init_connection_file()
            self.init_sockets()
            self.init_io()
            self.init_signal()
            self.init_kernel()
            self.init_path()
            self.init_shell()
            self.init_gui_pylab()
            self.init_extensions()
            self.init_code()
            sys.stdout.flush()
            sys.stderr.flush()

        def init_control(self, context: Any) -> None:
            """As in ipykernel, without subshells."""
            super().init_control(context)
            if getattr(self, "shell_channel_thread", None) is not None:
                self.shell_channel_thread.io_loop.close(all_fds=True)
                self.shell_channel_thread = _NoSubshells()

        def init_iopub(self, context: Any) -> None:
            """As in ipykernel. The process ends without taking its sockets and threads
            apart: nobody listens any more, and the system does it faster."""
            import zmq

            # By default a thousand outputs wait for a runner that gets no processor,
            # and the next are lost.
            context.setsockopt(zmq.SNDHWM, 0)
            super().init_iopub(context)
            atexit.unregister(self.close)
            atexit.unregister(self.iopub_thread.stop)

    return WarmApplication


class _BeginsStage:
    """Of a kernel: `stage` begins with the first request. It has the path of the
    `context`, the sources that are `leading`, and the `numbers` of the user's cells
    that are still to come; an empty one is none."""

    stage: dict[str, Any] = {}
    execution_count: int

    async def execute_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """As in ipykernel, where a request that goes into the history is the next cell
        of the user's."""
        numbers = self.stage.get("numbers")
        if numbers and parent["content"].get("store_history"):
            _count(numbers.pop(0))
        await super().execute_request(stream, ident, parent)  # type: ignore[misc]

    async def do_execute(
        self,
        code: str,
        silent: bool,
        *args: Any,
        cell_meta: Any = None,
        cell_id: Any = None,
        **given: Any,
    ) -> Any:
        """As in ipykernel, once the stage has begun. A beginning that fails is the
        answer."""
        execute: Callable[..., Awaitable[Any]] = super().do_execute  # type: ignore[misc]
        if "context" in self.stage:
            problem = await _begin(self.stage, execute)
            if problem:
                return {
                    **problem,
                    "execution_count": self.execution_count,
                    "user_expressions": {},
                }
        if not given.get("store_history", True) and _call_directly(code):
            return {
                "status": "ok",
                "execution_count": self.execution_count,
                "user_expressions": {},
            }
        return await execute(
            code, silent, *args, cell_meta=cell_meta, cell_id=cell_id, **given
        )


def _kernel_class() -> Any:
    from ipykernel.ipkernel import IPythonKernel

    class WarmKernel(_BeginsStage, IPythonKernel):
        """A kernel whose constructor has run in another process."""

        @classmethod
        def instance(cls, *args: Any, **given: Any) -> Any:
            """`init_kernel` calls it with the sockets of this process: they replace
            what there was."""
            if not cls.initialized():
                return super().instance(*args, **given)
            made = super().instance()
            _reconnect(made, given)
            return made

        @property
        def _supports_kernel_subshells(self) -> bool:
            return False

        def _process_children(self) -> Any:
            """Only who has children needs to look for theirs among all processes of the
            machine. One that has ended is none: ipykernel would wait 14 seconds for
            somebody to ask how."""
            if not _has_children():
                return []
            return [
                child for child in super()._process_children() if not _has_ended(child)
            ]

    return WarmKernel


async def _begin(
    stage: dict[str, Any], execute: Callable[..., Awaitable[Any]]
) -> dict[str, Any]:
    """The content of the reply to the first request, if the stage cannot begin:
    `jupyter_pipe` says which of the leading sources is to blame, -1 for none."""
    from .. import begin

    try:
        begin(stage.pop("context"))
    except BaseException as error:
        said = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
        return {"status": "error", **said, "jupyter_pipe": -1}
    for place, source in enumerate(stage.pop("leading")):
        reply = await execute(source, True, store_history=False)
        leaves = any(
            payload.get("source") == "ask_exit" for payload in reply.get("payload", ())
        )
        if leaves or reply["status"] != "ok":
            return {**reply, "jupyter_pipe": place}
    return {}


def _call_directly(code: str) -> bool:
    """Whether this is one of the two cells that we give every stage, and went well.
    IPython takes longer to read and compile a cell than most of these calls; it runs
    the one that fails, and tells why."""
    import jupyter_pipe_kernel

    call = _OUR_CALL.fullmatch(code)
    if call is None:
        return False
    shell: Any = find_shell()
    try:
        with shell.builtin_trap:
            getattr(jupyter_pipe_kernel, call["function"])(
                *json.loads(f"[{call['names']}]")
            )
    except Exception:
        return False
    return True


def _count(number: int | None) -> None:
    """The next cell is In[number], if its number is known."""
    from .. import set_execution_count

    if number is not None:
        set_execution_count(number)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _has_ended(child: Any) -> bool:
    """Of a child as psutil has it."""
    import psutil

    try:
        return bool(child.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _reconnect(kernel: Any, given: dict[str, Any]) -> None:
    """What the constructors of kernel and shell had derived from the process that they
    ran in."""
    for name, value in given.items():
        if name not in _KEPT:
            setattr(kernel, name, value)
    kernel.ident = str(uuid.uuid4())
    kernel._stdout, kernel._stderr = sys.stdout, sys.stderr

    _reconnect_shell(kernel.shell, kernel)


def _reconnect_shell(shell: Any, kernel: Any) -> None:
    for publisher in (shell.displayhook, shell.display_pub):
        publisher.session, publisher.pub_socket = kernel.session, kernel.iopub_socket
    shell.displayhook.topic = kernel._topic("execute_result")

    shell.init_environment()
    shell.save_sys_module_state()
    shell.starting_dir = os.getcwd()
    shell.history_manager.dir_hist[:] = [Path.cwd()]
    session_name = os.environ.get("JPY_SESSION_NAME")
    if session_name:
        shell.user_ns["__session__"] = session_name


def _flush_only_what_was_written() -> None:
    """ipykernel flushes both streams twice a request, and wakes a thread each time and
    waits for it. Where nothing was written there is nothing to wait for."""
    from ipykernel.iostream import OutStream

    streams: Any = OutStream
    flush = streams.flush

    def flush_if_written(stream: Any) -> None:
        # Below pytest ipykernel leaves the descriptor of the stream alone, and has none
        # that it reads from.
        watched = getattr(stream, "_fid", None)
        if (
            stream._buffers
            or stream._flush_pending
            or stream.echo is not None
            or _is_readable(watched)
        ):
            flush(stream)

    streams.flush = flush_if_written


def _load_extensions(application: Any) -> None:
    """Those of every kernel, unless they restore a user's variables (`%store`), which
    may be anything."""
    if not application.config.StoreMagics:
        for name in application.default_extensions:
            application.kernel.shell.extension_manager.load_extension(name)


def _make_no_unheard_records(log: logging.Logger) -> None:
    """traitlets leaves it to the handlers which records are shown: six records of every
    request, with all of its content, are made for nobody. Changing
    `Application.log_level` sets the levels anew."""
    if log.handlers and not log.propagate:
        log.setLevel(min(handler.level for handler in log.handlers))


def _is_readable(descriptor: int | None) -> bool:
    """Whether something below Python has printed that is not in the stream's buffer
    yet."""
    if descriptor is None:
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
