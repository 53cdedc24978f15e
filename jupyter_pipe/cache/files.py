"""Digests of what a stage reads from disk: local modules that it imports, and literal files.

Paths are relative to the working directory, with forward slashes. A file that is missing has the
digest "missing"; a folder counts by the digests of the files in it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from jupyter_pipe.model import EffectKind, Stage

__all__ = ["MISSING", "file_digest", "files_read", "files_written", "module_digests"]

MISSING = "missing"
_CHUNK_BYTES = 1 << 20


def files_read(stage: Stage, workdir: Path) -> dict[str, str]:
    """Path -> digest of the literal files that the stage reads."""
    return _effect_files(stage, workdir, {EffectKind.reads})


def files_written(stage: Stage, workdir: Path) -> dict[str, str]:
    """Path -> digest of the literal files that the stage writes, as they are now."""
    return _effect_files(stage, workdir, {EffectKind.binds, EffectKind.may_bind, EffectKind.mutates})


def _effect_files(stage: Stage, workdir: Path, kinds: set[EffectKind]) -> dict[str, str]:
    paths = {
        effect.name.removeprefix("file:")
        for effect in stage.effects
        if effect.kind in kinds and effect.name.startswith("file:")
    }
    return {path: file_digest(workdir / path) for path in sorted(paths)}


def file_digest(path: Path) -> str:
    """The sha256 of a file's content, of a folder's listing and contents, or `MISSING`."""
    try:
        status = path.stat()
        if path.is_dir():
            parts = [f"{child.name}:{file_digest(child)}" for child in sorted(path.iterdir())]
            return hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return _content_digest(path, status.st_mtime_ns, status.st_size, status.st_ino)
    except OSError:
        return MISSING


@lru_cache(maxsize=4096)
def _content_digest(path: Path, mtime_ns: int, size: int, inode: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def module_digests(imports: Iterable[str], workdir: Path) -> dict[str, str]:
    """Path -> digest of the modules beside the notebook that `imports` reach, transitively."""
    found: dict[str, str] = {}
    pending = list(imports)
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for path in _module_files(name, workdir):
            found[path.relative_to(workdir).as_posix()] = file_digest(path)
            pending.extend(_imported_by(path))
    return dict(sorted(found.items()))


def _module_files(name: str, workdir: Path) -> Iterator[Path]:
    single = workdir / f"{name}.py"
    package = workdir / name
    if single.is_file():
        yield single
    elif (package / "__init__.py").is_file():
        yield from sorted(package.rglob("*.py"))


def _imported_by(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
