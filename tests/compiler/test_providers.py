"""Modules are found in the distributions that provide them, as importlib's slow way
finds them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from jupyter_pipe.compiler.codegen import providers


def test_agrees_with_importlib() -> None:
    known = metadata.packages_distributions()
    expected = {
        module: sorted({(name, metadata.version(name)) for name in names})
        for module, names in known.items()
    }
    assert providers.providers([*known, "no_such_module"]) == expected


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with two distributions: one lists its files, the other
    declares its modules."""
    listed, declared = (
        tmp_path / "listed-1.2.dist-info",
        tmp_path / "declared-3.dist-info",
    )
    for folder in (listed, declared):
        folder.mkdir()
        name, version = (
            folder.stem.split("-")[0],
            folder.name.split("-")[1].removesuffix(".dist"),
        )
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.title()}\nVersion: {version}\n"
        )
    (listed / "RECORD").write_text(
        "jp_tree/part.py,,\njp_single.py,,\njp_fast.cpython-311-x86.so,,\njp_no.txt,,\n"
    )
    (declared / "top_level.txt").write_text("jp_tree\njp_other\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_reads_lists_of_files_and_declared_modules(installed: Path) -> None:
    assert providers.providers(
        ["jp_tree", "jp_single", "jp_fast", "jp_no", "jp_other", "jp"]
    ) == {
        "jp_tree": [("Declared", "3"), ("Listed", "1.2")],
        "jp_single": [("Listed", "1.2")],
        "jp_fast": [("Listed", "1.2")],
        "jp_other": [("Declared", "3")],
    }
    assert providers.providers([]) == {}


def test_reads_what_setuptools_leaves_beside_a_source_tree(installed: Path) -> None:
    left = installed / "jp_developed.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text(
        "Metadata-Version: 2.1\nName: jp.developed\nVersion: 0.1\n"
    )
    (left / "top_level.txt").write_text("jp_developed\n")
    assert providers.providers(["jp_developed"]) == {
        "jp_developed": [("jp.developed", "0.1")]
    }


def test_of_two_with_one_name_the_first_on_the_path_counts(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "before"
    newer = before / "listed-2.0.dist-info"
    newer.mkdir(parents=True)
    (newer / "METADATA").write_text("Name: Listed\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(str(before))
    assert providers.providers(["jp_single"]) == {"jp_single": [("Listed", "2.0")]}


def test_a_folder_may_be_named_otherwise_than_its_distribution(installed: Path) -> None:
    (installed / "listed-1.2.dist-info").rename(installed / "renamed.dist-info")
    assert providers.providers(["jp_fast"]) == {"jp_fast": [("Listed", "1.2")]}


def test_runs_in_an_interpreter_that_lacks_jupyter_pipe(installed: Path) -> None:
    source = Path(providers.__file__).read_text(encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-S", "-c", source],
        input='["jp_single", "nothing"]',
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == {"jp_single": [["Listed", "1.2"]]}
