"""A contract as a schema of pandera: a Python module, for checks where jupyter_pipe
does not run.

Row counts, types, missing values, ranges, categories, patterns and keys are translated,
shares included. Batches, units and drift have no counterpart there, and the module says
so. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_pipe.contracts.model import ColumnRule, Contract

__all__ = ["pandera_module"]

# How pandera names what we call so; of the others the type is not asked.
_TYPES = {"int": "int", "float": "float", "bool": "bool", "text": "str"}
_PARTS = re.compile(r"A|9| |.", re.DOTALL)


def pandera_module(contract: Contract, file: str) -> str:
    """The source of the module, which defines `schema`. `file` is named as its
    origin."""
    lines = [
        f'"""What {contract.name!r} must look like, made from {file}.',
        "",
        f"{_left_out(contract)}",
        '"""',
        "",
        "import pandera.pandas as pa",
        "",
        "schema = pa.DataFrameSchema(",
        "    {",
        *(f"        {rule.name!r}: {_column(rule)}," for rule in contract.columns),
        "    },",
        f"    checks=[{', '.join(_row_checks(contract))}],",
    ]
    if contract.key:
        lines.append(f"    unique={list(contract.key)!r},")
    lines += [
        f"    strict={not contract.extra},",
        f"    name={contract.name!r},",
        ")",
        "",
    ]
    return "\n".join(lines)


def _left_out(contract: Contract) -> str:
    left = ["units"] if contract.columns else []
    left += [f"batches (by {contract.by})"] if contract.by else []
    left += ["drift"] if any(rule.drift for rule in contract.columns) else []
    return f"Not part of it, since schemas of pandera know nothing of them: {', '.join(left) or 'nothing'}."


def _row_checks(contract: Contract) -> Iterator[str]:
    # With batches, the limits are those of one batch.
    least, most = (None, None) if contract.by else contract.rows
    if least is not None:
        yield f'pa.Check(lambda frame: len(frame) >= {least}, name="at least {least} rows")'
    if most is not None:
        yield f'pa.Check(lambda frame: len(frame) <= {most}, name="at most {most} rows")'


def _column(rule: ColumnRule) -> str:
    kind = _TYPES.get(rule.type or "", "None")
    # Whole numbers pass as floats, as they do with the contract.
    coerce = ", coerce=True" if rule.type == "float" else ""
    parts = f"checks=[{', '.join(_checks(rule))}], nullable={rule.nulls != 0}, required={not rule.optional}"
    return f"pa.Column({kind}, {parts}{coerce})"


def _checks(rule: ColumnRule) -> Iterator[str]:
    # `nulls: 0` is said by nullable=False already.
    if rule.nulls:
        condition = f"column.isna().mean() <= {rule.nulls!r}"
        yield f'pa.Check(lambda column: {condition}, name="missing", ignore_na=False)'
    if rule.low is not None or rule.high is not None:
        yield _share(_between(rule), rule.outside, "range")
    if rule.categories:
        yield _share(
            f"column.isin({list(rule.categories)!r})", rule.unseen, "categories"
        )
    if rule.shapes:
        pattern = "|".join(map(_pattern, rule.shapes))
        yield _share(f"column.str.fullmatch({pattern!r})", rule.outside, "shapes")


def _between(rule: ColumnRule) -> str:
    low = [f"(column >= {rule.low!r})"] if rule.low is not None else []
    high = [f"(column <= {rule.high!r})"] if rule.high is not None else []
    return f"({' & '.join(low + high)})"


def _share(right: str, allowed: float, name: str) -> str:
    """At least the other rows are right."""
    return f'pa.Check(lambda column: {right}.mean() >= {round(1 - allowed, 9)!r}, name="{name}")'


def _pattern(shape: str) -> str:
    """The shape `A9` as a regular expression."""
    # Shapes are made by replacing runs of letters by A, of digits by 9.
    known = {"A": r"[^\W\d_]+", "9": r"\d+", " ": r"\s+"}
    return "".join(known.get(part, re.escape(part)) for part in _PARTS.findall(shape))
