"""The vocabulary of our tags, as data: the one place that both sides of the product
read.

The parser (`tags`, `options`) reads it directly; `labextension/generate.py` writes it
into the front end as `src/stages/grammar.ts`. `tests/shared/tags.json` holds cases that
both sides must read alike.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import Literal

from msgspec import Struct

__all__ = [
    "LIST_TAGS",
    "METRICS_OF_PRINTS",
    "NAME_PROBLEMS",
    "OPTION_TAGS",
    "PREFIXES",
    "PROMOTION_METRICS",
    "RESERVED_NAMES",
    "ROLE_TAGS",
    "SCORING_COLUMNS",
    "SCORING_NAMES",
    "SYNONYMS",
    "NameProblem",
    "OptionTag",
    "Role",
    "normalise_name",
    "stage_name_problem",
]

Role = Literal["parameters", "shared", "skip", "leading"]
"""What a cell is besides a part of a stage. `leading` is code that stages repeat:
imports and functions."""

ROLE_TAGS: dict[str, Role] = {
    "parameters": "parameters",
    "pipeline-parameters": "parameters",
    "shared": "shared",
    "skip": "skip",
    "imports": "leading",
    "functions": "leading",
}
METRICS_OF_PRINTS = "pipeline-metrics"
"""Kale's tag without a value: each `print(NAME)` of the cell is a metric."""

SYNONYMS = {"step": "stage", "block": "stage", "prev": "after"}
"""Kale's prefixes, and ours that mean the same."""

LIST_TAGS = ("after", "metric", "mutates", "pure", "shares")
"""Prefixes whose value is a list of names."""

SCORING_NAMES = ("rows", "score", "frozen", "live")
"""Prefixes that name variables of the cell for scoring: the raw rows, the predictions,
exceptions."""

SCORING_COLUMNS = ("target", "key")
"""Prefixes that name columns of the raw rows, which may hold any character but a
comma."""


class OptionTag(Struct, frozen=True):
    """`NAME:VALUE` for an option of the stage that owns the cell.

    `pattern` is what the whole value looks like, case ignored, in the part of the
    syntax of regular expressions that Python and JavaScript share; `wanted` ends the
    sentence "'NAME:' takes …".
    """

    name: str
    pattern: str
    wanted: str


# Digits are limited so that no amount overflows a float or fills a message.
_WHOLE = r"\d{1,9}"
_NUMBER = r"\d{1,15}(\.\d{1,9})?"
_ABOVE_ZERO = r"(?=.*[1-9])"
_UNIT = r"(sec|min|s|m|h|d)"
_DURATION = rf"{_ABOVE_ZERO}({_NUMBER}|({_NUMBER}\s*{_UNIT}\s*){{1,4}})"
_PATHS = r"[^,\s][^,]*(,\s*[^,\s][^,]*)*"
_CONTRACT = r"[^\s,=:]+(\s*=\s*[^\s,=:]+)?"
PROMOTION_METRICS = (
    "mae",
    "mse",
    "rmse",
    "mape",
    "r2",
    "accuracy",
    "f1",
    "auc",
    "log_loss",
    "brier",
)
"""What two versions of a model can be compared by, on rows that neither has seen."""
_SOME_PATHS = "paths relative to the notebook, separated by commas, such as data/*.csv"

OPTION_TAGS = (
    OptionTag("retries", _WHOLE, "a whole number such as 0, 1 or 2"),
    OptionTag("timeout", _DURATION, "a time such as 45s, 30m, 2h or 1h30m"),
    OptionTag("cell-timeout", _DURATION, "a time such as 45s, 30m, 2h or 1h30m"),
    OptionTag(
        "cache",
        rf"on|enabled|off|disabled|{_DURATION}",
        "'on', 'off', or how old a result may be, such as 6h or 1d",
    ),
    OptionTag("reads", _PATHS, _SOME_PATHS),
    OptionTag("writes", _PATHS, _SOME_PATHS),
    OptionTag(
        "contract",
        rf"{_CONTRACT}(\s*,\s*{_CONTRACT})*",
        "the names of variables, separated by commas, each with a schema if it has one: sales=schema",
    ),
    OptionTag(
        "labels",
        r"[^\s,=:]+(\s*,\s*[^\s,=:]+)*",
        "the names of tables whose rows wait for labels, separated by commas",
    ),
    OptionTag(
        "approve",
        r".*\S.*",
        "the question that a person answers, such as: Are these errors acceptable?",
    ),
    OptionTag(
        "promote",
        # The notebook's own name for it may be longer: best_mae.
        rf"([A-Za-z0-9]+_)*({'|'.join(PROMOTION_METRICS)})",
        f"one of {', '.join(PROMOTION_METRICS)}, or a name that ends with one, such as best_mae",
    ),
    OptionTag(
        "cpus", rf"{_ABOVE_ZERO}{_NUMBER}", "a number above zero such as 2 or 0.5"
    ),
    OptionTag(
        "memory",
        rf"{_ABOVE_ZERO}{_NUMBER}\s*[KMGT]?i?B?",
        "a size such as 4GiB or 512MB",
    ),
    OptionTag("gpus", _WHOLE, "a whole number such as 0, 1 or 2"),
    OptionTag(
        "image", r"\S+", "the reference of a container image, such as python:3.12-slim"
    ),
    OptionTag(
        "secret",
        r"[A-Za-z_][A-Za-z0-9_]*(\s*,\s*[A-Za-z_][A-Za-z0-9_]*)*",
        "the name of an environment variable, such as API_TOKEN",
    ),
    OptionTag(
        "limit",
        r"[^:\s][^:]*:.*\S.*",
        "a resource and its amount, such as nvidia.com/gpu:1",
    ),
)

_SCORING = (*SCORING_NAMES, *SCORING_COLUMNS)
PREFIXES = (
    "stage",
    "gate",
    *LIST_TAGS,
    *_SCORING,
    *(option.name for option in OPTION_TAGS),
)
"""Every prefix in our own spelling."""

NameProblem = Literal["empty", "identifier", "keyword", "special", "reserved"]

# Modules that every compiled package has, or may have.
RESERVED_NAMES = ("shared", "_notebook", "_namespace")
_PROBLEMS: dict[NameProblem, str] = {
    "empty": "does not name a stage: the name is missing",
    "identifier": (
        "does not name a stage: a name has letters, digits and underscores and does not start with a digit"
    ),
    "keyword": "names a stage like a keyword of Python",
    "special": "names a stage like a special name of Python",
    "reserved": "cannot be used: the compiled package has a module of that name",
}
NAME_PROBLEMS = tuple(_PROBLEMS)
PYTHON_KEYWORDS = tuple(keyword.kwlist)
"""Python's keywords: none can name a stage, since a stage becomes a module."""


def normalise_name(text: str) -> str:
    """A name as Python itself reads it (PEP 3131); `-` is read as `_`, as in
    `stage:train-model`."""
    return unicodedata.normalize("NFKC", text.strip().replace("-", "_"))


def stage_name_problem(name: str) -> tuple[NameProblem, str] | None:
    """Why a normalised name cannot name a stage: which rule, and the end of a sentence.
    None if it can."""
    problem = _find_problem(name)
    return (problem, _PROBLEMS[problem]) if problem else None


def _find_problem(name: str) -> NameProblem | None:
    if not name:
        return "empty"
    if not name.isidentifier():
        return "identifier"
    if name in PYTHON_KEYWORDS:
        return "keyword"
    if re.fullmatch(r"__.*__", name):
        return "special"
    return "reserved" if name in RESERVED_NAMES else None
