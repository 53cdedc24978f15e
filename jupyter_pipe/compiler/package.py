"""Writes a compiled package to its folder, tells whether one is stale, and reads one
back.

All or nothing: the new files are complete in a sibling folder before the first old one
moves, and any failure puts the old ones back. Files that are not ours, or that somebody
edited, are refused unless forced; files of ours that the pipeline no longer has are
removed. Raises PackageError.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.compiler.codegen.seals import is_intact, is_ours
from jupyter_pipe.errors import PackageError
from jupyter_pipe.model import PIPELINE_VERSION, Pipeline, from_json
from jupyter_pipe.notebook.kernel_names import require_kernel_name
from jupyter_pipe.notebook.sound_names import require_sound_names
from jupyter_pipe.trust.records import read_regular_file

if TYPE_CHECKING:
    from jupyter_pipe.compiler.compiled import Compiled

__all__ = ["read_package", "stale_files", "write_package"]

_PIPELINE = "pipeline.json"
_SUFFIXES = frozenset({".py", ".ipynb", ".json", ".txt", ".yaml"})


def write_package(
    compiled: Compiled, folder: Path | str, *, force: bool = False
) -> tuple[str, ...]:
    """Make `folder` hold exactly the compiled files, beside foreign ones, and return
    what changed."""
    folder = Path(folder)
    try:
        obsolete = _obsolete(compiled, folder)
        changed = _changed(compiled, folder)
        if not force:
            _refuse_foreign(folder, [*changed, *obsolete])
        if changed or obsolete:
            _replace(folder, {name: compiled.files[name] for name in changed}, obsolete)
    except OSError as error:
        raise PackageError(
            f"The package cannot be written to '{folder}': {error.strerror or error}.",
            code="package_not_written",
            hint="Nothing was changed. Make room and the folder writable, or choose another with -o.",
        ) from error
    return (*changed, *obsolete)


def stale_files(compiled: Compiled, folder: Path | str) -> tuple[str, ...]:
    """Files that compiling would write, change or remove; empty if the package is
    current.

    The versions in `requirements.txt` are those of a machine, so that file alone makes
    nothing stale.
    """
    folder = Path(folder)
    try:
        changed = [
            name
            for name in _changed(compiled, folder)
            if not _is_only_pinned(folder, name)
        ]
        return (*changed, *_obsolete(compiled, folder))
    except OSError as error:
        raise PackageError(
            f"The package in '{folder}' cannot be read: {error.strerror or error}.",
            code="package_unreadable",
        ) from error


def read_package(folder: Path | str) -> Pipeline:
    """The pipeline of a compiled package."""
    path = Path(folder) / _PIPELINE
    try:
        pipeline = from_json(read_regular_file(path), Pipeline)
    except FileNotFoundError:
        raise PackageError(
            f"'{folder}' is not a compiled package: it has no {_PIPELINE}.",
            code="package_missing",
            hint="Compile the notebook first: jupyter pipe compile NOTEBOOK.",
        ) from None
    except OSError as error:
        raise PackageError(
            f"'{path}' cannot be read: {error.strerror or error}.",
            code="package_unreadable",
        ) from error
    except (ValueError, RecursionError) as error:
        raise PackageError(
            f"'{path}' is not a pipeline: {error}.",
            code="package_malformed",
            hint="Compile the notebook again.",
        ) from None
    if pipeline.version != PIPELINE_VERSION:
        raise PackageError(
            f"'{path}' has version {pipeline.version}; this jupyter_pipe reads version {PIPELINE_VERSION}.",
            code="package_version",
            hint="Compile the notebook again.",
        )
    require_kernel_name(pipeline.kernel, PackageError)
    require_sound_names(pipeline)
    return pipeline


def _changed(compiled: Compiled, folder: Path) -> list[str]:
    return [
        name for name, data in compiled.files.items() if _read(folder / name) != data
    ]


def _is_only_pinned(folder: Path, name: str) -> bool:
    return name == "requirements.txt" and (folder / name).is_file()


def _obsolete(compiled: Compiled, folder: Path) -> list[str]:
    """Generated files of an earlier compile: sealed, in places where we write, and no
    longer wanted."""
    return [name for name in _written_places(folder) if name not in compiled.files]


def _written_places(folder: Path) -> list[str]:
    """Generated files that an earlier compilation left in `folder`, as sorted relative
    paths."""
    if not is_ours(_PIPELINE, _read(folder / _PIPELINE) or b""):
        return []
    found = (
        folder / name
        for pattern in ("*", "*/*", "*/*/*")
        for name in folder.glob(pattern)
    )
    names = (
        path.relative_to(folder).as_posix()
        for path in found
        if path.suffix in _SUFFIXES and path.is_file()
    )
    return sorted(name for name in names if is_ours(name, _read(folder / name) or b""))


def _read(path: Path) -> bytes | None:
    """None if there is no such file. Anything else in its place is an OSError for the
    caller."""
    try:
        return read_regular_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _not_generated(folder: Path, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those of the files that exist and were never ours, and those of ours that
    somebody edited."""
    foreign = []
    edited = []
    for name in names:
        data = _read(folder / name)
        if data is None:
            continue
        if not is_ours(name, data):
            foreign.append(name)
        elif not is_intact(name, data):
            edited.append(name)
    return foreign, edited


