"""`jupyter pipe serve NAME|BUNDLE|NB`: predictions over HTTP, each with the version
that made it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_root,
    add_trust,
    at_least,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import ExtraMissingError, PipeError
from jupyter_pipe.notebook.file_kinds import is_notebook_file

__all__ = ["TOKEN_VARIABLE", "add_parser", "run"]

TOKEN_VARIABLE = "JUPYTER_PIPE_SERVE_TOKEN"  # noqa: S105 - the name of a variable
# Addresses that only this machine reaches.
_LOCAL = ("127.0.0.1", "localhost", "::1")
EXPLANATION = """\
POST rows as JSON to /score. Every answer says which version made it. A row that does not fit is refused
with status 422, which names row, column and rule. A new version is loaded aside, must repeat its golden rows,
and takes over without a request that fails or waits. The page at / has a form to try a prediction.

  /score  /schema  /health  /ready  /metrics (Prometheus)  /status  /openapi.json

exit codes: 0 ended by a signal, with all requests answered, 1 workers cannot be started, 2 usage"""
EXAMPLES = """
jupyter pipe serve home_value.ipynb                       prove it if need be, then serve it
jupyter pipe serve .jupyter_pipe/scorers/home_value --port 8000 --workers 2
jupyter pipe serve home_value@champion --canary 10%
curl -d '{"rows": [{"area": 80, "rooms": 3}]}' http://127.0.0.1:8000/score"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "serve", run, examples=EXAMPLES)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    parser.add_argument(
        "target",
        metavar="NAME[@ALIAS]|BUNDLE|NB",
        help="a model of the registry, a scorer's folder, a notebook",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: this machine)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        help="the port (default: 8000; 0: a free one)",
    )
    parser.add_argument(
        "--workers",
        type=at_least(1),
        default=1,
        metavar="N",
        help="processes that answer (default: 1)",
    )
    _add_challenger(parser)
    _add_log(parser)
    _add_access(parser)
    add_trust(parser)
    add_root(parser)


