"""Data that is watched: profiles of values are judged by contracts, compared between
runs, told to people.

Takes `Profile`s, which a stage's kernel leaves in its `StageResult.profiles`, and
contracts, which stand in `STEM.contracts/NAME.yaml` beside the notebook. Gives
judgements, inferred contracts and drift. All of it is functions of values, but for the
readers in `files`; nothing here loads data, runs a stage or imports pandas. Raises
ContractError for a file that is not a contract, with its line.

    infer_contract(name, profiles, by="")   what runs that were right have in common
    judge(contract, profile)                everything that is not as the contract says, with guesses
    read_contract(notebook, name)           the contract of a value, None without a file
    read_carried_contracts(package, …)      those that a compiled package carries
    contract_text(contract)                 the file, one line a column
    find_drift(before, after)               what moved between two profiles, column by column
"""

from __future__ import annotations

from jupyter_pipe.artifacts.profile_record import ColumnProfile, Profile
from jupyter_pipe.contracts.drift import ColumnDrift, Drift, find_drift
from jupyter_pipe.contracts.files import (
    contract_path,
    read_carried_contracts,
    read_contract,
    read_contracts,
)
from jupyter_pipe.contracts.inference import infer_contract
from jupyter_pipe.contracts.judging import judge, lacks
from jupyter_pipe.contracts.model import (
    Breach,
    ColumnRule,
    Contract,
    Guess,
    Judgement,
    Policy,
    Reference,
)
from jupyter_pipe.contracts.wording import breach_text, judgement_lines
from jupyter_pipe.contracts.writing import contract_text

__all__ = [
    "Breach",
    "ColumnDrift",
    "ColumnProfile",
    "ColumnRule",
    "Contract",
    "Drift",
    "Guess",
    "Judgement",
    "Policy",
    "Profile",
    "Reference",
    "breach_text",
    "contract_path",
    "contract_text",
    "find_drift",
    "infer_contract",
    "judge",
    "judgement_lines",
    "lacks",
    "read_carried_contracts",
    "read_contract",
    "read_contracts",
]
