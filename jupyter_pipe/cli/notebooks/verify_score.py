"""`jupyter pipe verify NB --score`: the proofs of a notebook's scorer, one line
each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.output.progress import progress_on
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.marks import MARKS

if TYPE_CHECKING:
    from jupyter_pipe.scoring.building import Built
    from jupyter_pipe.scoring.bundle import Manifest
    from jupyter_pipe.scoring.model import ScoringRefusedError
    from jupyter_pipe.scoring.proving.proofs import Proof

__all__ = ["run_proofs"]


def run_proofs(args: argparse.Namespace, notebook: Path) -> int:
    """Exit code 0 if there is a scorer and all its proofs hold, else 1."""
    from jupyter_pipe.scoring.model import ScoringRefusedError
    from jupyter_pipe.scoring.notebooks import bundle_folder, prove_notebook

    terminal = Terminal.of(args, sys.stderr if args.json else None)
    try:
        with progress_on(Terminal.of(args, sys.stderr)) as progress:
            built, manifest = prove_notebook(notebook, observers=(progress,))
    except ScoringRefusedError as error:
        for line in _refusals(terminal, error):
            terminal.result(line)
        return 1
    if args.json:
        Terminal.of(args).record(to_json(manifest))
    else:
        for line in _verdict(terminal, built, manifest, bundle_folder(notebook)):
            terminal.result(line)
    return 0 if built.passed else 1


def _refusals(terminal: Terminal, error: ScoringRefusedError) -> Iterator[str]:
    # One way out for all lines that share it.
    for way_out in dict.fromkeys(refusal.way_out for refusal in error.refusals):
        for refusal in error.refusals:
            if refusal.way_out == way_out:
                yield f"{terminal.mark(MARKS['failed'])} {refusal}"
        yield f"    way out  {way_out}"
    yield f"{terminal.style('refused', 'bad')}: no scorer would give what the notebook gives."


def _verdict(
    terminal: Terminal, built: Built, manifest: Manifest, folder: Path
) -> Iterator[str]:
    """The proofs and, if all hold, which columns the scorer needs, which it can do
    without, and where it is."""
    for proof in built.proofs:
        yield from _proof(terminal, proof)
    if not built.passed:
        yield f"{terminal.style('refused', 'bad')}: a scorer is kept only if all proofs hold."
        return
    optional = [column.name for column in manifest.form.columns if column.optional]
    needed = [column.name for column in manifest.form.columns if not column.optional]
    yield f"needs {', '.join(needed)}"
    if optional:
        yield f"can do without {', '.join(optional)}"
    yield f"{terminal.style('proved', 'good')}: {os.path.relpath(folder)}"


def _proof(terminal: Terminal, proof: Proof) -> Iterator[str]:
    mark = terminal.mark(MARKS["succeeded" if proof.passed else "failed"])
    yield f"{mark} {proof.name}"
    if not proof.passed:
        place = f" ({proof.place}: {proof.place.text})" if proof.place else ""
        yield f"    {proof.detail}{place}"
