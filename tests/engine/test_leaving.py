"""A kernel ends its control thread before ipykernel's exit handler closes what that
thread waits for."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import atexit
from types import SimpleNamespace
from ipykernel.control import ControlThread
from jupyter_pipe.kernel.shutdown import leave_in_order

thread = ControlThread(daemon=True)
thread.start()
atexit.register(lambda: print("alive when ipykernel closes:", thread.is_alive()))
{leave}
"""


def at_exit(leave: str) -> str:
    script = SCRIPT.format(leave=leave)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_control_thread_ends_first() -> None:
    assert at_exit("") == "alive when ipykernel closes: True"
    leave = "leave_in_order(SimpleNamespace(control_thread=thread))"
    assert at_exit(leave) == "alive when ipykernel closes: False"


def test_a_thread_that_has_ended_and_a_kernel_without_one_are_no_trouble() -> None:
    ended = "thread.stop(); thread.join(); leave_in_order(SimpleNamespace(control_thread=thread))"
    assert at_exit(ended) == "alive when ipykernel closes: False"
    assert at_exit("leave_in_order(None)") == "alive when ipykernel closes: True"
