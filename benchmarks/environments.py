"""Environments of their own for the peers, so that their requirements do not meet
ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = Path(__file__).parent.parent / ".make" / "peers"


def binaries(requirement: str) -> Path:
    """Where the executables of a peer's environment are."""
    return ENVIRONMENTS / requirement / "bin"


def install(requirement: str, *others: str) -> bool:
    """Whether the peer could be installed, now or before, with `others` beside it."""
    done = ENVIRONMENTS / requirement / "installed"
    if done.exists():
        return True
    print(f"installing {requirement}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(done.parent)], check=True)
    pip = [str(binaries(requirement) / "python"), "-m", "pip", "install", "--quiet"]
    if subprocess.run([*pip, requirement, *others], check=False).returncode:
        return False
    done.touch()
    return True


def version(requirement: str) -> str:
    """The installed version of a peer."""
    code = f"import importlib.metadata as m; print(m.version({requirement!r}))"
    ran = subprocess.run(
        [binaries(requirement) / "python", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()
