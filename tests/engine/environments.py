"""Another interpreter's environment: ipykernel and what it needs, and nothing else of
ours."""

from __future__ import annotations

import json
import re
import venv
from importlib import metadata
from pathlib import Path


def make_environment(folder: Path) -> Path:
    """A virtual environment whose packages are links to those of this one; returns its
    Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name in _requirements("ipykernel"):
        for path in metadata.files(name) or ():
            top = path.parts[0]
            target = Path(str(path.locate())).parents[len(path.parts) - 1] / top
            if top != ".." and not (packages / top).exists():
                (packages / top).symlink_to(target)
    return folder / "bin" / "python"


def write_kernelspec(folder: Path, name: str, python: Path) -> None:
    """A kernelspec under `folder`, which is one of JUPYTER_PATH."""
    spec = folder / "kernels" / name
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": name, "language": "python"})
    )


def _requirements(name: str) -> set[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop()
        if current in found or not _is_installed(current):
            continue
        found.add(current)
        needed = [
            text for text in metadata.requires(current) or () if "extra ==" not in text
        ]
        todo += [re.split(r"[^A-Za-z0-9_.-]", text, maxsplit=1)[0] for text in needed]
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
