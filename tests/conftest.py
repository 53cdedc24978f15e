from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import settings

# A busy machine is not a failure.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# What tests write is signed, by processes that they start as well, and no key of the user's is touched.
os.environ["JUPYTER_PIPE_KEY"] = "key-of-the-tests-" + "0" * 32


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start kernels come first, then those with many tests: of two workers, none is left with a
    long one at the end. (pytest-xdist's own order, which the Makefile switches off, counts tests alone.)"""
    kernels = {item.path for item in items if item.get_closest_marker("kernel")}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in kernels, -tests[item.path]))
