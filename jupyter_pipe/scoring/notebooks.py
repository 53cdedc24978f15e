"""From a notebook on disk to a proved bundle: runs its pipeline, records on the values
of that run.

Executes the notebook's code in this process, in the notebook's folder. Raises
PipeError.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.compiler.codegen.requirements import find_interpreter
from jupyter_pipe.contracts import read_contract
from jupyter_pipe.engine import RunRequest, Target, open_target, run_pipeline
from jupyter_pipe.engine.request import secrets_of
from jupyter_pipe.engine.scheduling.kernel_definitions import known_definitions
from jupyter_pipe.errors import ArtifactError, KernelError, PipeError, RunError
from jupyter_pipe.events import Event, RunState
from jupyter_pipe.model import Notebook, Pipeline, from_json
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.notebook.grammar import ROLE_TAGS
from jupyter_pipe.notebook.parameters import set_parameters
from jupyter_pipe.runs.model import Run
from jupyter_pipe.scoring.building import Built, prove_recording
from jupyter_pipe.scoring.bundle import (
    Manifest,
    make_manifest,
    read_manifest,
    require_no_secret,
    write_bundle,
)
from jupyter_pipe.scoring.columns import describe_rows
from jupyter_pipe.scoring.program import ScoringProgram, read_program
from jupyter_pipe.scoring.proving.fresh import prove_fresh
from jupyter_pipe.scoring.recording import record
from jupyter_pipe.scoring.scorer import Scorer
from jupyter_pipe.scoring.tracing.shapes import is_estimator

__all__ = [
    "RunValues",
    "bundle_folder",
    "current_bundle",
    "prove_notebook",
    "prove_run",
    "scorer_of_run",
]

Observer = Callable[[Event], None]
_PARAMETERS = frozenset(tag for tag, role in ROLE_TAGS.items() if role == "parameters")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def bundle_folder(notebook: Path, root: Path | None = None) -> Path:
    """Where the scorer of a notebook is kept."""
    return (
        (root or notebook.absolute().parent)
        / ".jupyter_pipe"
        / "scorers"
        / notebook_name(notebook)
    )


def prove_notebook(
    path: Path, *, folder: Path | None = None, observers: tuple[Observer, ...] = ()
) -> tuple[Built, Manifest]:
    """Run the notebook's pipeline, reusing what is valid; compile, prove and keep its
    scorer.

    The bundle is written only if all proofs hold. Raises ScoringRefusedError, and
    whatever running raises.
    """
    _check_interpreter(path)
    target = open_target(path)
    read_program(
        read_notebook(path), path.absolute().parent
    )  # What is refused is refused before it runs.
    run = run_pipeline(
        RunRequest(target=target, trigger="score"), observers=list(observers)
    )
    return prove_run(target, run, folder=folder)


def prove_run(
    target: Target,
    run: Run,
    *,
    folder: Path | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[Built, Manifest]:
    """Compile, prove and keep the scorer of a run that has succeeded, on the values
    that it left.

    The notebook must be as it was in that run; parameters have the values of the run.
    The bundle is written only if all proofs hold. `meanwhile` is called while another
    process proves. Raises ScoringRefusedError, RunError and ArtifactError.
    """
    path = target.notebook
    notebook, program = _program_of_run(target, run)
    with _inside(path.parent):
        values = RunValues(program, run, target)
        recording = record(program, values.captured(), values.names)
        built = prove_recording(recording, values.truth(), program.keys)
    manifest = make_manifest(
        built,
        name=notebook.name,
        rows=program.rows,
        score=program.score,
        digest=notebook.digest,
        run_id=run.run_id,
        contract=read_contract(path, program.rows),
    )
    require_no_secret(built, manifest, Masker(secrets_of(target.pipeline, os.environ)))
    if built.passed:
        built = replace(
            built, proofs=(*built.proofs, prove_fresh(built, manifest, meanwhile))
        )
        manifest = _with_proofs(manifest, built)
    if built.passed:
        write_bundle(folder or bundle_folder(path), built, manifest)
    return built, manifest


def scorer_of_run(target: Target, run: Run) -> tuple[Scorer, Any]:
    """The scorer of a run that has succeeded, without proofs and kept nowhere, and the
    run's raw rows: for tests, which compare what it predicts. Raises as `prove_run`."""
    _, program = _program_of_run(target, run)
    with _inside(target.notebook.parent):
        values = RunValues(program, run, target)
        recording = record(program, values.captured(), values.names)
        constants = {
            name: constant.value
            for name, constant in recording.module.constants.items()
        }
        scorer = Scorer(
            recording.module.source, constants, describe_rows(recording.rows)
        )
    return scorer, recording.rows


