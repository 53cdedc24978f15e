"""After a run: the report, the files that were asked for, the closing words."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from jupyter_pipe.cli.options import root_option
from jupyter_pipe.cli.output.summary import summary
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import StageState
from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.words import bytes_text
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.report import write_report
from jupyter_pipe.runs.store import RunStore

__all__ = ["write_results"]

# From here on people ask where their disk has gone.
LARGEST_STORE_BYTES = 10 * 10**9


def write_results(
    args: argparse.Namespace,
    terminal: Terminal,
    store: RunStore,
    run: Run,
    pipeline: Pipeline,
) -> Path:
    """Write and print everything; returns the run's folder."""
    folder = store.folder(run.run_id).path
    if args.html:
        _write(args.html, write_report(folder).read_bytes())
    if args.junit:
        from jupyter_pipe.runs.report.junit import junit_xml

        _write(args.junit, junit_xml(run).encode())
    command = f"jupyter pipe resume {run.run_id}{root_option(store)}"
    live = terminal.live and terminal.verbosity == 0
    text = summary(terminal, run, folder, command=command, with_stages=live)
    terminal.result(f"\n{text}" if not live else text)
    if any(stage.state is StageState.succeeded for stage in run.stages):
        _warn_of_size(terminal, store)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from jupyter_pipe.cli.output.github import write_github

        write_github(terminal, run, pipeline)
    return folder


def _write(path: Path, data: bytes) -> None:
    from jupyter_pipe.cli.output.writing import write_output

    write_output(path, data)


def _warn_of_size(terminal: Terminal, store: RunStore) -> None:
    """Only after a run that stored something, since looking takes time where there is
    much."""
    from jupyter_pipe.runs.garbage import stored_bytes

    size = stored_bytes(store)
    if size > LARGEST_STORE_BYTES:
        limit = bytes_text(LARGEST_STORE_BYTES).replace(" ", "")
        command = f"jupyter pipe gc --keep {limit}{root_option(store)}"
        terminal.say(
            f"Stored values take {bytes_text(size)}. To remove those of old runs: {command}"
        )
