"""Runs a piece of code as a cell under observation, in this process, and says in words
what was noted."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath
from jupyter_pipe.kernel.observe.observer import Observer

__all__ = ["observe", "words"]


def observe(folder: Path, *cells: str, given: tuple[str, ...] = ()) -> Observations:
    """Each text is a cell: `c1`, `c2`, … An exception of the last one is the end of the
    stage."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    observer = Observer(namespace, str(folder), "salt", given)
    before, working, path = {*sys.modules}, os.getcwd(), [*sys.path]
    os.chdir(folder)
    installed = (sys.prefix, sys.base_prefix)
    sys.path[:] = [
        "",
        *(
            one
            for one in path
            if one.startswith(installed) or one.endswith("-packages")
        ),
    ]
    observer.begin()
    try:
        for number, cell in enumerate(cells, start=1):
            observer.enter(f"c{number}")
            exec(
                compile(textwrap.dedent(cell), "<cell>", "exec", dont_inherit=True),
                namespace,
            )
    except Exception as error:
        namespace["error"] = error
    finally:
        observer.stop()
        observed = observer.report()
        observer.remove()
        os.chdir(working)
        sys.path[:] = path
        _forget_modules_of(folder, before)
    assert not observer.problems, observer.problems
    return msgspec.convert(observed, Observations)


def _forget_modules_of(folder: Path, before: set[str]) -> None:
    for name in {*sys.modules} - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def words(observed: Observations) -> list[str]:
    """`content a.csv`, `listing inputs *.csv`, `missing b.csv`, `wrote c.csv`,
    `variable MODE`, sorted."""
    return sorted(_words(observed))


def _words(observed: Observations) -> Iterator[str]:
    yield from (_of_read(one) for one in observed.read)
    yield from (f"module {one.path}" for one in observed.modules)
    yield from (
        f"{'removed' if one.digest == 'missing' else 'wrote'} {one.path}"
        for one in observed.written
    )
    yield from (f"emptied {one.path}" for one in observed.emptied)
    yield from (f"variable {one.name}" for one in observed.variables)
    yield from (f"{one.kind} {one.name}" for one in observed.contacts)
    if observed.calendar:
        yield "calendar"


def _of_read(one: ObservedPath) -> str:
    match one.aspect:
        case "presence":
            return f"{one.digest} {one.path}"
        case "listing":
            return f"listing {one.path} {one.pattern}".strip()
        case _:
            return f"{'appended' if one.appended else one.aspect} {one.path}"
