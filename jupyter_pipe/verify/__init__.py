"""Does the pipeline compute what the notebook computes? Runs both and compares."""

from __future__ import annotations

from jupyter_pipe.verify.verify import Verdict, Verification, verify

__all__ = ["Verdict", "Verification", "verify"]