def _add_challenger(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a second version")
    modes = group.add_mutually_exclusive_group()
    modes.add_argument(
        "--shadow",
        metavar="@ALIAS|BUNDLE",
        help="let it score each request too, after the answer",
    )
    modes.add_argument(
        "--canary",
        type=_share,
        metavar="10%",
        help="let it answer this share of the keys",
    )
    modes.add_argument(
        "--ab",
        type=_share,
        metavar="50%",
        help="the same, for a comparison that is meant to last",
    )
    group.add_argument(
        "--challenger",
        metavar="@ALIAS|BUNDLE",
        default="@challenger",
        help="which one, for --canary and --ab (default: @challenger)",
    )


def _add_log(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("request log")
    group.add_argument(
        "--no-log", action="store_true", help="do not write requests down"
    )
    group.add_argument(
        "--log",
        type=Path,
        metavar="DIR",
        help="where (default: .jupyter_pipe/serving/NAME)",
    )
    group.add_argument(
        "--keep",
        default="90d",
        metavar="TIME",
        help="how long, such as 90d (the default)",
    )
    group.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN",
        help="leave a column out of the log",
    )
    group.add_argument(
        "--hash",
        action="append",
        default=[],
        metavar="COLUMN",
        help="write a keyed hash in its place",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("access")
    group.add_argument(
        "--token",
        metavar="TEXT",
        help=f"what clients must send as a bearer token (or ${TOKEN_VARIABLE})",
    )
    group.add_argument(
        "--no-token",
        action="store_true",
        help="let anybody in who reaches an address beyond this machine",
    )
    group.add_argument("--tls-cert", metavar="FILE", help="certificate, for HTTPS")
    group.add_argument("--tls-key", metavar="FILE", help="its key")
    group.add_argument(
        "--tls-ca",
        metavar="FILE",
        help="let in only clients with a certificate of this CA",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    _require_extra()
    from jupyter_pipe.serving.announcing import announced
    from jupyter_pipe.serving.opening import open_source
    from jupyter_pipe.serving.processes.supervisor import Supervisor, bind
    from jupyter_pipe.serving.traffic.places import model_folder

    terminal = Terminal.of(args, sys.stderr)
    settings = _settings(args)
    # Mistakes are told before anything listens.
    source = open_source(settings.target, settings)
    source.check()
    if settings.mode:
        open_source(settings.challenger, settings)
    # Bound here, so that the address is known before workers start, also with port 0.
    listening = bind(args.host, args.port)
    scheme = "https" if settings.tls else "http"
    # IPv6 addresses stand in brackets in a URL.
    host = f"[{args.host}]" if ":" in args.host else args.host
    address = f"{scheme}://{host}:{listening.getsockname()[1]}"
    Terminal.of(args).result(address)
    if settings.log is not None:
        terminal.say(f"requests are written to {os.path.relpath(settings.log.folder)}")
    folder = model_folder(Path(settings.root), settings.target)
    facts = (
        address,
        settings.target,
        args.workers,
        time.time(),
        settings.mode,
        settings.share,
    )
    with announced(folder, *facts):
        return Supervisor(settings, listening, args.workers, _teller(terminal)).run()


def _teller(terminal: Terminal) -> Callable[[str, str], None]:
    tones = {
        "live": "good",
        "refused": "bad",
        "problem": "warn",
        "died": "warn",
        "failed": "bad",
    }

    def tell(kind: str, text: str) -> None:
        # Trouble is told with --quiet as well.
        say = terminal.say if kind == "live" else terminal.result
        say(f"{terminal.style(kind, tones[kind])}  {text}")

    return tell


def _require_extra() -> None:
    import importlib.util

    # Looked for, not imported: the supervisor needs none of them.
    for name in ("fastapi", "uvicorn", "prometheus_client"):
        if importlib.util.find_spec(name) is None:
            raise ExtraMissingError("Serving", "serve")


def _settings(args: argparse.Namespace) -> Any:
    from jupyter_pipe.serving.settings import Settings

    store = find_store(args.root)
    store.require_no_links()
    target = _bundle_of(args.target)
    mode, share, challenger = _challenger(args, target)
    return Settings(
        target,
        challenger,
        mode,
        share,
        root=str(store.root),
        trust=args.trust,
        token=_token(args),
        log=_log(args, target),
        tls=_tls(args),
    )


def _bundle_of(target: str) -> str:
    """The bundle of a notebook, proved now if there is none of it as it is; other
    targets as they are."""
    if not is_notebook_file(target):
        return target
    from jupyter_pipe.scoring.notebooks import current_bundle

    return str(current_bundle(Path(target)))


def _challenger(args: argparse.Namespace, target: str) -> tuple[Any, float, str]:
    """The mode, the share of requests (0 to 1) and the second scorer; empty without
    one."""
    mode = (
        "shadow"
        if args.shadow
        else "canary"
        if args.canary
        else "ab"
        if args.ab
        else ""
    )
    if not mode:
        return "", 0.0, ""
    text = args.shadow or args.challenger
    if text.startswith("@"):
        if Path(target).is_dir():
            raise PipeError(
                f"A folder has no {text}: name the folder of the second scorer.",
                code="bad_request",
                hint="For example: --canary 10% --challenger PATH, or --shadow PATH",
            )
        text = f"{target.partition('@')[0]}{text}"
    return mode, args.canary or args.ab or 0.0, _bundle_of(text)


def _log(args: argparse.Namespace, target: str) -> Any:
    if args.no_log:
        return None
    from jupyter_pipe.serving.settings import LogSettings, parse_duration
    from jupyter_pipe.serving.traffic.places import log_folder

    folder = args.log or log_folder(find_store(args.root).root, target)
    keep = parse_duration(args.keep)
    return LogSettings(str(folder.absolute()), tuple(args.drop), tuple(args.hash), keep)


def _tls(args: argparse.Namespace) -> Any:
    """Certificate, key and the authority of clients; None for plain HTTP."""
    if not (args.tls_cert or args.tls_key or args.tls_ca):
        return None
    from jupyter_pipe.serving.settings import Tls

    if not (args.tls_cert and args.tls_key):
        raise PipeError("HTTPS needs --tls-cert and --tls-key.", code="bad_request")
    for name in filter(None, (args.tls_cert, args.tls_key, args.tls_ca)):
        if not Path(name).is_file():
            raise PipeError(f"There is no file '{name}'.", code="bad_request")
    return Tls(args.tls_cert, args.tls_key, args.tls_ca or "")


def _token(args: argparse.Namespace) -> str:
    """The word that requests must bring. Beyond this machine there is one, unless
    somebody says otherwise."""
    token: str = args.token or os.environ.get(TOKEN_VARIABLE, "")
    if token and (not token.isascii() or not token.isprintable() or " " in token):
        raise PipeError("A token is one word of ASCII characters.", code="bad_request")
    # A certificate of this authority is as good as a token.
    guarded = token or args.no_token or args.tls_ca
    if args.host not in _LOCAL and not guarded:
        raise PipeError(
            f"On {args.host} anybody who reaches this machine could ask for predictions.",
            code="bad_request",
            hint=f"Give a token (--token, or {TOKEN_VARIABLE}), or say --no-token, behind a proxy that asks.",
        )
    return token


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise ValueError
    return number


def _share(text: str) -> float:
    from jupyter_pipe.serving.settings import parse_share

    try:
        return parse_share(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a share such as 10%"
        ) from None
