"""The files of a stage that does not run beside its notebook: those it needs are
carried there.

Stages of one machine share the run's own folder, so that two runs never meet in a file.
Elsewhere each stage has a folder to itself, and what it changes in there goes to later
stages by content (`FileChanges`). Raises OSError.
"""

from __future__ import annotations

import ast
import fnmatch
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import UNLISTED, Observations, ObservedPath
from jupyter_pipe.cache.files import files_below, needed_files
from jupyter_pipe.errors import ArtifactError
from jupyter_pipe.events import FailureKind
from jupyter_pipe.file_names import is_file
from jupyter_pipe.model import Stage
from jupyter_pipe.observe.digests import MISSING, file_digest
from jupyter_pipe.runs.model import Failure, ParameterValue

_DIGEST = re.compile("[0-9a-f]{16,128}")

__all__ = ["FileChanges", "WorkingFiles", "content_path"]


class FileChanges(Struct, frozen=True):
    """What a stage did to files below its working directory: path -> digest of its
    content, or `missing`. Paths have forward slashes."""

    files: dict[str, str] = {}


def content_path(state_folder: Path, digest: str) -> Path:
    """Where a file's content is kept for later stages, below `.jupyter_pipe/`. Raises
    ArtifactError for a digest that would lead elsewhere."""
    if not _DIGEST.fullmatch(digest):
        raise ArtifactError(
            f"{digest[:80]!r} is not the digest of a file.", code="artifact_unusable"
        )
    return state_folder / "files" / digest[:2] / digest


class WorkingFiles:
    """The working directory `folder` of stages whose notebook lies in `source`.

    `marks` is a folder that remembers what was carried, since a file that a stage
    removes must not come back.
    """

    def __init__(self, source: Path, folder: Path, marks: Path) -> None:
        self._source = source
        self._folder = folder
        self._marks = marks
        self._before: dict[str, str] = {}
        self._changed_before: set[str] = set()

    def carry(
        self, stage: Stage, parameters: Iterable[ParameterValue], below: str = ""
    ) -> None:
        """Put copies of what the stage needs into the working directory, of each file
        once in a run. `below` is the folder in which the stage runs, of several
        notebooks."""
        changed = [
            (_text(each.default), _text(each.literal))
            for each in parameters
            if each.changed
        ]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._marks.mkdir(parents=True, exist_ok=True)
        for path in needed_files(stage, self._source, changed, below=below):
            name = path.relative_to(self._source).as_posix()
            if not self._was_carried(name):
                self._copy(path, self._folder / name)
                self._mark(name).touch()
        # A folder that is there beside the notebook may be written to.
        for effect in stage.effects:
            inside = Path(effect.name.removeprefix("file:"))
            if (
                is_file(effect.name)
                and ".." not in inside.parts
                and not inside.is_absolute()
            ):
                (self._folder / inside).parent.mkdir(parents=True, exist_ok=True)

    def apply(self, changes: FileChanges, bring: Callable[[str, Path], None]) -> None:
        """Do to files what an earlier stage did elsewhere; `bring` puts a content into
        a file. Raises ArtifactError for a path that leads out of the working
        directory."""
        for name, digest in changes.files.items():
            if Path(name).is_absolute() or Path(name).drive or ".." in Path(name).parts:
                raise ArtifactError(
                    f"{name!r} does not lie in the working directory.",
                    code="artifact_unusable",
                )
            target = self._folder / name
            if digest == MISSING:
                target.unlink(missing_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                bring(digest, target)
        self._changed_before.update(changes.files)

    def remember(self) -> None:
        """What lies there now is what the stage begins with."""
        self._before = self._digests()

    def changes(self, keep: Callable[[Path, str], None]) -> FileChanges:
        """What is otherwise now. `keep` is given each new content with its digest."""
        now = self._digests()
        changed = {
            name: digest
            for name, digest in now.items()
            if self._before.get(name) != digest
        }
        for name, digest in changed.items():
            keep(self._folder / name, digest)
        return FileChanges(
            {**changed, **{name: MISSING for name in self._before if name not in now}}
        )

    def left_behind(self, observed: Observations) -> Failure | None:
        """A failure if the stage looked for a file that lies beside the notebook and
        was not carried."""
        missed = sorted({name for one in observed.read for name in self._missed(one)})
        if not missed:
            return None
        listed = ", ".join(map(repr, missed[:3])) + (", …" if len(missed) > 3 else "")
        return Failure(
            "FileNotCarried",
            f"The stage looked for {listed} beside the notebook. The code does not name that file, so it was "
            "not carried into the run's working directory, and the result would not be the notebook's.",
            kind=FailureKind.effect,
            hint=f"Tag the cell reads:{missed[0]}, or run stages beside the notebook with --workdir DIR.",
        )

    def _missed(self, one: ObservedPath) -> Iterable[str]:
        if Path(one.path).is_absolute() or ".." in Path(one.path).parts:
            return []
        if one.aspect == "listing":
            return self._missed_entries(one)
        is_missed = one.digest == MISSING and (self._source / one.path).exists()
        return [one.path] if is_missed and not self._is_known(one.path) else []

    def _missed_entries(self, one: ObservedPath) -> list[str]:
        """The entries of the folder beside the notebook that a stage would have listed
        there."""
        # The names that were noted may be the first few hundred only.
        seen = {*one.names, *_entries(self._folder / one.path), *UNLISTED}
        wanted = [
            name for name in _entries(self._source / one.path) if name not in seen
        ]
        paths = [
            (Path(one.path) / name).as_posix()
            for name in wanted
            if not one.pattern or fnmatch.fnmatchcase(name, one.pattern)
        ]
        return [path for path in paths if not self._is_known(path)]

    def _is_known(self, name: str) -> bool:
        return self._was_carried(name) or name in self._changed_before

    def _was_carried(self, name: str) -> bool:
        return self._mark(name).exists()

    def _mark(self, name: str) -> Path:
        return (
            self._marks
            / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        )

    def _copy(self, source: Path, target: Path) -> None:
        """Whole or not at all; a file that is there already was carried by another
        stage in this moment."""
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.urandom(8).hex()}.tmp")
        # No hard link: a stage may write to its copy.
        shutil.copy2(source, aside)
        try:
            os.link(aside, target)
        except FileExistsError:
            pass
        finally:
            aside.unlink()

    def _digests(self) -> dict[str, str]:
        found = files_below(self._folder)
        return {
            path.relative_to(self._folder).as_posix(): file_digest(path)
            for path in found
        }


def _text(literal: str) -> str:
    """What a parameter's value is in a name that holds it."""
    try:
        return str(ast.literal_eval(literal))
    except (ValueError, SyntaxError):
        return literal


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