def _refuse_foreign(folder: Path, names: Iterable[str]) -> None:
    """Refuse to touch what we did not write, or what somebody changed since."""
    if folder.is_file():
        raise PackageError(
            f"'{folder}' is a file, not a folder.",
            code="package_is_file",
            hint="Choose a folder with -o.",
        )
    _refuse_links(folder, names)
    foreign, edited = _not_generated(folder, names)
    if not (folder / _PIPELINE).exists() and folder.is_dir() and not foreign:
        foreign += sorted(
            path.name for path in folder.iterdir() if not path.name.startswith(".")
        )
    if foreign:
        raise PackageError(
            f"'{folder}' holds files that are not generated: {_listed(foreign)}.",
            code="package_foreign",
            hint="Choose another folder with -o, or compile with --force to write there all the same.",
        )
    if edited:
        raise PackageError(
            f"Generated files in '{folder}' were edited by hand: {_listed(edited)}.",
            code="package_edited",
            hint="Move the changes into the notebook; --force overwrites them.",
        )


def _refuse_links(folder: Path, names: Iterable[str]) -> None:
    """A clone may have a link where the package is to be: what we write would be
    somewhere else."""
    links = [
        folder,
        *(
            parent
            for name in names
            for parent in (folder / name).parents
            if parent != folder
        ),
    ]
    link = next(
        (each for each in links if each.is_symlink() and each.is_relative_to(folder)),
        None,
    )
    if link is not None:
        raise PackageError(
            f"'{link}' is a symbolic link: the package would be written somewhere else.",
            code="package_foreign",
            hint="If you mean it, name the folder that it leads to with -o.",
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _replace(folder: Path, files: dict[str, bytes], obsolete: Iterable[str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _sibling(folder) as staging:
        new, old = staging / "new", staging / "old"
        for name, data in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(data)
        if folder.exists():
            _swap(folder, new, old, [*files, *obsolete])
        else:
            new.rename(folder)


@contextlib.contextmanager
def _sibling(folder: Path) -> Iterator[Path]:
    """A temporary folder on the same file system, so that moving is renaming."""
    import tempfile  # with `random` behind it, more than reading a package costs

    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap(folder: Path, new: Path, old: Path, names: list[str]) -> None:
    """Move each file's old version away and its new one in; on failure, undo in
    reverse."""
    undo = contextlib.ExitStack()
    with undo:
        for name in names:
            target, kept = folder / name, old / name
            if target.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                target.rename(kept)
                undo.callback(kept.replace, target)
            if (new / name).exists():
                _make_parents(target, undo)
                (new / name).rename(target)
                undo.callback(target.unlink, missing_ok=True)
        undo.pop_all()
    _remove_empty_folders(folder, names)


def _make_parents(target: Path, undo: contextlib.ExitStack) -> None:
    for parent in reversed(target.parents):
        if not parent.exists():
            parent.mkdir()
            undo.callback(parent.rmdir)


def _remove_empty_folders(folder: Path, names: list[str]) -> None:
    for parent in {(folder / name).parent for name in names} - {folder}:
        with contextlib.suppress(OSError):
            parent.rmdir()
