"""The front end's payload types are those of the Python definitions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GENERATOR = Path(__file__).parents[2] / "labextension" / "generate_types.py"


def test_types_are_current() -> None:
    checked = subprocess.run([sys.executable, str(GENERATOR), "--check"], check=False)
    assert checked.returncode == 0, f"run: python {GENERATOR.name}"
