"""The entry of `jupyter pipe`: finds the command, lets it parse and run, turns errors
into exit codes.

Exit codes: 0 succeeded, 1 a stage failed, 2 usage or compile error, 3 a gate failed,
4 data broke its contract, 5 a person is asked, 130 cancelled.
A command's module is imported only when it is called or listed.
"""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from jupyter_pipe import __version__
from jupyter_pipe.cli.commands import COMMANDS, FOR_ONE_NOTEBOOK, SUMMARIES

if TYPE_CHECKING:
    from jupyter_pipe.errors import PipeError

__all__ = ["COMMANDS", "command_parsers", "entry_point", "main"]

# 128 and the number of SIGINT, as shells have it.
CANCELLED = 130
# What a user can do something about. Any other error is a defect of ours, and keeps its
# traceback.
_TROUBLES = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
EPILOG = """\
first steps:
  jupyter pipe suggest notebook.ipynb    stages for a notebook that has no tags yet
  jupyter pipe check notebook.ipynb      what the compiler makes of the notebook's tags
  jupyter pipe run notebook.ipynb        run its stages, in parallel where nothing forbids it
  jupyter pipe open                      the report of the latest run, in the browser

`jupyter pipe COMMAND --help` explains one command."""


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors suggest what was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, exit with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"error: {message}{self._suggestion(message)}\n")

    def _suggestion(self, message: str) -> str:
        if not message.startswith("unrecognized arguments: "):
            return ""
        import difflib

        wrong = (
            message.removeprefix("unrecognized arguments: ")
            .split()[0]
            .partition("=")[0]
        )
        options = [
            option for action in self._actions for option in action.option_strings
        ]
        close = difflib.get_close_matches(wrong, options, n=1)
        return f"\nDid you mean {close[0]}?" if close else ""


def entry_point() -> NoReturn:
    """What the executable `jupyter-pipe` calls."""
    # Looking for garbage every 700 objects is a tenth of what it costs to import
    # modules.
    gc.set_threshold(100_000)
    if not _only_lists(sys.argv[1:]):
        from jupyter_pipe.cli import light_imports

        light_imports.leave_out_formats()
        light_imports.leave_out_remote_notebooks()
        if sys.version_info >= (3, 11):
            # msgspec prefers typing_extensions to typing, which has what it asks for
            # since 3.11; importing that, with `inspect`, is a sixth of what a run costs
            # in which nothing changed.
            light_imports.import_lightly("msgspec", without="typing_extensions")
    _leave(main(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End as an interpreter does, without taking apart all the modules that go with the
    process anyway: a tenth of what a run costs in which nothing changed."""
    import atexit
    import threading

    # Waits for threads that are not daemons, such as those of runs.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError:
        sys.exit(code)  # Python tries again, and says what could not be written
    os._exit(code)


def _only_lists(arguments: Sequence[str]) -> bool:
    """Whether nothing is asked for but what the commands are, or the version."""
    return not arguments or arguments[0] in {"-h", "--help", "--version"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; argparse exits by itself for usage
    errors."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run_command(arguments)
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing left to say, and Python must not say
        # so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run_command(arguments: list[str]) -> int:
    from jupyter_pipe.errors import PipeError

    args = _parse(arguments)
    try:
        _refuse_list(arguments[0], getattr(args, "target", None))
        code: int = args.run(args)
        return code
    except PipeError as error:
        from jupyter_pipe.cli.output.errors import print_error

        print_error(error, notebook=getattr(args, "target", None))
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        from jupyter_pipe.cli.output.errors import print_error

        trouble = _of_the_disk(error)
        if trouble is None:
            raise
        print_error(trouble)
        return trouble.exit_code


def _refuse_list(command: str, target: str | Path | None) -> None:
    """Commands that are about one notebook say so of a list of several. Raises
    NotebookError."""
    if command not in FOR_ONE_NOTEBOOK or target is None:
        return
    from jupyter_pipe.notebook.file_kinds import PIPELINE_FILE, names_several
    from jupyter_pipe.notebook.reader import refuse_list

    path = Path(target)
    if (path / "pipeline.json").is_file():
        from jupyter_pipe.compiler import read_package

        # `tests` and the like would look for a notebook of the package's name.
        if read_package(path).notebooks:
            refuse_list(path)
    if names_several([path]):
        refuse_list(path / PIPELINE_FILE if path.is_dir() else path)


def _of_the_disk(error: OSError) -> PipeError | None:
    """What a user can fix about a file that could not be read or written; None for a
    defect of ours."""
    from jupyter_pipe.errors import PipeError

    if error.errno not in _TROUBLES:
        return None
    where = f"'{error.filename}'" if error.filename else "what is needed"
    return PipeError(
        f"{where[0].upper()}{where[1:]} cannot be read or written: {error.strerror}.",
        code="file_trouble",
        hint="Make room and check who may read and write there, or name another place.",
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parses the arguments and imports only the module of the command that was asked
    for, which keeps the start quick. Prints help or an error and exits with code 2 if
    no command remains."""
    parser = Parser(
        prog="jupyter pipe",
        description="Runs a tagged notebook as a parallel, cached, restartable pipeline.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"jupyter_pipe {__version__}"
    )
    subparsers = parser.add_subparsers(
        metavar="COMMAND", title="commands", parser_class=Parser
    )
    wanted = arguments[0] if arguments else ""
    if wanted and not wanted.startswith("-") and wanted not in COMMANDS:
        parser.error(_unknown_command(wanted))
    if _only_lists(arguments):
        for name, summary in SUMMARIES.items():
            subparsers.add_parser(name, help=summary, add_help=False)
    else:
        # Only the one that is called: importing all of them takes much longer.
        for name in [wanted] if wanted in COMMANDS else COMMANDS:
            importlib.import_module(COMMANDS[name]).add_parser(subparsers)
    # Known ones first, so that the command's own parser can say what was meant.
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        subparsers.choices.get(wanted, parser).error(
            f"unrecognized arguments: {' '.join(unknown)}"
        )
    if not hasattr(args, "run"):
        parser.print_help()
        parser.exit(2)
    return args


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command, by its name."""
    subparsers = argparse.ArgumentParser().add_subparsers()
    for module in COMMANDS.values():
        importlib.import_module(module).add_parser(subparsers)
    return dict(subparsers.choices)


def _unknown_command(wanted: str) -> str:
    from jupyter_pipe.notebook.file_kinds import is_notebook_file

    if is_notebook_file(wanted):
        return f"'{wanted}' is not a command. To run the notebook: jupyter pipe run {wanted}"
    import difflib

    close = difflib.get_close_matches(wanted, COMMANDS, n=1)
    suggestion = (
        f"Did you mean '{close[0]}'?"
        if close
        else f"Commands are: {', '.join(COMMANDS)}."
    )
    return f"unknown command '{wanted}'. {suggestion}"


if __name__ == "__main__":
    entry_point()
