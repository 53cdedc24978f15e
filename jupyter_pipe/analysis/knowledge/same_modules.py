"""Modules that are known under several names: what is set under one is read under the
others."""

from __future__ import annotations

import functools

__all__ = ["first_name"]

_SAME = {
    "pylab": "matplotlib.pyplot",
    "matplotlib.pylab": "matplotlib.pyplot",
    "matplotlib.pyplot.matplotlib": "matplotlib",
    "matplotlib.pyplot.np": "numpy",
    "seaborn.mpl": "matplotlib",
    "pandas.plotting.plt": "matplotlib.pyplot",
    "statsmodels.api.np": "numpy",
}
_DRAWN = "rand randn randint random random_sample seed choice shuffle permutation normal uniform poisson"
# pylab offers numpy's generator beside pyplot's functions
_SAME |= {
    f"matplotlib.pyplot.{name}": f"numpy.random.{name}" for name in _DRAWN.split()
}


@functools.cache
def first_name(qualified: str) -> str:
    """The name under which the tables know a module or its member:
    `matplotlib.pyplot.rc` for `pylab.rc`."""
    parts = qualified.split(".")
    for length in range(min(len(parts), 3), 0, -1):
        same = _SAME.get(".".join(parts[:length]))
        if same is not None:
            return first_name(".".join((same, *parts[length:])))
    return qualified
