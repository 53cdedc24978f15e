"""Where a run came from: code, machine, interpreter. What `RunFacts.provenance` holds.

`collect_provenance` is called once, when a run starts. It never fails: what cannot be
known is left out. Holds no secret: nothing of the environment's variables, no URL of a
remote.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["collect_provenance", "git_state", "last_commit"]

# A repository on a slow disk must not hold up the run.
GIT_TIMEOUT_SECONDS = 3.0
_SURROUNDINGS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}


def collect_provenance(
    notebook: Path | str,
    *,
    notebook_digest: str = "",
    distributions: Mapping[str, str] | None = None,
    python: str | None = None,
) -> dict[str, Any]:
    """What is known, as JSON.

    `distributions` and `python` are those of the kernel's interpreter, where the caller
    knows them; else the version is that of this process.
    """
    known: dict[str, Any] = {
        "python": python or platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": f"{platform.system()} {platform.machine()}",
        "host": platform.node(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "jupyter_pipe": _own_version(),
        "notebook_digest": notebook_digest,
        "distributions": dict(sorted((distributions or {}).items())),
        "git": git_state(Path(notebook).parent),
    }
    return {name: value for name, value in known.items() if value}


def git_state(folder: Path) -> dict[str, Any]:
    """Commit, branch and whether tracked files differ from it; empty outside a
    repository."""
    if not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return {}
    # Status must not take the index lock: the user may be committing.
    return _parse_status(
        _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    )


def last_commit(folder: Path) -> str:
    """The newest commit that changed anything in the folder; empty outside a
    repository."""
    # `git log` may be set to check signatures, with a program that the repository
    # names.
    return _git(folder, "rev-list", "-1", "HEAD", "--", ".").strip()


def _git(folder: Path, *arguments: str) -> str:
    """What git says; empty if it cannot say anything."""
    import subprocess

    # A repository's own settings may name a program that watches its files, or one that
    # fetches what is missing in it; neither is started.
    command = ["git", "-c", "core.fsmonitor=false", *arguments]
    try:
        found = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **_SURROUNDINGS},
            capture_output=True,
            timeout=GIT_TIMEOUT_SECONDS,
            check=True,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout


def _parse_status(text: str) -> dict[str, Any]:
    """Commit, branch and dirtiness from `git status --porcelain=v2 --branch`; empty
    before a first commit."""
    lines = text.splitlines()
    headers = {}
    for line in lines:
        if line.startswith("# branch.") and line.count(" ") > 1:
            name, value = line[2:].split(" ", 1)
            headers[name] = value
    commit = headers.get("branch.oid", "(initial)")
    if commit == "(initial)":
        return {}
    branch = headers.get("branch.head", "")
    return {
        "commit": commit,
        "branch": None if branch == "(detached)" else branch,
        "dirty": any(line and not line.startswith("#") for line in lines),
    }


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _own_version() -> str:
    return str(getattr(sys.modules.get("jupyter_pipe"), "__version__", ""))
