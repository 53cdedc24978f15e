"""Kernels that lie in the repository."""

from __future__ import annotations

import json

from tests.hostile.attacks import attack
from tests.hostile.repository import FLOW, Repository, notebook_json


def _plant(repository: Repository) -> str:
    """A kernelspec in the repository. Returns its folder."""
    program = repository.program("k/start", "kernel")
    spec = {
        "argv": [str(program), "-f", "{connection_file}"],
        "display_name": "k",
        "language": "python",
    }
    (repository.folder / "k" / "kernel.json").write_text(json.dumps(spec))
    return str(repository.folder / "k")


@attack("a notebook names a kernel by its absolute path", runs="run verify submit")
def absolute_kernel(repository: Repository) -> None:
    repository.flow.write_text(json.dumps(notebook_json(FLOW, _plant(repository))))


@attack("a notebook names a kernel by a path that leads out of Jupyter's folders")
def relative_kernel(repository: Repository) -> None:
    up = "../" * 30
    repository.flow.write_text(
        json.dumps(notebook_json(FLOW, f"{up}{_plant(repository).lstrip('/')}"))
    )


@attack("a package names a kernel by its path", runs="run-stage resume debug")
def kernel_of_a_package(repository: Repository) -> None:
    kernel = json.dumps(_plant(repository))
    repository.edit(
        repository.package / "pipeline.json",
        ('"kernel": "python3"', f'"kernel": {kernel}'),
    )
    for run in repository.state.glob("runs/*/pipeline.json"):
        repository.edit(run, ('"kernel": "python3"', f'"kernel": {kernel}'))
