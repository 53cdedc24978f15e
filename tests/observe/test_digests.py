"""Digests of folders: links are followed, and have an end."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.observe.digests import FILE, file_digest


def test_what_lies_behind_a_link_counts(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.csv").write_text("1")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "linked").symlink_to("../outside")
    before = file_digest(tmp_path / "data")
    (tmp_path / "outside" / "a.csv").write_text("2")
    assert file_digest(tmp_path / "data") != before


@pytest.mark.parametrize("inside", [(), ("a.csv",), ("a.csv", "b.csv")])
def test_a_file_that_becomes_a_folder_has_changed(
    inside: tuple[str, ...], tmp_path: Path
) -> None:
    folder, lines = tmp_path / "folder", []
    folder.mkdir()
    for name in inside:
        (folder / name).write_text("1")
        lines.append(f"{name}:{file_digest(folder / name)}")
    (tmp_path / "file").write_text("\n".join(lines))
    assert file_digest(tmp_path / "file") != file_digest(folder)


@pytest.mark.parametrize("target", [".", "..", "/", "../data/inner"])
def test_links_in_a_circle_have_an_end(target: str, tmp_path: Path) -> None:
    inner = tmp_path / "data" / "inner"
    inner.mkdir(parents=True)
    (inner / "a.csv").write_text("1")
    for folder in (tmp_path / "data", inner):
        for number in range(12):
            (folder / f"link{number}").symlink_to(target)
    before = file_digest(tmp_path / "data")
    (inner / "a.csv").write_text("2")
    assert file_digest(tmp_path / "data") != before


@pytest.mark.parametrize("file", ["/proc/kmsg", "/proc/self/pagemap", "/dev/zero"])
def test_questions_to_the_system_are_not_read(file: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    assert file_digest(tmp_path / "link") == FILE


@pytest.mark.parametrize(
    "pattern",
    ["**/*.csv", "data/**/*.csv", "*/**/a.csv", "data/**", "data/**/inner/*.csv"],
)
def test_a_pattern_has_an_end_where_links_go_round_in_circles(
    pattern: str, tmp_path: Path
) -> None:
    inner = tmp_path / "data" / "inner"
    inner.mkdir(parents=True)
    (inner / "a.csv").write_text("1")
    for number in range(12):
        (inner / f"up{number}").symlink_to("..")
        (tmp_path / "data" / f"again{number}").symlink_to("inner")
    before = file_digest(tmp_path / pattern)
    (inner / "a.csv").write_text("2")
    changed = file_digest(tmp_path / pattern)
    (inner / "a.csv").unlink()
    assert len({before, changed, file_digest(tmp_path / pattern)}) == 3
