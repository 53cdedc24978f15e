"""Packages that their developer works on, in each of the ways in which they get among
the installed ones: they count by their files, and what an installer has put there does
not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.observe.observing import observe, words

FINDER = """
import sys
from importlib.util import spec_from_file_location

class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "edited":
            return spec_from_file_location(name, "SOURCE/edited/__init__.py")

sys.meta_path.append(Finder)
"""


def _linked_folder(source: Path, packages: Path) -> str:
    """As `flit install --symlink` does it."""
    (packages / "edited").symlink_to(source / "edited")
    return ""


def _linked_module(source: Path, packages: Path) -> str:
    (packages / "edited.py").symlink_to(source / "edited" / "__init__.py")
    return ""


def _path_file(source: Path, packages: Path) -> str:
    """What the line of a `.pth` file comes to."""
    return f"import sys; sys.path.append({str(source)!r})"


def _finder(source: Path, packages: Path) -> str:
    """As setuptools does it."""
    (packages / "finder.py").write_text(FINDER.replace("SOURCE", str(source)))
    return "import finder"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages that Python looks into."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield folder
    for name in ("edited", "finder", "linked", "single"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("install", "module"),
    [
        (_linked_folder, "site-packages/edited/__init__.py"),
        (_linked_module, "site-packages/edited.py"),
        (_path_file, "source/edited/__init__.py"),
        (_finder, "source/edited/__init__.py"),
    ],
)
def test_an_editable_install_counts_by_its_files(
    install: Callable[[Path, Path], str], module: str, packages: Path, tmp_path: Path
) -> None:
    source, working = tmp_path / "source", tmp_path / "work"
    (source / "edited").mkdir(parents=True)
    (source / "edited" / "__init__.py").write_text(
        "import datetime\nday = datetime.date.today()\n"
    )
    working.mkdir()
    noted = words(observe(working, f"{install(source, packages)}\nimport edited"))
    assert f"module {tmp_path / module}" in noted
    assert "calendar" in noted


@pytest.mark.parametrize("name", ["linked", "single.py"])
def test_a_link_of_an_installer_to_its_cache_does_not_count(
    name: str, packages: Path, tmp_path: Path
) -> None:
    cached, working = tmp_path / "archive", tmp_path / "work"
    for folder in (cached / "linked", cached / "linked-1.0.dist-info", working):
        folder.mkdir(parents=True)
    (cached / "linked" / "__init__.py").write_text("VALUE = 1\n")
    (cached / "single.py").write_text("VALUE = 1\n")
    (packages / name).symlink_to(cached / name)
    assert words(observe(working, f"import {name.removesuffix('.py')}")) == []
