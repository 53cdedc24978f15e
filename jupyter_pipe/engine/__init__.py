"""Running compiled packages: `run_pipeline` blocks until a run is over;
`request_cancel` ends one."""

from __future__ import annotations

from jupyter_pipe.engine.control import request_cancel
from jupyter_pipe.engine.runner import run_pipeline
from jupyter_pipe.engine.targets import RunRequest, Target, open_target

__all__ = ["RunRequest", "Target", "open_target", "request_cancel", "run_pipeline"]
