"""Reads what a parameter may be: `20..400:log`, `0.1..0.9:step=0.2`, `1,2,3`, or what
its type says. Pure.

Raises SweepError with what was meant.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_pipe.errors import SweepError
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.sweeps.model import Dimension, Study

__all__ = ["dimension_text", "grid_of", "parse_space", "planned_trials"]

_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# `20..400`, `1e-4..1:log`, `0.1..0.9:step=0.2`
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})((?::\w+(?:={_NUMBER})?)*)")
_MOST_POINTS = 10_000


def parse_space(
    declared: Sequence[Parameter], given: Sequence[str]
) -> tuple[tuple[Dimension, ...], dict[str, str]]:
    """The dimensions, and the parameters that are fixed, of `-p NAME=SPACE` as
    typed."""
    known = {parameter.name: parameter for parameter in declared}
    space: list[Dimension] = []
    fixed: dict[str, str] = {}
    for each in given:
        name, separator, text = (part.strip() for part in each.partition("="))
        if name not in known:
            # The usual words for a parameter that is not there, with what was meant.
            resolve_parameters(declared, texts={name: text})
        dimension = _parse(known[name], text) if separator else _of_type(known[name])
        if dimension is None:
            resolve_parameters(declared, texts={name: text})
            fixed[name] = text
        else:
            space.append(dimension)
    return tuple(space), fixed


def _parse(parameter: Parameter, text: str) -> Dimension | None:
    """None for a single value."""
    found = _RANGE.fullmatch(text)
    if found:
        return _range(parameter, float(found[1]), float(found[2]), found[3])
    if ".." in text:
        raise _error(
            parameter.name,
            text,
            "A range is LOW..HIGH, such as 20..400, 20..400:log or 0..1:step=0.1.",
        )
    texts = [part.strip() for part in text.split(",")]
    # The comma in `[1, 2]` belongs to the value of a list.
    if len(texts) < 2 or parameter.type_.split(" ")[0] in (
        "list",
        "tuple",
        "dict",
        "set",
    ):
        return None
    return Dimension(
        parameter.name, choices=tuple(_read(parameter, each) for each in texts)
    )


def _range(parameter: Parameter, low: float, high: float, marks: str) -> Dimension:
    """The marks behind a range are `:log` and `:step=NUMBER`."""
    options = dict(mark.partition("=")[::2] for mark in marks.split(":") if mark)
    kind = parameter.type_.split(" ")[0]
    problem = _range_problem(kind, low, high, options)
    if problem:
        raise _error(parameter.name, f"{low:g}..{high:g}{marks}", problem)
    step = float(options["step"]) if "step" in options else None
    whole = kind == "int" or (kind == "any" and low.is_integer() and high.is_integer())
    return Dimension(
        parameter.name, low=low, high=high, log="log" in options, step=step, whole=whole
    )


def _range_problem(
    kind: str, low: float, high: float, options: Mapping[str, str]
) -> str:
    """What is wrong with a range of a parameter of type `kind`, and what to write;
    empty if nothing is."""
    unknown = sorted(set(options) - {"log", "step"})
    if unknown:
        return f"'{unknown[0]}' is not known: a range may end in :log or :step=NUMBER."
    if not low < high:
        return "The lower end comes first."
    if "log" in options and (low <= 0 or "step" in options):
        return "A range with :log begins above 0 and has no step."
    if kind not in ("int", "float", "any"):
        return f"It is a {kind}: list its values, separated by commas."
    return "" if options.get("step", "1") else "A step is a number, such as :step=5."


def _read(parameter: Parameter, text: str) -> Any:
    (value,) = resolve_parameters([parameter], texts={parameter.name: text})
    return value.value


def _of_type(parameter: Parameter) -> Dimension:
    """`-p NAME` alone: what the annotation says."""
    if parameter.choices:
        return Dimension(parameter.name, choices=parameter.choices)
    if parameter.type_ == "bool":
        return Dimension(parameter.name, choices=(False, True))
    raise SweepError(
        f"'-p {parameter.name}' says nothing of its values, and a {parameter.type_} may have any.",
        code="sweep_space",
        hint=f"Give a range or a list, such as -p {parameter.name}=1..10 or -p {parameter.name}=1,2,5.",
    )


def dimension_text(dimension: Dimension) -> str:
    """What one would type for it after `NAME=`."""
    if dimension.choices:
        return ",".join(map(str, dimension.choices))
    log = ":log" if dimension.log else ""
    step = f":step={dimension.step:g}" if dimension.step is not None else ""
    return f"{dimension.low:g}..{dimension.high:g}{log}{step}"


def planned_trials(study: Study) -> int:
    """How many trials the study has in the end."""
    return len(grid_of(study.space)) if study.sampler == "grid" else study.trials


def grid_of(space: Sequence[Dimension]) -> list[Mapping[str, Any]]:
    """Every combination, the last dimension fastest. Raises SweepError where there is
    no end of them."""
    values = [_points(dimension) for dimension in space]
    total = math.prod(len(each) for each in values)
    if total > _MOST_POINTS:
        raise SweepError(
            f"The grid has {total:,} combinations.",
            code="sweep_space",
            hint="Give larger steps, or leave out --grid.",
        )
    names = [dimension.name for dimension in space]
    return [
        dict(zip(names, point, strict=True)) for point in itertools.product(*values)
    ]


def _points(dimension: Dimension) -> list[Any]:
    """The values that a grid tries, `low` and `high` included. Raises an error without
    steps."""
    if dimension.choices:
        return list(dimension.choices)
    step = dimension.step or (1.0 if dimension.whole else 0.0)
    if not step:
        raise _error(
            dimension.name,
            f"{dimension.low:g}..{dimension.high:g}",
            "A grid needs steps: add :step=NUMBER.",
        )
    # (0.7 - 0.1) / 0.2 is 2.9999999999999996.
    count = int((dimension.high - dimension.low) / step + 1e-9) + 1
    points = [
        # One more than is allowed is enough to be told that there are too many.
        dimension.low + place * step
        for place in range(min(count, _MOST_POINTS + 1))
    ]
    return [
        # 0.1 + 3 * 0.2 is 0.7000000000000001: the parameter is to read 0.7.
        int(point) if dimension.whole else float(f"{point:.12g}")
        for point in points
    ]


def _error(name: str, text: str, hint: str) -> SweepError:
    return SweepError(
        f"'-p {name}={text}' is not a space.", code="sweep_space", hint=hint
    )
