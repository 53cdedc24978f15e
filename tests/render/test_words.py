"""How amounts are written: cases that JupyterLab writes alike
(`labextension/tests/durations.test.ts`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.render.words import seconds_text

SHARED = json.loads(
    (Path(__file__).parents[1] / "shared" / "durations.json").read_text(
        encoding="utf-8"
    )
)


@pytest.mark.parametrize(("seconds", "text"), SHARED["durations"])
def test_durations_are_written_alike(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
