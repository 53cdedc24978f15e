"""What a run is of, and what it is asked to do.

`open_target` finds a notebook or a compiled package and gives its pipeline; a
`RunRequest` is that target with `RunOptions` and values; `request_to_resume` makes it
continue an earlier run. The command line, the Python API and the server only translate
what they are given into these.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.compiler import read_package
from jupyter_pipe.compiler.graph import select
from jupyter_pipe.engine.compiling import compile_for_run, compile_several_for_run
from jupyter_pipe.errors import NotebookError, RunError
from jupyter_pipe.events import StageState
from jupyter_pipe.model import Pipeline
from jupyter_pipe.notebook.file_kinds import PIPELINE_FILE, names_several
from jupyter_pipe.notebook.reader import refuse_list
from jupyter_pipe.runs.model import ParameterValue, Run, RunNotebook, RunOptions
from jupyter_pipe.runs.parameters import resumed_parameters
from jupyter_pipe.runs.store import RunStore

if TYPE_CHECKING:
    from jupyter_pipe.contracts import Contract
    from jupyter_pipe.engine.kernels.shared import SharedKernels

__all__ = [
    "RunRequest",
    "Target",
    "is_package",
    "open_earlier",
    "open_several",
    "open_target",
    "options_to_resume",
    "request_to_resume",
]

_DONE = frozenset({StageState.succeeded, StageState.cached})


class Target(Struct, frozen=True):
    """A pipeline to run, and where it belongs.

    `notebook` is the absolute path of the source notebook, which may be missing where a
    package travelled without it; of several notebooks, that of the file that lists
    them, or of the first. `package` is the compiled package; without one, `files` are
    what it would hold (path -> bytes). Runs are kept in `store`: by default beside the
    notebook.
    """

    pipeline: Pipeline
    notebook: Path
    store: RunStore
    package: Path | None = None
    files: Mapping[str, bytes] = {}

    def contracts(self, names: Iterable[str]) -> dict[str, Contract]:
        """What these values must look like, of those that have a contract: as a package
        carries it, else as it stands beside the notebook. Raises ContractError."""
        from jupyter_pipe.contracts import read_carried_contracts, read_contracts

        if self.package is None and self.pipeline.notebooks:
            return self._contracts_of_several(names)
        if self.package is None:
            return read_contracts(self.notebook, names)
        return read_carried_contracts(
            self.package, self.pipeline.contract_digests, names
        )

    @property
    def source_digests(self) -> dict[Path, str]:
        """The source notebooks, with the digests that they had when the pipeline was
        compiled."""
        pipeline, folder = self.pipeline, self.notebook.parent
        if not pipeline.notebooks:
            return {self.notebook: pipeline.source.digest}
        return {
            folder / each.source.notebook: each.source.digest
            for each in pipeline.notebooks
        }

    @property
    def words_to_compile(self) -> tuple[str, ...]:
        """What is named to compile it again, in the folder of the notebook."""
        if self.notebook.suffix == ".toml" or not self.pipeline.notebooks:
            return (self.notebook.name,)
        return tuple(each.source.notebook for each in self.pipeline.notebooks)

    def _contracts_of_several(self, names: Iterable[str]) -> dict[str, Contract]:
        """The names are those of values, each after the notebook that it is of."""
        from jupyter_pipe.contracts import read_contracts

        found = {}
        wanted = [name.split(".", 1) for name in names]
        for each in self.pipeline.notebooks:
            values = [value for notebook, value in wanted if notebook == each.name]
            contracts = read_contracts(
                self.notebook.parent / each.source.notebook, values
            )
            found.update(
                {
                    f"{each.name}.{value}": contract
                    for value, contract in contracts.items()
                }
            )
        return found

    @property
    def notebooks(self) -> tuple[RunNotebook, ...]:
        """The notebooks in their order, where the pipeline has several."""
        folder = self.notebook.parent
        paths = {
            each.name: folder / each.source.notebook for each in self.pipeline.notebooks
        }
        return tuple(
            RunNotebook(name, os.path.normpath(path)) for name, path in paths.items()
        )


class RunRequest(Struct, frozen=True):
    """A run of a target. `options` say which stages run, and how.

    `workdir` is where stages run, by default the notebook's folder. `parameters` come
    from `resolve_parameters`; without them the notebook's values hold. `environment` is
    that of the kernels, by default this process's. `trigger` says who asks (see
    `RunQueued`), `command` how the user would ask again. `resumed_stages` succeeded in
    the run that this one continues: their results are reused even if they are tagged
    `cache:off`. `kernels` are warm ones that several runs share.
    """

    target: Target
    options: RunOptions = RunOptions()
    parameters: tuple[ParameterValue, ...] = ()
    workdir: Path | None = None
    environment: Mapping[str, str] | None = None
    trigger: str = "cli"
    command: tuple[str, ...] = ()
    run_id: str | None = None
    resumed_from: str | None = None
    resumed_stages: tuple[str, ...] = ()
    kernels: SharedKernels | None = None


def is_package(path: Path) -> bool:
    """Whether `path` is a compiled package. Raises NotebookError if it is a folder of
    something else."""
    if not path.is_dir():
        return False
    if (path / "pipeline.json").is_file():
        return True
    # A folder with a list of notebooks is a fair guess, and has a better answer.
    if (path / PIPELINE_FILE).is_file():
        refuse_list(path / PIPELINE_FILE)
    raise NotebookError(
        f"'{path}' is a folder without pipeline.json.",
        code="not_a_package",
        hint="Name a notebook, or a folder that `jupyter pipe compile` wrote.",
    )


def open_target(
    path: Path | str,
    store: RunStore | None = None,
    *,
    keep: bool = True,
    content: bytes | None = None,
) -> Target:
    """The notebook, compiled now, or the package at `path`.

    With `keep=False` nothing is written, not even what compiling again would be spared.
    `content` stands in for what the notebook's file holds, as an editor has it; nothing
    of it is kept.
    Raises NotebookError, CompileError and PackageError.
    """
    path = Path(path)
    if is_package(path):
        pipeline = read_package(path)
        notebook = _notebook_of(path.absolute(), pipeline)
        return Target(
            pipeline,
            notebook,
            store or RunStore(notebook.parent),
            package=path.absolute(),
        )
    store = store or RunStore(path.parent)
    if content is None:
        compiled = compile_for_run(path, store, keep=keep)
    else:
        from jupyter_pipe.compiler import compile_notebook  # takes its time to import

        compiled = compile_notebook(path, content=content)
    return Target(compiled.pipeline, path.absolute(), store, files=compiled.files)


def open_several(
    paths: Sequence[Path], store: RunStore | None = None, *, keep: bool = True
) -> Target:
    """The pipeline of the notebooks that are named, or that a `pipeline.toml` or the
    folder of one lists; one notebook or package alone is what `open_target` gives.
    Raises what that raises."""
    if not names_several(paths):
        return open_target(paths[0], store, keep=keep)
    from jupyter_pipe.compiler.notebook_list import (
        list_notebooks,
    )  # most runs are of one notebook

    listed = list_notebooks(paths)
    store = store or RunStore(listed.folder)
    compiled = compile_several_for_run(listed, store, keep=keep)
    return Target(compiled.pipeline, listed.path, store, files=compiled.files)


def open_earlier(earlier: Run, store: RunStore, *, trust: bool = False) -> Target:
    """What an earlier run ran, as it is now.

    Its record names the notebook, the folders and the cluster, so it must be signed by
    the user; `trust` believes it whoever wrote it. Raises UntrustedError, and RunError
    if the record does not say.
    """
    # A record that somebody else wrote could name a notebook of theirs, which would
    # then run as the user.
    if not trust:
        store.require_own(earlier.run_id)
    facts = earlier.facts
    if facts.notebooks and not facts.package:
        # The list may have changed since: it is read again, as a notebook is.
        is_listed = facts.notebook.endswith(".toml")
        named = (facts.notebook,) if is_listed else facts.paths
        return open_several([Path(each) for each in named], store)
    path = facts.package or facts.notebook
    if not path:
        raise RunError(
            f"The record of run {earlier.run_id} does not say what it ran.",
            code="run_damaged",
            hint="Start a new run: jupyter pipe run NOTEBOOK",
        )
    return open_target(path, store)


def request_to_resume(request: RunRequest, earlier: Run) -> RunRequest:
    """The request as one that continues `earlier`: with its parameters, in its working
    directory.

    Its `options` come from `options_to_resume`, with whatever is to be different this
    time. Raises ParameterError if a value of the earlier run no longer fits.
    """
    return replace(
        request,
        parameters=resumed_parameters(
            request.target.pipeline.parameters, earlier.facts.parameters
        ),
        workdir=Path(earlier.facts.workdir) if earlier.facts.workdir else None,
        resumed_from=earlier.run_id,
        resumed_stages=tuple(_done(earlier)),
    )


def options_to_resume(pipeline: Pipeline, earlier: Run) -> RunOptions:
    """How `earlier` was asked to run, for a run that continues it.

    The same stages take part. What it was told to run regardless of earlier results
    stays so only for stages that it did not finish: the others are what it continues
    from. Trust was for that once.
    """
    options = earlier.facts.options
    names = [stage.name for stage in pipeline.stages]
    took_part = {stage.name for stage in earlier.stages}
    is_whole = len(earlier.stages) >= len(names)
    done = _done(earlier)
    return replace(
        options,
        targets=() if is_whole else tuple(name for name in names if name in took_part),
        from_=(),
        # `--force-all` that was cut off after two of five stages: the three are still
        # to be forced, the two have been.
        force=tuple(name for name in _forced(pipeline, options) if name not in done),
        force_all=False,
        use_cache=True,
        trust=False,
    )


def _done(earlier: Run) -> list[str]:
    return [stage.name for stage in earlier.stages if stage.state in _DONE]


def _forced(pipeline: Pipeline, options: RunOptions) -> Collection[str]:
    """The stages that were to run whatever is known of them, as far as the pipeline
    still has them."""
    names = [stage.name for stage in pipeline.stages]
    if options.force_all or not options.use_cache:
        return names
    begun = [name for name in options.from_ if name in names]
    again = select(pipeline, from_=begun) if begun else ()
    return [name for name in names if name in again or name in options.force]


def _notebook_of(package: Path, pipeline: Pipeline) -> Path:
    """Where the source notebook is: relative to the package, else in the package's
    parent."""
    places = [
        package / pipeline.source.notebook,
        package.parent / Path(pipeline.source.notebook).name,
    ]
    return next((place.resolve() for place in places if place.exists()), places[-1])