def _program_of_run(target: Target, run: Run) -> tuple[Notebook, ScoringProgram]:
    """The notebook, and what scoring is about, with the parameters of the run."""
    path = target.notebook
    _check_interpreter(path)
    notebook = read_notebook(path)
    _require_success(run, path)
    _require_unchanged(target, run, notebook)
    return notebook, read_program(_as_run(notebook, run), path.parent)


def _require_success(run: Run, path: Path) -> None:
    if run.state is not RunState.succeeded:
        raise RunError(
            f"The pipeline of {path.name} did not succeed: without predictions no scorer is proved.",
            code="run_damaged",
            hint=f"See what failed: jupyter pipe show {run.run_id}",
        )


def _require_unchanged(target: Target, run: Run, notebook: Notebook) -> None:
    ran = target.store.read_pipeline(run.run_id).source.digest
    if ran != notebook.digest:
        raise RunError(
            f"{target.notebook.name} has changed since run {run.run_id}: its scorer would be that of "
            "another notebook.",
            code="run_outdated",
            hint=f"Run it again: jupyter pipe run {target.notebook.name}",
        )


def _as_run(notebook: Notebook, run: Run) -> Notebook:
    """The notebook with the values that the run's parameters had, as if its user had
    typed them."""
    import msgspec

    literals = {
        each.name: each.literal for each in run.facts.parameters if each.changed
    }
    if not literals:
        return notebook
    cells = tuple(
        msgspec.structs.replace(cell, source=set_parameters(cell.source, literals))
        if _PARAMETERS & {tag.strip().lower() for tag in cell.tags}
        else cell
        for cell in notebook.cells
    )
    return msgspec.structs.replace(notebook, cells=cells)


def current_bundle(path: Path) -> Path:
    """The folder of the notebook's scorer, made now if there is none of the notebook as
    it is.

    Raises ScoringRefusedError, and PipeError if a proof fails.
    """
    folder = bundle_folder(path)
    digest = read_notebook(path).digest
    with contextlib.suppress(PipeError):
        if read_manifest(folder).notebook_digest == digest:
            return folder
    built, _ = prove_notebook(path, folder=folder)
    failed = next((proof for proof in built.proofs if not proof.passed), None)
    if failed is not None:
        raise PipeError(
            f"There is no scorer of {path.name}: {failed.name}? {failed.detail}.",
            code="scorer_unproved",
            hint=f"See all proofs: jupyter pipe verify {path.name} --score",
        )
    return folder


def _with_proofs(manifest: Manifest, built: Built) -> Manifest:
    import msgspec

    return msgspec.structs.replace(manifest, proofs=built.proofs)


def _check_interpreter(path: Path) -> None:
    """The values of a run can be loaded by the interpreter that made them alone."""
    kernel = read_notebook(path).kernel
    found = find_interpreter(kernel)
    if (
        found is not None
        and found.absolute().parent != Path(sys.executable).absolute().parent
    ):
        raise KernelError(
            f"The kernel '{kernel}' of {path.name} runs {found}, this command {sys.executable}.",
            code="kernel_broken",
            hint=f"Install jupyter_pipe there and run it with that Python: {found} -m jupyter_pipe.cli.main",
        )


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The notebook's code sees its own folder and modules, and prints nowhere."""
    before, path = Path.cwd(), list(sys.path)
    # A figure that the notebook draws must not open a window.
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.chdir(before)
        sys.path[:] = path


