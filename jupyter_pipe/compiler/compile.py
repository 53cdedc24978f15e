"""The one entry: a notebook's path in, a pipeline and the files of its package out.

Reads the notebook, the contracts beside it, what the guard learned in earlier runs, and
the distributions of the kernel's environment; writes nothing. The same notebook gives
the same bytes. Raises NotebookError for what is not a notebook and CompileError with
all diagnostics at once.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from jupyter_pipe import __version__
from jupyter_pipe.analysis.program import Analysis, StageFlow
from jupyter_pipe.compiler.codegen.requirements import (
    find_interpreter,
    requirement_lines,
)
from jupyter_pipe.compiler.compiled import Compiled
from jupyter_pipe.compiler.declared_files import declare_files
from jupyter_pipe.compiler.graph import resolve
from jupyter_pipe.compiler.learned import decode_learned, with_learned
from jupyter_pipe.compiler.names import package_name
from jupyter_pipe.compiler.shared_values import (
    LEFT,
    find_shares,
    keep_shared,
    relocated,
    unshareable,
    with_outer_cells,
)
from jupyter_pipe.compiler.stages import Grouping, group_cells
from jupyter_pipe.errors import CompileError
from jupyter_pipe.model import (
    PIPELINE_VERSION,
    SETUP_STAGE,
    Diagnostic,
    Learned,
    Notebook,
    Pipeline,
    Severity,
    Source,
    Stage,
)
from jupyter_pipe.notebook import parse_tags, read_notebook
from jupyter_pipe.notebook.contract_files import contract_texts
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.trust.records import read_record

__all__ = [
    "Compiled",
    "check_notebook",
    "check_pair",
    "compile_notebook",
    "default_output",
    "draft_of",
    "draft_pipeline",
]


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Nearly all objects of a compilation live as long as it does: looking for garbage
    among them, time and again, would take longer than all else with a large
    notebook."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_uncollected()
def compile_notebook(
    path: Path | str, *, output: Path | str | None = None, content: bytes | None = None
) -> Compiled:
    """Compile the notebook at `path` for a package in `output` (default:
    `STEM_pipeline` beside it).

    `content` stands in for what the file holds. Raises ContractError for a contract
    that is not a text.
    """
    from jupyter_pipe.compiler.codegen.package_files import (
        carried_contracts,
        package_files,
    )

    notebook = read_notebook(path, content)
    folder = Path(output) if output is not None else default_output(path)
    beside = Path(path).resolve().parent
    package = package_name(notebook.name, beside)
    interpreter = find_interpreter(notebook.kernel)
    pipeline = _analysed(
        notebook, package, _relative_notebook(Path(path), folder), interpreter
    )
    _raise_errors(notebook, pipeline.diagnostics)
    watched = {name for stage in pipeline.stages for name in stage.options.watched}
    contracts = carried_contracts(
        notebook.name, contract_texts(Path(path), sorted(watched))
    )
    digests = {
        name: hashlib.sha256(data).hexdigest() for name, data in contracts.items()
    }
    pipeline = msgspec.structs.replace(pipeline, contract_digests=digests)
    modules = {module for stage in pipeline.stages for module in stage.imports}
    # What `run-stage` needs wherever an engine runs a stage: ourselves, and a kernel.
    # Each pin once, ours last, even where a stage imports jupyter_pipe.
    pins = requirement_lines({*modules, "ipykernel"}, interpreter, beside)
    requirements = tuple(dict.fromkeys((*pins, f"jupyter_pipe=={__version__}")))
    return Compiled(
        pipeline, package_files(notebook, pipeline, package, requirements, contracts)
    )


def check_notebook(path: Path | str) -> tuple[Diagnostic, ...]:
    """Everything that the compiler has to say about the notebook, in notebook order;
    first, whether the files that jupytext keeps beside it say the same."""
    notebook = read_notebook(path)
    return (*check_pair(notebook), *draft_of(notebook).diagnostics)


def check_pair(notebook: Notebook) -> Iterable[Diagnostic]:
    """Whether the files that jupytext keeps beside the notebook say the same."""
    from jupyter_pipe.notebook.text.pairs import compare_with_pair

    return compare_with_pair(notebook)


@_uncollected()
def draft_pipeline(path: Path | str, content: bytes | None = None) -> Pipeline:
    """The pipeline as far as it can be known, errors among its diagnostics: what an
    editor shows. `content` is the notebook as edited, if it is not what the file
    holds."""
    return draft_of(read_notebook(path, content))


@_uncollected()
def draft_of(notebook: Notebook, takes: Iterable[str] = ()) -> Pipeline:
    """As `draft_pipeline`, of a notebook that was read. `takes` are variables that
    earlier notebooks of a pipeline of several share with it."""
    path = Path(notebook.path)
    package = package_name(notebook.name, path.resolve().parent)
    return _analysed(
        notebook, package, path.name, find_interpreter(notebook.kernel), tuple(takes)
    )


def default_output(path: Path | str) -> Path:
    """The folder that a notebook compiles to unless told otherwise."""
    return Path(path).with_name(f"{notebook_name(Path(path))}_pipeline")


def _analysed(
    notebook: Notebook,
    package: str,
    source: str,
    interpreter: Path | None,
    takes: Iterable[str] = (),
) -> Pipeline:
    """The pipeline with everything that is found on the way; `source` is how it names
    the notebook."""
    from jupyter_pipe.analysis import analyse

    reading = parse_tags(notebook)
    grouping = group_cells(notebook, reading)
    folder = Path(notebook.path).resolve().parent
    shares = find_shares(notebook, reading)
    # Variables of other notebooks are cells before the first and behind the last.
    analysis = analyse(with_outer_cells(grouping.program, shares, takes), folder=folder)
    name = notebook.settings.name or notebook.name
    stages = _stages(grouping, analysis, package, _read_learned(folder, name))
    found = [*grouping.diagnostics, *relocated(analysis.diagnostics, shares)]
    # Only a notebook that shares or takes pays for resolving twice.
    if shares or takes:
        left = resolve(stages).inputs.get(LEFT, ())
        found += unshareable(analysis, shares, left)
        stages = keep_shared(stages, left)
    wiring = resolve(stages)
    found += wiring.diagnostics
    found += _check_setup(notebook, grouping, analysis)
    found += _check_kernel(notebook, interpreter)
    found += _check_filter(notebook)
    return Pipeline(
        version=PIPELINE_VERSION,
        name=name,
        kernel=notebook.kernel,
        source=Source(source, notebook.digest),
        parameters=analysis.parameters,
        stages=tuple(
            msgspec.structs.replace(
                stage,
                inputs=wiring.inputs.get(stage.name, ()),
                outputs=wiring.outputs.get(stage.name, ()),
            )
            for stage in stages
        ),
        edges=wiring.edges,
        diagnostics=_in_order(notebook, found),
        description=notebook.settings.description,
        schedule=notebook.settings.schedule,
    )


def _stages(
    grouping: Grouping, analysis: Analysis, package: str, learned: Mapping[str, Learned]
) -> tuple[Stage, ...]:
    names = {flow.name for flow in analysis.stages}
    stages = (
        declare_files(_stage(grouping, flow, package, names))
        for flow in analysis.stages
    )
    return tuple(
        with_learned(stage, learned.get(stage.name, Learned())) for stage in stages
    )


def _stage(grouping: Grouping, flow: StageFlow, package: str, names: set[str]) -> Stage:
    tagged = grouping.stage(flow.name)
    return Stage(
        name=flow.name,
        cells=flow.cells,
        module=f"{package}/{flow.name}.py",
        notebook=f"notebooks/{flow.name}.ipynb",
        parameters=flow.parameters,
        groups=flow.groups,
        effects=flow.effects,
        replays=flow.replays,
        # `after:` may name a stage that turned out to have nothing to do.
        after=tuple(name for name in tagged.after if name in names),
        metrics=tagged.metrics,
        gates=tagged.gates,
        options=tagged.options,
        imports=flow.imports,
        frozen=flow.frozen,
        kept=tagged.kept,
    )


def _read_learned(folder: Path, name: str) -> dict[str, Learned]:
    """What runs have seen of stages. A file that cannot be read has taught nothing: it
    will be seen again."""
    try:
        data = read_record(folder / ".jupyter_pipe" / "effects.json", "learned", "")
    except OSError:
        return {}
    return decode_learned(data).get(name, {})


def _first_leading(grouping: Grouping, analysis: Analysis) -> str | None:
    """Id of the first cell of the implicit stage `setup`; None without one."""
    leading = {item.cell.id for item in grouping.program.cells if item.stage is None}
    for flow in analysis.stages:
        if flow.name != SETUP_STAGE:
            continue
        for cell_id in flow.cells:
            if cell_id in leading:
                # The first in notebook order: the message points at it.
                return cell_id
    return None


def _check_setup(
    notebook: Notebook, grouping: Grouping, analysis: Analysis
) -> Iterable[Diagnostic]:
    """A stage that is tagged `setup` is not the implicit one that leading code
    makes."""
    cells = {cell.id: cell for cell in notebook.code_cells}
    own = [
        item
        for item in grouping.program.cells
        if item.stage == SETUP_STAGE and item.role == "stage"
    ]
    leading = _first_leading(grouping, analysis)
    if own and leading is not None:
        cell = cells[leading]
        yield Diagnostic(
            "PIPE112",
            Severity.error,
            "This untagged code makes a stage 'setup', and another cell is tagged 'stage:setup'.",
            "Tag this cell too, or rename the stage.",
            cell_id=cell.id,
            cell=cell.number,
            stage=SETUP_STAGE,
        )


def _check_kernel(notebook: Notebook, interpreter: Path | None) -> Iterable[Diagnostic]:
    if interpreter is None:
        yield Diagnostic(
            "PIPE120",
            Severity.warning,
            f"The notebook's kernel '{notebook.kernel}' is not installed here.",
            "Compiling goes on without versions; running needs the kernel: see `jupyter kernelspec list`.",
        )


def _check_filter(notebook: Notebook) -> Iterable[Diagnostic]:
    if notebook.loses_tags:
        yield Diagnostic(
            "PIPE121",
            Severity.error,
            f"jupytext leaves the tags of cells out of '{Path(notebook.path).name}': its header has a "
            "cell_metadata_filter without them.",
            "Write `cell_metadata_filter: tags,-all` into the header, below `jupytext:`.",
        )


def _in_order(
    notebook: Notebook, found: Iterable[Diagnostic]
) -> tuple[Diagnostic, ...]:
    place = {cell.id: cell.index for cell in notebook.cells}
    # Two analyses of one cell may find the same; a diagnostic is equal if its text is.
    unique = {msgspec.json.encode(diagnostic): diagnostic for diagnostic in found}
    return tuple(
        sorted(
            unique.values(),
            key=lambda item: (
                place.get(item.cell_id or "", -1),
                item.line or 0,
                item.column or 0,
                item.code,
            ),
        )
    )


def _raise_errors(notebook: Notebook, diagnostics: Sequence[Diagnostic]) -> None:
    errors = [
        diagnostic
        for diagnostic in diagnostics
        if diagnostic.severity is Severity.error
    ]
    if not errors:
        return
    count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    raise CompileError(
        f"'{Path(notebook.path).name}' does not compile: {count}.",
        diagnostics=diagnostics,
        hint=f"Fix what is listed; `jupyter pipe check {Path(notebook.path).name}` lists it again.",
    )


def _relative_notebook(path: Path, folder: Path) -> str:
    """The notebook as seen from the package; absolute only across drives."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
