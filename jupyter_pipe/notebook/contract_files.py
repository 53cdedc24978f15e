"""Where the contracts of a notebook stand, and their text: `STEM.contracts/NAME.yaml`
beside it.

What they say is `contracts`' business; the compiler only carries them along.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jupyter_pipe.errors import ContractError
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["contract_path", "contract_texts", "read_contract_text", "shown_contract"]

# A megabyte are ten thousand columns, and ten seconds for PyYAML.
_LARGEST = 1 << 20


def contract_path(notebook: Path, name: str) -> Path:
    """Where the contract of a value stands: `STEM.contracts/NAME.yaml` beside the
    notebook."""
    return notebook.with_name(f"{notebook_name(notebook)}.contracts") / f"{name}.yaml"


def shown_contract(path: Path) -> str:
    """The path of a contract as messages name it: `home_value.contracts/raw.yaml`."""
    return f"{path.parent.name}/{path.name}"


def read_contract_text(path: Path) -> str | None:
    """The text of a contract file with `\\n` as line ends, None without a file. Raises
    ContractError."""
    shown = shown_contract(path)
    try:
        text = read_regular_file(path, _LARGEST).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise ContractError(f"{shown} is not UTF-8.", code="contract_invalid") from None
    except OSError as error:
        raise ContractError(
            f"{shown} cannot be read: {error.strerror}.", code="contract_invalid"
        ) from None
    # Version control may have changed them, and a contract that says the same is the
    # same.
    return text.replace("\r\n", "\n")


def contract_texts(notebook: Path, names: Iterable[str]) -> dict[str, str]:
    """The texts of those values that have a file, by value. Raises ContractError."""
    found = (
        (name, read_contract_text(contract_path(notebook, name))) for name in names
    )
    return {name: text for name, text in found if text is not None}
