"""The preparation of a run: everything that can be wrong before it starts.

`prepare` writes nothing. Raises ParameterError, KernelError, ContractError and
RunError.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.compiler.graph import rewire, select
from jupyter_pipe.engine.kernels.kernelspecs import check_kernel
from jupyter_pipe.engine.scheduling.priorities import Capacity
from jupyter_pipe.engine.targets import RunRequest, Target
from jupyter_pipe.errors import NotebookError, ParameterError, RunError
from jupyter_pipe.events import ApprovalChecked, ContractJudged
from jupyter_pipe.model import Learned, Pipeline, Stage
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.runs.learned_effects import read_learned
from jupyter_pipe.runs.model import ParameterValue, RunFacts, RunOptions
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.runs.processes import this_process
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.keys import KEY_VARIABLE

if TYPE_CHECKING:
    from jupyter_pipe.contracts import Contract

__all__ = ["PreparedRun", "prepare", "secrets_of"]

# How many stages wait or run in a cluster at a time, unless told.
_CLUSTER_WORKERS = 32


class PreparedRun(Struct, frozen=True):
    """A request with every default filled in and every promise checked.

    `pipeline` is the whole one, with what earlier runs learned; `selected` are the
    stages that take part, `forced` those that must run. `numbers` maps a cell's id to
    its number, by the path of the notebook. `contracts` are the files of the values
    that stages watch; of several notebooks, each value is named after its own.
    """

    request: RunRequest
    pipeline: Pipeline
    selected: tuple[str, ...]
    forced: frozenset[str]
    store: RunStore
    facts: RunFacts
    capacity: Capacity
    numbers: dict[str, dict[str, int | None]]
    environment: dict[str, str]
    contracts: Mapping[str, Contract] = {}

    @property
    def secrets(self) -> dict[str, str]:
        """The values of all `secret:` names of the pipeline that the environment
        has."""
        return secrets_of(self.pipeline, self.environment)

    def numbers_of(self, stage: str) -> dict[str, int | None]:
        """The numbers of the cells of the stage's notebook, by id."""
        return self.numbers[self.facts.notebook_of(stage)]

    def contracts_of(self, stage: str) -> Mapping[str, Contract]:
        """The contracts of the notebook that the stage is of, by value."""
        notebook = self.pipeline.notebook_of(stage)
        if notebook is None:
            return self.contracts
        prefix = f"{notebook.name}."
        return {
            name.removeprefix(prefix): contract
            for name, contract in self.contracts.items()
            if name.startswith(prefix)
        }

    def folder_of(self, stage: str) -> Path:
        """Where the stage's kernel runs."""
        return Path(self.facts.workdir, self.pipeline.folder_of(stage))

    def judge(self, stage: Stage, result: StageResult) -> tuple[ContractJudged, ...]:
        """Hold a stage's result against the contracts of its values."""
        if not stage.options.contracts:
            return ()
        from jupyter_pipe.contracts.watching import judge_stage

        return judge_stage(stage, result, self.contracts_of(stage.name))

    def ask(self, stage: Stage, result: StageResult) -> ApprovalChecked | None:
        """What a person said of a stage's result, if the stage asks."""
        if not stage.options.approve:
            return None
        from jupyter_pipe.approvals import check_approval

        return check_approval(
            self.store.state_folder, self.pipeline.name, stage, result
        )

    @property
    def taking_part(self) -> Pipeline:
        """The pipeline of the selected stages alone."""
        return self._restricted(self.pipeline)

    def environment_of(self, stage: Stage, run_id: str) -> dict[str, str]:
        """The variables of the stage's kernel: the runner's, but for the secrets of
        other stages and the signing key."""
        # The key would let a stage sign what it likes.
        hidden = {KEY_VARIABLE} | set(self.secrets) - set(stage.options.secrets)
        kept = {
            name: value
            for name, value in self.environment.items()
            if name not in hidden
        }
        return {
            **kept,
            "PYTHONHASHSEED": str(self.facts.hash_seed),
            "JPY_SESSION_NAME": self.facts.notebook_of(stage.name),
            "JUPYTER_PIPE_RUN_ID": run_id,
            "JUPYTER_PIPE_STAGE": stage.name,
        }

    def rewire(self, _: Pipeline, learned: Mapping[str, Learned]) -> Pipeline:
        """The selected stages, wired as if these effects had been known. What
        unselected stages read stays an output, so that results can be reused when they
        run."""
        return self._restricted(rewire(self.pipeline, learned))

    def _restricted(self, pipeline: Pipeline) -> Pipeline:
        chosen = set(self.selected)
        return replace(
            pipeline,
            stages=tuple(stage for stage in pipeline.stages if stage.name in chosen),
            edges=tuple(
                edge for edge in pipeline.edges if {edge.from_, edge.to} <= chosen
            ),
        )


