"""Which contracts hold for a run, and how they are read: the one place of this package
that touches the disk.

A notebook's stand beside it. A compiled package carries its own, as they were when it
was compiled: `pipeline.json` has their digests, so that a package that lost one, or one
that was edited, is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from jupyter_pipe.contracts.model import Contract
from jupyter_pipe.errors import ContractError
from jupyter_pipe.notebook.contract_files import (
    contract_path,
    contract_texts,
    read_contract_text,
    shown_contract,
)

__all__ = ["contract_path", "read_carried_contracts", "read_contract", "read_contracts"]


def read_contract(notebook: Path, name: str) -> Contract | None:
    """The contract of the value `name` of a notebook, None without a file. Raises
    ContractError."""
    return read_contracts(notebook, (name,)).get(name)


def read_contracts(notebook: Path, names: Iterable[str]) -> dict[str, Contract]:
    """The contracts of those values that have a file. Raises ContractError."""
    texts = contract_texts(notebook, names)
    return {
        name: _parsed(name, text, contract_path(notebook, name))
        for name, text in texts.items()
    }


def read_carried_contracts(
    package: Path, digests: Mapping[str, str], names: Iterable[str]
) -> dict[str, Contract]:
    """The contracts of those values whose contract a compiled package carries.

    `digests` are those of the package's `pipeline.json`. Raises ContractError for a
    file that is not the one that was compiled.
    """
    # A value whose contract came after compiling has none in the package.
    carried = [name for name in names if name in digests]
    return {name: _carried(package, name, digests[name]) for name in carried}


def _carried(package: Path, name: str, digest: str) -> Contract:
    path = package / "contracts" / f"{name}.yaml"
    text = read_contract_text(path)
    if text is None or hashlib.sha256(text.encode()).hexdigest() != digest:
        wrong = "is missing" if text is None else "is not what was compiled"
        raise ContractError(
            f"{shown_contract(path)} of the package '{package.name}' {wrong}.",
            code="contract_invalid",
            hint="Change the contract beside the notebook, and compile again: jupyter pipe compile NOTEBOOK",
        )
    return _parsed(name, text, path)


def _parsed(name: str, text: str, path: Path) -> Contract:
    # PyYAML takes longer to import than a run in which nothing changed spends on a
    # stage.
    from jupyter_pipe.contracts.reading import parse_contract

    return parse_contract(name, text, shown_contract(path))
