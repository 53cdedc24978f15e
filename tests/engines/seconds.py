"""How long each engine took for the run of `trial` that succeeds, for the table in
docs/engines.md.

`UPDATE_ENGINES=1 make test-engines && python docs/write_engines.py` puts it there;
nothing is judged by it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["measured", "write_seconds"]

FIGURES = Path(__file__).parents[2] / "docs" / "engines.seconds.json"
_found: dict[str, int] = {}


@contextmanager
def measured(engine: str) -> Iterator[None]:
    """Remember the seconds that pass inside."""
    began = time.monotonic()
    yield
    _found[engine] = round(time.monotonic() - began)


def write_seconds() -> None:
    """Put what was measured beside what other sessions have."""
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    text = json.dumps({**known, **_found}, indent=2, sort_keys=True)
    FIGURES.write_text(f"{text}\n", encoding="utf-8")
