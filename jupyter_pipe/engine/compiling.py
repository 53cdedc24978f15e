"""Compiles a notebook that is about to run, unless that was done before and nothing has
changed.

What is kept lies in `.jupyter_pipe/cache/compiled/`, one file a notebook. It serves as
long as all is the same that the compiler reads: the notebook, our own code, the project
file with knowledge, what runs have learned, contracts and modules beside the notebook,
and what is installed for the kernel. A file that cannot be read or written costs time,
nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import jupyter_pipe
from jupyter_pipe.cache.files import module_digests
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.cache.store import compiled_path
from jupyter_pipe.cache.versions import environment_digest
from jupyter_pipe.compiler.codegen.requirements import find_interpreter
from jupyter_pipe.compiler.compiled import Compiled
from jupyter_pipe.model import Pipeline
from jupyter_pipe.notebook.contract_files import contract_path
from jupyter_pipe.observe.digests import file_digest
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

if TYPE_CHECKING:
    from jupyter_pipe.compiler.notebook_list import NotebookList

__all__ = ["compile_for_run", "compile_several_for_run"]

_OWN_CODE = ("analysis", "compiler", "notebook")
"""Folders of ours that decide what a notebook is compiled to, with the modules beside
them."""
_PROJECT_FILE = "pyproject.toml"


class _Kept(Struct, frozen=True):
    """A package as it was compiled. `origin` digests what is read before a notebook is
    understood, `around` what the pipeline then leads to; `pipeline` and `files` are
    those of `Compiled`."""

    origin: str
    around: dict[str, str]
    pipeline: Pipeline
    files: dict[str, bytes]


_decoder = msgspec.json.Decoder(_Kept)


def compile_for_run(notebook: Path, store: RunStore, *, keep: bool = True) -> Compiled:
    """What `compile_notebook(notebook)` gives, kept for the next time unless `keep` is
    False.

    Raises NotebookError and CompileError as it does.
    """

    def make() -> Compiled:
        from jupyter_pipe.compiler import compile_notebook  # takes its time to import

        return compile_notebook(notebook)

    path = compiled_path(store.state_folder, str(notebook.absolute()))
    origin = _origin(notebook, store.state_folder)
    around = partial(_around, notebook=notebook)
    return _kept_or_made(path, origin, around, make, store if keep else None)


def compile_several_for_run(
    listed: NotebookList, store: RunStore, *, keep: bool = True
) -> Compiled:
    """What `compile_several(listed)` gives, kept for the next time unless `keep` is
    False.

    Raises NotebookError and CompileError as it does.
    """

    def make() -> Compiled:
        from jupyter_pipe.compiler.several import compile_several

        return compile_several(listed)

    path = compiled_path(
        store.state_folder, "\n".join(str(each.path) for each in listed.notebooks)
    )
    origins = [_origin(each.path, store.state_folder) for each in listed.notebooks]
    origin = _digest("\n".join([repr(listed), *origins]))
    around = partial(_around_several, listed=listed)
    return _kept_or_made(path, origin, around, make, store if keep else None)


def _kept_or_made(
    path: Path,
    origin: str,
    around: Callable[[Pipeline], dict[str, str]],
    make: Callable[[], Compiled],
    store: RunStore | None,
) -> Compiled:
    """What stands at `path`, if it is of this origin and nothing around it has changed;
    else what `make` gives, which is kept if there is a store."""
    kept = _read(path)
    if (
        kept is not None
        and kept.origin == origin
        and kept.around == around(kept.pipeline)
    ):
        return Compiled(kept.pipeline, kept.files)
    compiled = make()
    if store is not None:
        _write(
            path,
            _Kept(origin, around(compiled.pipeline), compiled.pipeline, compiled.files),
            store,
        )
    return compiled


def _around_several(pipeline: Pipeline, listed: NotebookList) -> dict[str, str]:
    """As `_around`, of each notebook."""
    found: dict[str, str] = {}
    for each, joined in zip(listed.notebooks, pipeline.notebooks, strict=True):
        own = replace(
            pipeline, kernel=joined.kernel, stages=pipeline.beside(f"{each.name}.")
        )
        found |= {
            f"{each.name}:{key}": digest
            for key, digest in _around(own, each.path).items()
        }
    return found


def _write(path: Path, kept: _Kept, store: RunStore) -> None:
    with contextlib.suppress(OSError):
        store.make_state_folder()
        replace_file(path, sign("compiled", path.stem, msgspec.json.encode(kept)))


def _read(path: Path) -> _Kept | None:
    try:
        return _decoder.decode(read_record(path, "compiled", path.stem))
    except UNREADABLE:
        return None


def _origin(notebook: Path, state_folder: Path) -> str:
    folder = notebook.absolute().parent
    project = next(
        (
            file
            for each in (folder, *folder.parents)
            if (file := each / _PROJECT_FILE).is_file()
        ),
        None,
    )
    # Absolute, so that a run that names the notebook another way finds what was kept.
    learned = {
        state_folder.absolute() / "effects.json",
        folder / ".jupyter_pipe" / "effects.json",
    }
    read = [notebook, *sorted(learned), *([project] if project else [])]
    return _digest(
        "\n".join([*(f"{path}:{file_digest(path)}" for path in read), *_own_code()])
    )


def _own_code() -> Iterator[str]:
    """Names our code by its files, since in a checkout the version alone does not
    tell."""
    yield jupyter_pipe.__version__
    home = os.path.dirname(jupyter_pipe.__file__)
    yield from _changes(home, deep=False)
    for folder in _OWN_CODE:
        yield from _changes(os.path.join(home, folder), deep=True)


def _changes(folder: str, *, deep: bool) -> list[str]:
    """Each file of a folder with its time. Some two hundred are looked at in every
    run."""
    found: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file():
                found.append(f"{entry.path}:{entry.stat().st_mtime_ns}")
            elif deep and entry.name != "__pycache__":
                found += _changes(entry.path, deep=True)
    return sorted(found)


def _around(pipeline: Pipeline, notebook: Path) -> dict[str, str]:
    modules = {module for stage in pipeline.stages for module in stage.imports}
    interpreter = find_interpreter(pipeline.kernel)
    installed = environment_digest(interpreter) if interpreter else "missing"
    watched = {name for stage in pipeline.stages for name in stage.options.watched}
    contracts = {
        f"contract:{name}": file_digest(contract_path(notebook, name))
        for name in watched
    }
    return {
        "": installed,
        **module_digests(modules, notebook.absolute().parent),
        **contracts,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
