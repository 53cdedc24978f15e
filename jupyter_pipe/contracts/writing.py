"""Writes contracts as files that are made to be reviewed: one line a column, shares as
numbers. Pure.

`parse_contract(name, contract_text(contract))` is the contract again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from jupyter_pipe.contracts.model import ColumnRule, Contract, Reference
from jupyter_pipe.contracts.wording import moment_text

__all__ = ["contract_text"]

# What YAML reads as a text without quotes, whatever version of it.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( [A-Za-z0-9_]+)*")
_NOT_TEXTS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}


def contract_text(contract: Contract, source: str = "") -> str:
    """The file. `source` says from what it was made."""
    lines = [
        f"# What '{contract.name}' must look like{source and f'; made from {source}'}.",
        "# Review it, then commit it. Shares are of rows: 0.02 is 2 %.",
        f"policy: {contract.policy}",
    ]
    if contract.by:
        lines.append(f"by: {_text(contract.by)}")
    if contract.rows != (None, None):
        lines.append(f"rows: {_list(map(_number, contract.rows))}")
    if contract.key:
        lines.append(f"key: {_list(map(_text, contract.key))}")
    if not contract.extra:
        lines.append("extra: refuse")
    if contract.columns:
        lines += [
            # One line a column, so that a review shows which rule changed.
            "columns:",
            *(f"  {_text(rule.name)}: {_rule(rule)}" for rule in contract.columns),
        ]
    kept = [
        (rule.name, rule.reference)
        for rule in contract.columns
        if rule.reference is not None
    ]
    if kept:
        lines.append(
            "# What the columns looked like then: 1 %, 10 %, 20 % … 90 %, 99 %, or the share of each value."
        )
        lines += [
            "reference:",
            *(f"  {_text(name)}: {_reference(found)}" for name, found in kept),
        ]
    return "\n".join(lines) + "\n"


def _rule(rule: ColumnRule) -> str:
    """One column on one line, with only what is asked of it: `{type: int, nulls: 0,
    range: [0, 120]}`."""
    parts = [f"type: {rule.type}"] if rule.type else []
    parts += ["optional: true"] if rule.optional else []
    if rule.nulls is not None:
        parts.append(f"nulls: {_number(rule.nulls)}")
    if rule.low is not None or rule.high is not None:
        show = _moment if rule.type == "datetime" else _number
        parts.append(f"range: {_list(map(show, (rule.low, rule.high)))}")
    if rule.categories:
        parts.append(f"categories: {_list(map(_text, rule.categories))}")
    if rule.shapes:
        parts.append(f"shapes: {_list(map(_text, rule.shapes))}")
    for name, value in (
        ("outside", rule.outside),
        ("unseen", rule.unseen),
        ("drift", rule.drift),
    ):
        if value:
            parts.append(f"{name}: {_number(value)}")
    parts += ["trend: true"] if rule.trend else []
    return "{" + ", ".join(parts) + "}"


def _reference(reference: Reference) -> str:
    if reference.quantiles:
        return _list(map(_number, reference.quantiles))
    return (
        "{"
        + ", ".join(
            f"{_text(name)}: {_number(share)}"
            for name, share in reference.shares.items()
        )
        + "}"
    )


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"


def _number(value: float | None) -> str:
    if value is None:
        return "null"
    # `365.0` is read as a float where a whole number was meant.
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    # YAML 1.1 reads 1e-05 as a text, and 1.0e-05 as a number.
    shown = repr(float(value))
    return shown if "e" not in shown or "." in shown else shown.replace("e", ".0e")


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return "null"
    # A date where it is one: YAML reads it back as such.
    return moment_text(seconds) if seconds % 86400 == 0 else _number(seconds)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOT_TEXTS:
        return text
    return json.dumps(text, ensure_ascii=False)
