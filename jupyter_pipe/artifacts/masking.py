"""The masker, for the host: the kernel side has it, since it must not write a secret
down to begin with."""

from __future__ import annotations

from jupyter_pipe.kernel.secrets.masker import HIDDEN, SHORTEST, Masker, StreamMasker
from jupyter_pipe.kernel.secrets.results import masked_result

__all__ = ["HIDDEN", "SHORTEST", "Masker", "StreamMasker", "masked_result"]
