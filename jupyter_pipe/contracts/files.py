"""Where contracts stand, and how they are read: the one place of this package that touches the disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jupyter_pipe.contracts.model import Contract
from jupyter_pipe.errors import ContractError
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["contract_path", "read_contract", "read_contracts"]

# A megabyte are ten thousand columns, and ten seconds for PyYAML.
_LARGEST = 1 << 20


def contract_path(notebook: Path, name: str) -> Path:
    """Where the contract of a value stands: `STEM.contracts/NAME.yaml` beside the notebook."""
    return notebook.with_name(f"{notebook.stem}.contracts") / f"{name}.yaml"


def read_contract(notebook: Path, name: str) -> Contract | None:
    """The contract of the value `name` of a notebook, None without a file. Raises ContractError."""
    path = contract_path(notebook, name)
    shown = f"{path.parent.name}/{path.name}"
    try:
        text = read_regular_file(path, _LARGEST).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise ContractError(f"{shown} is not UTF-8.", code="contract_invalid") from None
    except OSError as error:
        raise ContractError(f"{shown} cannot be read: {error.strerror}.", code="contract_invalid") from None
    # PyYAML takes longer to import than a run in which nothing changed spends on a stage.
    from jupyter_pipe.contracts.reading import parse_contract

    return parse_contract(name, text, shown)


def read_contracts(notebook: Path, names: Iterable[str]) -> dict[str, Contract]:
    """The contracts of those values that have a file. Raises ContractError."""
    found = ((name, read_contract(notebook, name)) for name in names)
    return {name: contract for name, contract in found if contract is not None}
