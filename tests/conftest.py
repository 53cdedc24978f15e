from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Generator

import pytest
from hypothesis import settings

# A busy machine is not a failure.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# What tests write is signed, by processes that they start as well, and no key of the
# user's is touched.
os.environ["JUPYTER_PIPE_KEY"] = "key-of-the-tests-" + "0" * 32


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Ten thousand tests and the libraries that they import stay until the end. Nothing
    of it is garbage, in this process or in what it forks."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start kernels come first, then those with many tests: of two workers,
    none is left with a long one at the end. (pytest-xdist's own order, which the
    Makefile switches off, counts tests alone.)"""
    kernels = {item.path for item in items if item.get_closest_marker("kernel")}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in kernels, -tests[item.path]))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Name the tests that failed once more, last of all: of a long log, people see its
    end."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    for outcome in ("rerun", "error", "failed"):
        for report in reporter.stats.get(outcome, ()):
            why = str(report.longrepr).strip().splitlines()
            # pytest marks the lines that say what went wrong: `E   AssertionError: …`
            said = [
                line.removeprefix("E").strip() for line in why if line.startswith("E ")
            ]
            print(f"{outcome}: {report.nodeid}: {'; '.join(said[:3])[:300]}")
