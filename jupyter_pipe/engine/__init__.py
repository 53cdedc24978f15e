"""Running compiled packages: `run_pipeline` blocks until a run is over; `request_cancel` ends one."""

from __future__ import annotations

from jupyter_pipe.engine.control import request_cancel
from jupyter_pipe.engine.request import RunRequest
from jupyter_pipe.engine.runner import run_pipeline

__all__ = ["RunRequest", "request_cancel", "run_pipeline"]