def prepare(
    request: RunRequest, *, alone: str | None = None, has_secrets: bool = True
) -> PreparedRun:
    """Find out all that can be known before the run starts. Where a stage runs `alone`,
    nobody needs the secrets of those before it; without `has_secrets` they are
    elsewhere, with the machines that run the stages."""
    target, options = request.target, request.options
    compiled, notebook, store = target.pipeline, target.notebook, target.store
    store.require_no_links()
    pipeline = _with_learned(compiled, read_learned(store.state_folder, compiled.name))
    workdir = (request.workdir or notebook.parent).absolute()
    if not workdir.is_dir():
        raise RunError(
            f"The working directory {workdir} does not exist.", code="workdir_missing"
        )
    _check_folders(target, request.workdir, workdir)
    selected = _selected(pipeline, options)
    environment = dict(
        os.environ if request.environment is None else request.environment
    )
    if has_secrets:
        _check_secrets(pipeline, (alone,) if alone else selected, environment)
    masker = Masker(secrets_of(pipeline, environment))
    parameters = request.parameters or resolve_parameters(pipeline.parameters)
    _check_parameters(parameters, masker)
    _check_kernels(pipeline)
    workers = max(options.workers or _default_workers(options), 1)
    facts = RunFacts(
        notebook=str(notebook),
        package=str(target.package) if target.package else "",
        workdir=str(workdir),
        command=tuple(masker.text(word) for word in request.command),
        hash_seed=_hash_seed(environment),
        options=options,
        workers=workers,
        runner=this_process(),
        parameters=parameters,
        notebooks=target.notebooks,
    )
    return PreparedRun(
        request=request,
        pipeline=pipeline,
        selected=selected,
        forced=_forced(pipeline, options),
        store=store,
        facts=facts,
        capacity=_capacity(options, workers, environment),
        numbers=_numbers_of_all(target),
        environment=environment,
        contracts=_contracts(target, pipeline, selected),
    )


def _contracts(
    target: Target, pipeline: Pipeline, selected: Collection[str]
) -> Mapping[str, Contract]:
    """Raises ContractError."""
    names = [
        f"{notebook.name}.{name}"
        if (notebook := pipeline.notebook_of(stage.name))
        else name
        for stage in pipeline.stages
        if stage.name in selected
        for name in stage.options.watched
    ]
    # Most notebooks have none, and should not pay for the words to say so.
    return target.contracts(names) if names else {}


def _check_kernels(pipeline: Pipeline) -> None:
    for kernel in {pipeline.kernel, *(each.kernel for each in pipeline.notebooks)}:
        check_kernel(kernel)


def _check_folders(target: Target, given: Path | None, workdir: Path) -> None:
    """Several notebooks may run in several folders, all found from that of the
    pipeline. A package travels without its notebooks: those of its folders that lie
    below the working directory are made when stages run there."""
    pipeline = target.pipeline
    if target.package is not None:
        for each in pipeline.notebooks:
            folder = Path(each.folder)
            is_below = not folder.is_absolute() and ".." not in folder.parts
            if not is_below and not (workdir / folder).is_dir():
                raise RunError(
                    f"The notebook {each.name} runs in {each.folder}, which is not found from {workdir}.",
                    code="workdir_missing",
                    hint="Put the package where that folder is, or the notebooks below that of the list.",
                )
        return
    if (
        pipeline.notebooks
        and given is not None
        and not (workdir / pipeline.notebooks[0].source.notebook).is_file()
    ):
        raise RunError(
            f"The notebooks of {pipeline.name} are not found from {workdir}.",
            code="workdir_missing",
            hint="Several notebooks run in their own folders: leave --workdir out.",
        )


