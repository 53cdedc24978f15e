"""The files that a stage reads and writes as its code or its tags say, and the local
modules that it imports.

Paths are relative to the working directory, with forward slashes. What a stage really
touched is observed (`observe`); these are for what cannot be seen, and for what must be
known before it runs.
"""

from __future__ import annotations

import ast
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import UNLISTED, Observations, ObservedPath
from jupyter_pipe.file_names import FILE, is_file, is_pattern
from jupyter_pipe.graphs import reachable
from jupyter_pipe.model import EffectKind, Stage
from jupyter_pipe.observe.comparison import with_stat
from jupyter_pipe.observe.digests import file_digest
from jupyter_pipe.observe.present import Present

__all__ = [
    "add_named",
    "files_below",
    "files_read",
    "files_written",
    "module_digests",
    "needed_files",
    "note_files",
]

_WRITES = frozenset({EffectKind.binds, EffectKind.may_bind, EffectKind.mutates})


def files_read(stage: Stage) -> tuple[str, ...]:
    """The files that the stage reads as its code and tags say."""
    return _files(stage, {EffectKind.reads}, stage.options.reads)


def files_written(stage: Stage) -> tuple[str, ...]:
    """The files that the stage writes as its code and tags say."""
    return _files(stage, _WRITES, stage.options.writes)


def _files(
    stage: Stage, kinds: Collection[EffectKind], declared: Iterable[str]
) -> tuple[str, ...]:
    """Patterns of the analysis stand for what it cannot tell, those of tags for all
    that matches them."""
    names = (effect.name for effect in stage.effects if effect.kind in kinds)
    paths = (
        name.removeprefix(FILE)
        for name in names
        if is_file(name) and not is_pattern(name)
    )
    return tuple(sorted({posixpath.normpath(path) for path in (*paths, *declared)}))


def needed_files(
    stage: Stage,
    folder: Path,
    changed: Iterable[tuple[str, str]] = (),
    *,
    below: str = "",
) -> Iterator[Path]:
    """The files below the notebook's folder that a stage needs elsewhere: local modules
    that it imports, and files that its code or tags name, also those that it writes,
    since it may only add to them.

    Names were found with the notebook's parameters. `changed` are pairs of a value of
    these and the one that it has in a run: `data_2025.csv` may be `data_2026.csv`
    there. Of several notebooks, files are named from the `folder` of the pipeline, and
    the stage's own lies `below` that: there are its modules.
    """
    named = [*files_read(stage), *files_written(stage)]
    for before, now in changed:
        # Grows from one parameter to the next, since a name may hold the values of
        # several.
        named += [other for name in named for other in _with_value(name, before, now)]
    patterns = {
        effect.name.removeprefix(FILE)
        for effect in stage.effects
        if is_pattern(effect.name)
    }
    modules = [
        posixpath.join(below, name)
        for name in module_digests(stage.imports, folder / below)
    ]
    for name in dict.fromkeys((*modules, *named, *sorted(patterns - {"*"}))):
        # What lies elsewhere is not ours to copy.
        if ".." in Path(name).parts or Path(name).is_absolute():
            continue
        # In our patterns any number of stars means what one does; two mean something
        # else to `glob`.
        found = (
            sorted(folder.glob(re.sub(r"\*+", "*", name)))
            if "*" in name
            else [folder / name]
        )
        for path in found:
            yield from _files_at(path)


def _files_at(path: Path) -> Iterator[Path]:
    """The file, or those in the folder; nothing if there is neither."""
    if path.is_dir():
        yield from files_below(path)
    elif path.is_file():
        yield path


def _with_value(name: str, before: str, now: str) -> Iterator[str]:
    """The name with each of the places where the value stands filled in anew, and with
    all of them."""
    places = (
        [found.start() for found in re.finditer(re.escape(before), name)]
        if before
        else []
    )
    for place in places:
        yield name[:place] + now + name[place + len(before) :]
    if len(places) > 1:
        yield name.replace(before, now)


def files_below(folder: Path) -> Iterator[Path]:
    """The files in a folder and its folders that are not only leftovers of tools."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not UNLISTED & set(path.relative_to(folder).parts):
            yield path


def note_files(paths: Iterable[str], present: Present) -> tuple[ObservedPath, ...]:
    """The contents of these files as they are now."""
    noted = (
        ObservedPath(path, digest=file_digest(present.path(path))) for path in paths
    )
    return tuple(with_stat(one, present) for one in noted)


def add_named(
    observed: Observations,
    read: Iterable[ObservedPath],
    written: Iterable[ObservedPath],
) -> Observations:
    """The observations, with files that code or tags name and that were not seen to be
    touched: a reader that nobody knows may have read them. What was seen counts as it
    was seen."""
    seen = {one.path for one in (*observed.read, *observed.written)}
    more = tuple(one for one in read if not _is_seen(one.path, seen))
    left = {one.path for one in observed.written}
    made = tuple(one for one in written if not _is_seen(one.path, left))
    if not more and not made:
        return observed
    return replace(observed, read=observed.read + more, written=observed.written + made)


def _is_seen(path: str, seen: Collection[str]) -> bool:
    # A file below a folder that was seen means that the folder was used.
    return path in seen or any(one.startswith(f"{path}/") for one in seen)


def module_digests(imports: Iterable[str], workdir: Path) -> dict[str, str]:
    """Path -> digest of the modules beside the notebook that `imports` reach,
    transitively."""

    def imported(name: str) -> Iterator[str]:
        for path in _module_files(name, workdir):
            yield from _imported_by(path)

    names = reachable(imports, imported)
    files = {path for name in names for path in _module_files(name, workdir)}
    return dict(
        sorted(
            (path.relative_to(workdir).as_posix(), file_digest(path)) for path in files
        )
    )


def _module_files(name: str, workdir: Path) -> Iterator[Path]:
    # Python looks for the package first. Most names are those of libraries, of which
    # there is neither.
    if os.path.isfile(f"{workdir}/{name}/__init__.py"):
        yield from sorted((workdir / name).rglob("*.py"))
    elif os.path.isfile(f"{workdir}/{name}.py"):
        yield workdir / f"{name}.py"


def _imported_by(path: Path) -> Iterator[str]:
    """Top-level packages that the file imports absolutely; none if it cannot be read or
    parsed."""
    # The analysis takes its time to import, which a run without modules of its own need
    # not pay.
    from jupyter_pipe.analysis.source.reading import read_source

    try:
        tree = ast.parse(read_source(path))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return
    # Also those in functions: an import counts wherever it stands.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
