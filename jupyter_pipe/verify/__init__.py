"""Does the pipeline compute what the notebook computes? Runs both and compares."""

from __future__ import annotations

from jupyter_pipe.verify.model import (
    Divergence,
    JoinedVerification,
    Refusal,
    Verdict,
    Verification,
    Watcher,
)
from jupyter_pipe.verify.together import verify_together
from jupyter_pipe.verify.verify import verify

__all__ = [
    "Divergence",
    "JoinedVerification",
    "Refusal",
    "Verdict",
    "Verification",
    "Watcher",
    "verify",
    "verify_together",
]
