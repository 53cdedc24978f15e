"""Notices what must not happen: a canary, a call on the network, a file changed
outside, a command that hangs, a traceback of ours, a refusal that says nothing.

Commands run in forks of this process: as commands do, but without importing everything
anew.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import pkgutil
import re
import resource
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import jupyter_pipe

if TYPE_CHECKING:
    from tests.hostile.repository import Repository

__all__ = [
    "Done",
    "Listener",
    "Terminal",
    "happened_to",
    "import_all",
    "judged",
    "listening",
    "problems_of",
    "run_command",
    "snapshot",
]

SECONDS = 120.0
"""For a command that runs stages, on a machine that is busy with other things."""
_MEMORY_BYTES = 4 << 30
# What kernels, packages and other programs import, and no command of ours.
_NEVER_OURS = (
    "jupyter_pipe.kernel.",
    "jupyter_pipe.compiler.runtime.",
    "jupyter_pipe.registry.pyfunc",
)
_CODES = {0, 1, 2, 3, 4, 5, 130}
_CRASHED = 70
_OURS = re.compile(
    r'File "[^"]*/jupyter_pipe/(?!kernel/)[^"]*\.py"|Traceback \(most recent call last\):\n.*jupyter_pipe/'
)
_LONGEST_SENTENCE = 600
# No colour either: output is not a terminal here.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@dataclass(frozen=True)
class Done:
    """How a command ended. `code` is None if it had to be killed."""

    argv: tuple[str, ...]
    code: int | None
    output: str


def run_command(
    argv: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Done:
    """Run `jupyter pipe ARGV` in a folder, with nothing on standard input."""
    import_all()
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            _be_command(argv, folder, environment or {}, output.fileno())
        code = _wait(pid, seconds)
        output.seek(0)
        return Done(tuple(argv), code, output.read().decode("utf-8", "replace"))


@lru_cache(maxsize=1)
def import_all() -> None:
    """Import all of ours, and what commands import late: once here, instead of in every
    fork."""
    for name in ("jupytext", "nbdime.diffing.notebooks", "nbdime.prettyprint"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(jupyter_pipe.__path__, "jupyter_pipe."):
        if not module.name.startswith(_NEVER_OURS):
            importlib.import_module(module.name)


def _be_command(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], output: int
) -> NoReturn:
    code = _CRASHED
    try:
        _sit_down(folder, output)
        os.environ.update(environment)
        code = _type(argv)
    finally:
        os._exit(code)


def _sit_down(folder: Path, output: int) -> None:
    """Make this process one in which commands are typed in a folder, with nothing on
    standard input."""
    os.setsid()
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _type(argv: Sequence[str]) -> int:
    """The exit code of a command in this process."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = open(  # noqa: SIM115
        1, "w", encoding="utf-8", errors="surrogateescape", closefd=False
    )
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", closefd=False
    )
    code = _CRASHED
    try:
        from jupyter_pipe.cli.main import main

        code = main(list(argv))
    except SystemExit as stop:
        code = (
            stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        )
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = _CRASHED
    return code


