"""What the front end shares with Python is what the Python definitions say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GENERATOR = Path(__file__).parents[2] / "labextension" / "generate.py"


def test_types_are_current() -> None:
    checked = subprocess.run([sys.executable, str(GENERATOR), "--check"], check=False)
    assert checked.returncode == 0, f"run: python {GENERATOR.name}"
