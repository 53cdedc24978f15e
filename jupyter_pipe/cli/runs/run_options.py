"""The options of `run`, which `plan` and others share, and the `RunRequest` that they
make."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import add_further_notebooks, add_trust, at_least
from jupyter_pipe.errors import ParameterError
from jupyter_pipe.trust.records import read_named_file

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest, Target
    from jupyter_pipe.runs.model import ParameterValue, RunOptions
    from jupyter_pipe.runs.store import RunStore

__all__ = [
    "add_place",
    "add_run_options",
    "add_targets",
    "command_line",
    "environment_of",
    "given_parameters",
    "open_targets",
    "request_of",
    "track_address",
]

# What `--force` without a name stands for: no stage is called so.
ALL_STAGES = ""
# Bytes: variables are lines, not data.
_LARGEST_ENV_FILE = 1 << 20


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What to run, with which values, and how."""
    add_targets(parser)
    values = parser.add_argument_group("parameters")
    values.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="may be given several times",
    )
    values.add_argument(
        "-f",
        "--parameters-file",
        type=Path,
        metavar="FILE",
        help="YAML or JSON: name: value",
    )
    _add_selection(parser.add_argument_group("which stages"))
    _add_manner(parser.add_argument_group("how"))


def add_targets(parser: argparse.ArgumentParser) -> None:
    """What a command is about: one pipeline, of one notebook or of several."""
    parser.add_argument(
        "target",
        metavar="NB|DIR",
        help="a notebook, a compiled package, or a pipeline.toml that lists notebooks",
    )
    add_further_notebooks(parser)


def open_targets(
    args: argparse.Namespace, store: RunStore | None = None, *, keep: bool = True
) -> Target:
    """Compile or read what the command is about. Raises NotebookError, CompileError,
    PackageError."""
    from jupyter_pipe.engine.targets import open_several

    return open_several([Path(args.target), *args.more], store, keep=keep)


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--target",
        action="append",
        default=[],
        dest="targets",
        metavar="STAGE",
        help="this and what it needs",
    )
    group.add_argument(
        "--from",
        action="append",
        default=[],
        dest="from_",
        metavar="STAGE",
        help="this again, and what uses it",
    )
    group.add_argument(
        "--force",
        action="append",
        nargs="?",
        const=ALL_STAGES,
        default=[],
        metavar="STAGE",
        help="run the stage, or all, even if nothing changed",
    )
    group.add_argument("--no-cache", action="store_true", help="reuse nothing")


def _add_manner(group: argparse._ArgumentGroup) -> None:
    add_place(group)
    group.add_argument(
        "--keep-going",
        action="store_true",
        help="after a failure, run what does not need it",
    )
    group.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        # GitHub, GitLab and others set it; there nobody reads warnings.
        default=bool(os.environ.get("CI")),
        help="fail where a stage changes its input unannounced (default in CI)",
    )
    group.add_argument(
        "--root",
        metavar="DIR|URL",
        help="gets .jupyter_pipe (default: the notebook's folder)",
    )
    group.add_argument(
        "--workdir",
        type=Path,
        metavar="DIR",
        help="where stages run (default: the notebook's folder)",
    )
    group.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="NAME=VALUE lines, for secret:NAME tags",
    )
    add_allow_secret_values(group)
    add_trust(group)


def add_allow_secret_values(group: argparse._ActionsContainer) -> None:
    """For whoever wants a secret to be stored with the values that hold it."""
    group.add_argument(
        "--allow-secret-values",
        action="store_true",
        help="store values for later stages even if they hold a secret, in clear",
    )


def add_place(group: argparse._ActionsContainer) -> None:
    """Where stages run, and how many at a time. What is not given is None."""
    group.add_argument(
        "-j",
        "--jobs",
        type=at_least(1),
        metavar="N",
        help="stages at a time (default: cores)",
    )
    group.add_argument(
        "--executor",
        choices=("local", "dask"),
        help="where stages run (default: local)",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster (default: workers on this machine)",
    )
    group.add_argument(
        "--kernels",
        choices=("fork", "fresh"),
        help="fork warm kernels where that is safe (default), or start each anew",
    )


def request_of(args: argparse.Namespace) -> RunRequest:
    """Compile or read the target. Raises NotebookError, CompileError, PackageError,
    ParameterError."""
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    target = open_targets(args, RunStore(local_root(args.root)) if args.root else None)
    environment = environment_of(args.env_file)
    return RunRequest(
        target=target,
        options=_options(args),
        parameters=given_parameters(args, target, environment),
        workdir=args.workdir,
        environment=environment,
        command=command_line(sys.argv[1:]),
    )


def given_parameters(
    args: argparse.Namespace, target: Target, environment: Mapping[str, str]
) -> tuple[ParameterValue, ...]:
    """The notebook's parameters with what the command line, a file and the environment
    say instead."""
    from jupyter_pipe.runs.parameters import resolve_parameters

    return resolve_parameters(
        target.pipeline.parameters,
        texts=_parameter_texts(args.parameter),
        file=args.parameters_file,
        environment=environment,
    )


def _options(args: argparse.Namespace) -> RunOptions:
    from jupyter_pipe.runs.model import RunOptions

    return RunOptions(
        targets=tuple(args.targets),
        from_=tuple(args.from_),
        force=tuple(name for name in args.force if name != ALL_STAGES),
        force_all=ALL_STAGES in args.force,
        use_cache=not args.no_cache,
        workers=args.jobs,
        keep_going=args.keep_going,
        strict=args.strict,
        kernels=args.kernels or "fork",
        executor=args.executor or ("dask" if args.scheduler else "local"),
        scheduler=args.scheduler,
        trust=args.trust,
        allow_secret_values=args.allow_secret_values,
        track=track_address(args),
    )


def track_address(args: argparse.Namespace) -> str:
    """The address that `--track` names, empty without it. Raises TrackingError."""
    address = getattr(args, "track", None)
    if not address:
        return ""
    from jupyter_pipe.tracking.trackers import require_address

    require_address(address)
    return str(address)


def command_line(arguments: Sequence[str]) -> tuple[str, ...]:
    """How the user would type this command again."""
    return ("jupyter", "pipe", *arguments)


def _parameter_texts(given: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` as a mapping; the last one of a name holds."""
    texts = {}
    for each in given:
        name, separator, text = each.partition("=")
        if not separator or not name.strip():
            raise ParameterError(
                f"'-p {each}' is not NAME=VALUE.",
                code="parameter_syntax",
                hint="For example: -p n_estimators=300",
            )
        texts[name.strip()] = text
    return texts


def environment_of(env_file: Path | None) -> dict[str, str]:
    """The environment, with the file's variables where the environment lacks them."""
    if env_file is None:
        return dict(os.environ)
    try:
        lines = (
            read_named_file(env_file, _LARGEST_ENV_FILE).decode("utf-8").splitlines()
        )
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ParameterError(
            f"Cannot read {env_file}: {said}.", code="env_file_unreadable"
        ) from error
    found = {}
    for number, line in enumerate(lines, 1):
        # Files that shells read as well begin their lines so.
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if line.strip().startswith("#") or not line.strip():
            continue
        if not separator or not name.strip().isidentifier():
            # The line itself may hold a secret, so it is not shown.
            raise ParameterError(
                f"{env_file}, line {number}, is not NAME=VALUE.", code="env_file_syntax"
            )
        found[name.strip()] = _unquoted(value.strip())
    # What is set in the environment wins, as with other tools that read such files.
    return {**found, **os.environ}


def _unquoted(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value