def _wait(pid: int, seconds: float) -> int | None:
    descriptor = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([descriptor], [], [], seconds)
        if not ended:
            os.killpg(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status if ended else None
    finally:
        os.close(descriptor)


class Terminal:
    """One process in which commands are typed one after the other: ten cost what a fork
    for each of them costs once. Its folder, environment and output are as they were
    before each; after one that hung or killed the process, there is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - until `close`
        self._typed: socket.socket | None = None
        self._pid = 0

    def run(self, argv: Sequence[str], *, seconds: float = SECONDS) -> Done:
        """As `run_command`."""
        typed = self._typed or self._open()
        self._output.seek(0)
        self._output.truncate()
        typed.sendall(json.dumps(list(argv)).encode() + b"\n")
        process = os.pidfd_open(self._pid)
        select.select([typed.fileno(), process], [], [], seconds)
        os.close(process)
        answered, _, _ = select.select([typed], [], [], 0)
        answer = typed.recv(64) if answered else b""
        code = int(answer) if answer else self.close()
        self._output.seek(0)
        return Done(tuple(argv), code, self._output.read().decode("utf-8", "replace"))

    def close(self) -> int | None:
        """How the process ended; None if it had to be killed."""
        if self._typed is None:
            return 0
        self._typed.close()
        self._typed = None
        return _wait(self._pid, 0.5)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._output.close()

    def _open(self) -> socket.socket:
        import_all()
        self._typed, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._typed.close()
                _sit_down(self._folder, self._output.fileno())
                self._answer(theirs)
            finally:
                os._exit(_CRASHED)
        theirs.close()
        return self._typed

    def _answer(self, asked: socket.socket) -> None:
        environment = dict(os.environ)
        for line in asked.makefile("r", encoding="utf-8"):
            code = _type(json.loads(line))
            os.chdir(self._folder)
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)
            asked.sendall(str(code).encode())


class Listener:
    """A port of this machine on which nobody may call. `heard` holds the first bytes of
    each call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20.0)
                try:
                    self.heard.append(connection.recv(1 << 16))
                except OSError:
                    self.heard.append(b"")

    def take(self) -> list[bytes]:
        """What was heard since the last time."""
        found, self.heard = self.heard, []
        return found

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener for a while."""
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()


def snapshot(folder: Path) -> dict[str, str]:
    """Everything below a folder: what each name is, and what it holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder"
    return found


def problems_of(done: Done) -> Iterator[str]:
    """What was wrong with how a command ended, whatever it was given."""
    if done.code is None:
        yield "hung"
    elif done.code not in _CODES:
        yield f"ended with {done.code}: {done.output[-1500:]}"
    if "Traceback (most recent call last)" in done.output and _OURS.search(done.output):
        yield f"printed a traceback of ours: {done.output[-1500:]}"
    if done.code == 2:
        yield from _unclear(done)
    if _CONTROLS.search(done.output) and "--console" not in done.argv:
        yield f"sent controls to the terminal: {_CONTROLS.sub('[HERE]', done.output)[-1500:]!r}"


def _unclear(done: Done) -> Iterator[str]:
    """A refusal is one sentence, after the word `error`, unless findings are what was
    asked for."""
    errors = [line for line in done.output.splitlines() if line.startswith("error: ")]
    if len(errors) != 1:
        if errors or not (done.argv[0] == "check" or "--check" in done.argv):
            yield f"refused with {len(errors)} sentences: {done.output[-500:]}"
    elif len(errors[0]) > _LONGEST_SENTENCE or not errors[0].rstrip().endswith(
        (".", "…", "!", "?", ")")
    ):
        yield f"refused unclearly: {errors[0][:800]}"


def judged(
    argv: Sequence[str],
    repository: Repository,
    listener: Listener,
    *,
    environment: Mapping[str, str] | None = None,
    terminal: Terminal | None = None,
) -> list[str]:
    """Run a command in a repository, in `terminal` or a process of its own, and say
    what happened that must not."""
    before = snapshot(repository.outside)
    done = (
        terminal.run(argv)
        if terminal
        else run_command(argv, repository.folder, environment=environment)
    )
    return [*problems_of(done), *happened_to(repository, listener, before)]


def happened_to(
    repository: Repository, listener: Listener, before: dict[str, str]
) -> list[str]:
    """What was executed and sent since the last time, and whether the victim's files
    are as they were."""
    _let_calls_arrive(listener)
    ran = sorted(canary.name for canary in repository.canaries.iterdir())
    for name in ran:
        (repository.canaries / name).unlink()
    return [
        *(f"executed: {name}" for name in ran),
        *(f"sent: {call[:200]!r}" for call in listener.take()),
        *(
            ["changed what lies outside"]
            if snapshot(repository.outside) != before
            else []
        ),
    ]


def _let_calls_arrive(listener: Listener) -> None:
    """Give a call that is under way the time to be heard: one round trip through the
    same port."""
    with socket.create_connection(("127.0.0.1", listener.port)) as own:
        own.sendall(b"done")
    deadline = time.monotonic() + 5.0
    while b"done" not in listener.heard and time.monotonic() < deadline:
        time.sleep(0.01)
    listener.heard.remove(b"done")
