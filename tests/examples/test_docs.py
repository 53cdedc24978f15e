"""The documentation points only to what exists: files, headings, make targets,
commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import COMMANDS

from .agreement import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(params=PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


def anchors(path: Path) -> set[str]:
    """The headings of a page, as its readers' hosts spell their anchors."""
    headings = re.findall(
        r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings
    }


def test_links_lead_somewhere(document: Path) -> None:
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    targets = [
        target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target
    ]
    broken = []
    for target in targets:
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_make_targets_exist(document: Path) -> None:
    known = set(
        re.findall(
            r"^([a-z-]+):",
            (ROOT / "Makefile").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    named = set(
        re.findall(
            r"(?:`|^)make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert named <= known


def test_commands_exist(document: Path) -> None:
    named = set(
        re.findall(r"jupyter pipe ([a-z-]+)", document.read_text(encoding="utf-8"))
    )
    assert named <= set(COMMANDS)


def test_the_picture_of_the_packages_is_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "draw_packages.py", "--check"], check=False
    )
    assert done.returncode == 0, "run: python docs/draw_packages.py"