class RunValues:
    """The values that the stages of a run handed on, loaded when they are asked for.

    `names` is the namespace in which the notebook's classes come to life.
    """

    def __init__(self, program: ScoringProgram, run: Run, target: Target) -> None:
        self._program = program
        self._run = run
        self._store = Store(target.store.state_folder)
        folder = target.store.state_folder / "runs" / run.run_id
        self._pipeline = from_json((folder / "pipeline.json").read_bytes(), Pipeline)
        self._loaded: dict[str, dict[str, Any]] = {}
        # Classes of a notebook are pickled as those of `__main__`.
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def truth(self) -> Any:
        """The notebook's own predictions. Raises ArtifactError."""
        program = self._program
        stage = program.units[program.score_unit].stage or ""
        found = self._find(stage, program.score)
        if found is None:
            raise ArtifactError(
                f"The run did not keep '{program.score}'.",
                code="artifact_unusable",
                hint="Run the stage again: --force.",
            )
        return found()

    def captured(self) -> Mapping[tuple[str, int], Callable[[], Any]]:
        """What the scorer takes from the run instead of computing it: anything that was
        made before the rows, and models and plain values that were made after them.
        Keyed by name and the unit that made it."""
        found: dict[tuple[str, int], Callable[[], Any]] = {}
        for unit in self._program.units:
            for name, write in unit.facts.writes.items():
                load = self._find(unit.stage or "setup", name)
                if load is None or write.kind not in ("binds", "mutates", "may_bind"):
                    continue
                if self._may_be_captured(unit.stage, unit.number, name, load):
                    found[name, unit.number] = load
        return found

    def _may_be_captured(
        self, stage: str | None, unit: int, name: str, load: Callable[[], Any]
    ) -> bool:
        """A table that was made after the rows has an entry for each of them, as far as
        one can know."""
        # A run keeps a value as it is when its stage ends.
        last = max(each.number for each in self._program.units if each.stage == stage)
        if last < self._program.rows_unit:
            return True
        if name == self._program.rows and unit <= self._program.rows_unit:
            later = [
                each
                for each in self._program.units
                if each.stage == stage and each.number > self._program.rows_unit
            ]
            return not any(name in each.facts.writes for each in later)
        return unit > self._program.rows_unit and _is_plain(load())

    def _find(self, stage: str, name: str) -> Callable[[], Any] | None:
        if stage not in {each.name for each in self._run.stages}:
            return None
        for written in self._run.stage(stage).artifacts:
            if name in written.names:
                return lambda: self._load(stage, written.artifact)[name]
        return None

    def _load(self, stage: str, artifact: str) -> dict[str, Any]:
        if artifact not in self._loaded:
            definitions = known_definitions(self._pipeline, self._pipeline.stage(stage))
            self._loaded[artifact] = self._store.load(
                artifact, definitions=definitions, namespace=self.names
            )
        return self._loaded[artifact]


def _is_plain(value: Any, depth: int = 3) -> bool:
    """Models, numbers, texts and small containers of them: nothing with an entry for
    each row."""
    if _is_single(value):
        return True
    if depth and isinstance(value, dict) and len(value) <= 200:
        return all(_is_plain(each, depth - 1) for each in value.values())
    if depth and isinstance(value, (list, tuple)) and len(value) <= 200:
        # A list of numbers may have one for each row.
        return any(is_estimator(each) for each in value) and all(
            _is_plain(e, depth - 1) for e in value
        )
    return False


def _is_single(value: Any) -> bool:
    """One model, number, text or moment: no container."""
    if is_estimator(value) or isinstance(value, _PLAIN):
        return True
    # A scalar of numpy.
    return getattr(value, "shape", None) == () or type(value).__name__ in (
        "Timestamp",
        "date",
        "datetime",
    )
