"""Profiles of values that this process has in hand, made by the kernel side's own
code."""

from __future__ import annotations

from typing import Any

import msgspec

from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.kernel.profiles import make_profile

__all__ = ["profile_value"]


def profile_value(value: Any) -> Profile:
    """What the value looks like: columns of a frame, a series or an array; of other
    values type and size."""
    return msgspec.convert(make_profile(value), Profile)