def _with_learned(pipeline: Pipeline, learned: Mapping[str, Learned]) -> Pipeline:
    known = {stage.name for stage in pipeline.stages}
    relevant = {stage: names for stage, names in learned.items() if stage in known}
    return rewire(pipeline, relevant) if relevant else pipeline


def _selected(pipeline: Pipeline, options: RunOptions) -> tuple[str, ...]:
    _check_names(pipeline, (*options.targets, *options.from_, *options.force))
    if options.targets or not options.from_:
        return select(pipeline, targets=options.targets)
    # What depends on the `from_` stages needs the results of everything before it as
    # well.
    return select(pipeline, targets=select(pipeline, from_=options.from_))


def _forced(pipeline: Pipeline, options: RunOptions) -> frozenset[str]:
    if options.force_all:
        return frozenset(stage.name for stage in pipeline.stages)
    again = select(pipeline, from_=options.from_) if options.from_ else ()
    return frozenset((*again, *options.force))


def _check_names(pipeline: Pipeline, names: Collection[str]) -> None:
    known = [stage.name for stage in pipeline.stages]
    for name in names:
        if name not in known:
            import difflib

            close = difflib.get_close_matches(name, known, n=1)
            raise RunError(
                f"There is no stage {name!r}.",
                code="stage_unknown",
                hint=f"Did you mean {close[0]!r}?"
                if close
                else f"Stages are: {', '.join(known)}.",
            )


def _check_secrets(
    pipeline: Pipeline, selected: Collection[str], environment: Mapping[str, str]
) -> None:
    for stage in pipeline.stages:
        for secret in stage.options.secrets if stage.name in selected else ():
            if not environment.get(secret):
                raise RunError(
                    f"Stage {stage.name!r} needs the secret {secret}, which is not in the environment.",
                    code="secret_missing",
                    hint=f"Set {secret}, or put it into a file and pass --env-file FILE.",
                )


def secrets_of(pipeline: Pipeline, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of all `secret:` names of the pipeline that the environment has."""
    names = {secret for stage in pipeline.stages for secret in stage.options.secrets}
    return {name: environment[name] for name in sorted(names) if name in environment}


def _check_parameters(parameters: Iterable[ParameterValue], masker: Masker) -> None:
    """Parameters are written into notebooks and records, so none may be a secret."""
    for value in parameters:
        held = masker.names_in(value.literal) if value.changed else ()
        if held:
            raise ParameterError(
                f"Parameter {value.name!r} holds the value of the secret {held[0]}; parameters are written "
                "into the run's notebooks and records.",
                code="parameter_secret",
                hint=f"Read os.environ[{held[0]!r}] in the stage that needs it.",
            )


def _hash_seed(environment: Mapping[str, str]) -> int:
    """The one seed of all kernels: the user's own, or always the same, since a cached
    list that was made by iterating over a set must agree with that set in a later
    run."""
    given = environment.get("PYTHONHASHSEED", "")
    return int(given) if given.isdigit() else 0


def _numbers_of_all(target: Target) -> dict[str, dict[str, int | None]]:
    paths = [each.path for each in target.notebooks] or [str(target.notebook)]
    return {path: _numbers(Path(path)) for path in paths}


def _numbers(notebook: Path) -> dict[str, int | None]:
    """Without the notebook, which may not have come along, cells have no numbers."""
    try:
        return {cell.id: cell.number for cell in read_notebook(notebook).code_cells}
    except NotebookError:
        return {}


def _default_workers(options: RunOptions) -> int:
    return _CLUSTER_WORKERS if options.scheduler else os.cpu_count() or 1


def _capacity(
    options: RunOptions, workers: int, environment: Mapping[str, str]
) -> Capacity:
    """What stages may take together; the resources of a cluster are its own
    business."""
    if options.scheduler:
        return Capacity(workers)
    return Capacity(
        workers,
        float(max(workers, os.cpu_count() or 1)),
        _memory_bytes(),
        _gpus(environment),
    )


def _gpus(environment: Mapping[str, str]) -> int | None:
    """The graphics processors that kernels may use; None if the system does not
    tell."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len(
            [
                device
                for device in visible.split(",")
                if device.strip() not in {"", "-1"}
            ]
        )
    driver = Path("/proc/driver/nvidia/gpus")
    return len(list(driver.iterdir())) if driver.is_dir() else None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
