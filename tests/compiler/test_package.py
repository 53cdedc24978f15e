from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_pipe.compiler import (
    Compiled,
    compile_notebook,
    read_package,
    stale_files,
    write_package,
)
from jupyter_pipe.compiler.codegen.seals import is_intact, is_ours
from jupyter_pipe.errors import PackageError
from tests.compiler.notebooks import write_notebook

CELLS = [
    ("import math\nn = 3", []),
    ("a = math.sqrt(n)", ["stage:load"]),
    ("b = a + 1\nb", ["stage:show"]),
]


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    return compile_notebook(write_notebook(tmp_path / "small.ipynb", CELLS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "small_pipeline"


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_folder_holds_the_files_and_compiling_again_changes_nothing(
    compiled: Compiled, folder: Path, tmp_path: Path
) -> None:
    assert set(write_package(compiled, folder)) == set(compiled.files)
    assert content(folder) == compiled.files
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert write_package(compile_notebook(tmp_path / "small.ipynb"), folder) == ()
    assert stale_files(compiled, folder) == ()
    assert times == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "small.ipynb",
        "small_pipeline",
    ]


def test_saving_outputs_changes_nothing(compiled: Compiled, tmp_path: Path) -> None:
    path = tmp_path / "small.ipynb"
    saved = json.loads(path.read_bytes())
    for number, cell in enumerate(saved["cells"], start=1):
        cell["execution_count"] = number
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["2\n"]}]
    saved["cells"].insert(
        0, {"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["# Title"]}
    )
    saved["metadata"]["language_info"] = {"name": "python", "version": "3.11.7"}
    path.write_text(json.dumps(saved, indent=1))
    assert compile_notebook(path).files == compiled.files


def test_a_package_reads_back(compiled: Compiled, folder: Path) -> None:
    write_package(compiled, folder)
    assert read_package(folder) == compiled.pipeline
    assert compiled.pipeline.source.notebook == "../small.ipynb"


def test_stages_that_are_gone_take_their_files_with_them(
    compiled: Compiled, folder: Path, tmp_path: Path
) -> None:
    write_package(compiled, folder)
    (folder / "README.md").write_text("mine")
    (folder / "small" / "notes.py").write_text("# mine")
    renamed = [*CELLS[:2], ("b = a + 1\nb", ["stage:report"])]
    new = compile_notebook(write_notebook(tmp_path / "small.ipynb", renamed))
    assert {"notebooks/show.ipynb", "small/show.py"} <= set(stale_files(new, folder))
    write_package(new, folder)
    kept = {"README.md": b"mine", "small/notes.py": b"# mine"}
    assert content(folder) == {**new.files, **kept}


def test_edited_files_are_refused_by_name(compiled: Compiled, folder: Path) -> None:
    write_package(compiled, folder)
    edited = folder / "small" / "show.py"
    edited.write_text(edited.read_text() + "\nprint('mine')\n")
    before = content(folder)
    with pytest.raises(PackageError, match=r"edited by hand: small/show\.py"):
        write_package(compiled, folder)
    assert content(folder) == before
    write_package(compiled, folder, force=True)
    assert content(folder) == compiled.files


def test_version_control_may_change_line_endings(
    compiled: Compiled, folder: Path
) -> None:
    write_package(compiled, folder)
    for path in folder.rglob("*.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    write_package(compiled, folder)
    assert content(folder) == compiled.files


@pytest.mark.parametrize("name", ["thesis.docx", "pipeline.json", "small/load.py"])
def test_foreign_files_are_refused(compiled: Compiled, folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")
    with pytest.raises(PackageError, match="not generated") as caught:
        write_package(compiled, folder)
    assert name.partition("/")[0] in caught.value.message
    assert content(folder) == {name: b"mine"}
    write_package(compiled, folder, force=True)
    assert compiled.files.items() <= content(folder).items()


def test_a_file_in_place_of_the_folder(compiled: Compiled, folder: Path) -> None:
    folder.write_text("mine")
    with pytest.raises(PackageError, match="is a file"):
        write_package(compiled, folder)


class Failing:
    """Lets a function of the file system work `after` times, then fails as a full disk
    does."""

    def __init__(self, real: Callable[..., Any], after: int) -> None:
        self.real = real
        self.left = after

    def __get__(self, owner: Any, _: Any) -> Callable[..., Any]:
        return lambda *args, **options: self(owner, *args, **options)

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            raise OSError(28, "No space left on device")
        return self.real(*args, **options)


@pytest.mark.parametrize("after", range(0, 9, 2))
@pytest.mark.parametrize(
    ("owner", "function"), [(Path, "open"), (Path, "rename"), (Path, "write_bytes")]
)
def test_a_failure_leaves_the_old_package(
    compiled: Compiled,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    function: str,
    after: int,
) -> None:
    write_package(compiled, folder)
    old = content(folder)
    changed = [
        ("import math\nn = 4", []),
        *((source + "  # new", tags) for source, tags in CELLS[1:]),
        ("c = b", ["stage:last"]),
    ]
    new = compile_notebook(write_notebook(tmp_path / "small.ipynb", changed))
    with monkeypatch.context() as patch:
        patch.setattr(owner, function, Failing(getattr(owner, function), after))
        with pytest.raises(PackageError, match="No space left on device"):
            write_package(new, folder)
    assert content(folder) == old
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "small.ipynb",
        "small_pipeline",
    ]


def test_a_first_compile_that_fails_leaves_nothing(
    compiled: Compiled, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", Failing(Path.write_bytes, 4))
        with pytest.raises(PackageError):
            write_package(compiled, folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is not a compiled package"),
        ("{", "is not a pipeline"),
        ('{"version": 1}', "is not a pipeline"),
    ],
)
def test_what_is_no_package_says_so(folder: Path, text: str | None, words: str) -> None:
    folder.mkdir()
    if text is not None:
        (folder / "pipeline.json").write_text(text)
    with pytest.raises(PackageError, match=words):
        read_package(folder)


def test_a_newer_package_is_refused(compiled: Compiled, folder: Path) -> None:
    write_package(compiled, folder)
    newer = msgspec.json.decode((folder / "pipeline.json").read_bytes())
    (folder / "pipeline.json").write_bytes(
        msgspec.json.encode({**newer, "version": 99})
    )
    with pytest.raises(PackageError, match="has version 99"):
        read_package(folder)


def test_every_file_is_sealed(compiled: Compiled) -> None:
    for name, data in compiled.files.items():
        assert is_ours(name, data), name
        assert is_intact(name, data), name
        assert not is_intact(name, data[:-2] + b" " + data[-2:]), name
