"""A process that analyses notebooks for the server, one after the other. Started by
`pool`.

It imports and reads what every request needs, and forks for the work: a fork that has
grown large, or that had to make way for others, is followed by a fresh one at once. It
ends with the server, and when one notebook takes longer than the server waits. What is
printed here goes to the server's log: standard output carries answers.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

import msgspec

from jupyter_pipe.errors import ErrorCode, PipeError
from jupyter_pipe.server.decoding import decode_body, error_body
from jupyter_pipe.server.operations.payloads import PageRequest
from jupyter_pipe.server.operations.service import (
    AnswerOrder,
    LabelOrder,
    OperationsService,
)
from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.payloads import (
    CheckRequest,
    CompileRequest,
    GraphRequest,
    PlanRequest,
    SuggestRequest,
)
from jupyter_pipe.server.pipelines.frames import Reply, Task, read_frame, write_frame
from jupyter_pipe.server.pipelines.service import PipelineService

__all__ = ["answer", "main"]

_ANALYSES: dict[str, type[Any]] = {
    "check": CheckRequest,
    "compile": CompileRequest,
    "graph": GraphRequest,
    "plan": PlanRequest,
    "suggest": SuggestRequest,
}
_PAGES: dict[str, type[Any]] = {
    "waiting": PageRequest,
    "answer": AnswerOrder,
    "models": PageRequest,
    "data": PageRequest,
    "studies": PageRequest,
    "service": PageRequest,
    "loop": PageRequest,
    "monitoring": PageRequest,
    "labels": PageRequest,
    "label": LabelOrder,
}
_TOO_LARGE: dict[bool, tuple[str, ErrorCode, str]] = {
    False: (
        "Analysing the notebook took more memory than the server allows.",
        "analysis_memory",
        "Move large literals into files that the notebook reads.",
    ),
    True: (
        "What the page shows takes more memory than the server allows.",
        "operations_memory",
        "Remove old runs and logs: jupyter pipe gc",
    ),
}
# Kilobytes, as the system counts. What is kept between notebooks should not grow for
# ever.
_MOST_KEPT = 400 << 10
# Seconds of work after which a request is a slow one, and makes way for others.
_QUICK = 1.0
_LESS_URGENT = 5
# Seconds that the server's own limit has to act first.
_GRACE = 10.0
# The exit code of a fork that another one should follow.
_SPENT = 3


def main() -> int:
    """Answer until nobody asks. The arguments are the limit of one request in seconds,
    and that of this process in bytes."""
    seconds, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    answers = _take_standard_output()
    _limit_memory(memory_bytes)
    _warm_up()
    if not hasattr(os, "fork"):  # Windows
        _serve(answers, seconds, is_alone=True)
        return 0
    # What is there now is never written to again, so that forks share it.
    gc.collect()
    gc.freeze()
    while _serve_in_fork(answers, seconds) == _SPENT:
        continue
    return 0


def _serve_in_fork(answers: IO[bytes], seconds: float) -> int:
    """How a fork ended that answered as long as it could. It has the ends of both
    pipes: the server does not notice that another one goes on."""
    pid = os.fork()
    if pid == 0:
        os._exit(_serve(answers, seconds, is_alone=False))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _serve(answers: IO[bytes], seconds: float, *, is_alone: bool) -> int:
    """Answer until nobody asks, or until this process is spent: then, if it `is_alone`,
    the last answer says so."""
    threading.Thread(target=_end_with_server, daemon=True).start()
    while (task := read_frame(sys.stdin.buffer, Task)) is not None:
        _set_alarms(seconds)
        reply = answer(task)
        _set_alarms(0)
        is_spent = _is_spent()
        write_frame(
            answers, msgspec.structs.replace(reply, is_last=is_spent and is_alone)
        )
        if is_spent:
            return _SPENT
    return 0


def answer(task: Task) -> Reply:
    """What a client gets. Never raises, whatever the notebook does to us."""
    is_page = task.kind in _PAGES
    try:
        kind = _PAGES[task.kind] if is_page else _ANALYSES[task.kind]
        root = Root(task.root)
        service = OperationsService(root) if is_page else PipelineService(root)
        method: Any = getattr(service, task.kind)
        return Reply(200, msgspec.json.encode(method(decode_body(task.body, kind))))
    except PipeError as error:
        return _refused(error)
    except MemoryError:
        message, code, hint = _TOO_LARGE[is_page]
        return _refused(PipeError(message, code=code, hint=hint))
    except BaseException:
        return Reply(500, b"", traceback.format_exc())


def _refused(error: PipeError) -> Reply:
    return Reply(error.http_status, msgspec.json.encode(error_body(error)))


def _take_standard_output() -> IO[bytes]:
    """The pipe to the server; what is printed from now on goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _limit_memory(wanted: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    allowed, most = resource.getrlimit(resource.RLIMIT_AS)
    if allowed == resource.RLIM_INFINITY or allowed > wanted:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def _end_with_server() -> None:
    """Wait, besides the work, until the server has closed its end of the pipe, however
    it ended."""
    import select

    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(0, 0)  # nothing but the end, which is always told
        poll.poll()
        os._exit(0)


def _set_alarms(seconds: float) -> None:
    """For a request that begins, or, with 0, none any more. The alarm ends the process
    wherever it hangs, even when no server is left that could."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, lambda number, frame: _make_way())
        signal.setitimer(signal.ITIMER_PROF, _QUICK if seconds else 0)
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE if seconds else 0)


def _make_way() -> None:
    with contextlib.suppress(OSError):
        os.nice(_LESS_URGENT)


def _is_spent() -> bool:
    """Whether a new process should go on: this one has had to make way, or has
    grown."""
    try:
        import resource
    except ImportError:
        return False
    made_way = os.getpriority(os.PRIO_PROCESS, 0) > _BEGAN_WITH
    return made_way or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > _MOST_KEPT


_BEGAN_WITH = os.getpriority(os.PRIO_PROCESS, 0) if hasattr(os, "getpriority") else 0


def _warm_up() -> None:
    """Read the tables and import what every request needs, before there is one."""
    from jupyter_pipe.compiler import draft_pipeline

    for name in ("jupyter_pipe.engine.reuse.forecast", "jupyter_pipe.suggest"):
        importlib.import_module(name)

    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "import os\nx = [1]",
        "outputs": [],
    }
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    with contextlib.suppress(PipeError):
        draft_pipeline(Path("warm.ipynb"), msgspec.json.encode(notebook))
