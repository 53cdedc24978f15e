"""The values of a run's parameters: command line over file over environment over
notebook.

Text is read as the parameter's type says. Unknown names and values that do not fit
raise ParameterError with what was meant. `RunRequest` takes what `resolve_parameters`
returns.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jupyter_pipe.errors import ParameterError
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs.model import ParameterValue
from jupyter_pipe.trust.keys import KEY_VARIABLE
from jupyter_pipe.trust.records import read_named_file

__all__ = [
    "ENVIRONMENT_PREFIX",
    "IN_NOTEBOOK",
    "read_parameter_file",
    "resolve_parameters",
    "resumed_parameters",
]

ENVIRONMENT_PREFIX = "JUPYTER_PIPE_"
IN_NOTEBOOK = "__"
"""Stands for the point of `train.days` where a name has to be an identifier."""
_Value = TypeVar("_Value")
_LARGEST_FILE = 4 << 20

_YES = frozenset({"true", "yes", "on", "1"})
# Python has no literal for these: `_source` writes `float("inf")`.
_INFINITE = r'float\("(-?inf|nan)"\)'
_NO = frozenset({"false", "no", "off", "0"})
_CONTAINERS = {"list": list, "dict": dict, "tuple": tuple, "set": set}
_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "bool": (bool,),
    "complex": (complex, float, int),
    "bytes": (bytes,),
    "list": (list,),
    "dict": (dict,),
    "tuple": (tuple, list),
    "set": (set, frozenset, list),
    "none": (type(None),),
}


def resolve_parameters(
    declared: Sequence[Parameter],
    *,
    texts: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[ParameterValue, ...]:
    """A value for each declared parameter.

    `texts` are `-p NAME=VALUE` of the command line, `values` Python values of the
    programming interface, `file` a YAML or JSON mapping, `environment` is searched for
    `JUPYTER_PIPE_NAME`. Where a pipeline has several notebooks, `NAME` is for all that
    have such a parameter, `notebook.NAME` for one, also written `notebook__NAME`: so
    `JUPYTER_PIPE_TRAIN__DAYS` is `train.days`.
    """
    from_file = read_parameter_file(file) if file else {}
    texts, values = _for_each(texts or {}, declared), _for_each(values or {}, declared)
    from_file = _for_each(from_file, declared)
    for names in (texts, values, from_file):
        _refuse_unknown(names, declared)
    return tuple(
        _value(parameter, texts, values, (file, from_file), environment or {})
        for parameter in declared
    )


def _for_each(
    given: Mapping[str, _Value], declared: Sequence[Parameter]
) -> dict[str, _Value]:
    """What is given by the name that notebooks have in common, for each of them by its
    full name."""
    found = dict(given)
    names = {parameter.name for parameter in declared}
    for parameter in declared:
        _, dot, own = parameter.name.partition(".")
        spelled = parameter.name.replace(".", IN_NOTEBOOK)
        if dot and spelled in given and spelled not in names:
            found.setdefault(parameter.name, given[spelled])
            found.pop(spelled, None)
        if dot and own in given:
            found.setdefault(parameter.name, given[own])
            if own not in names:
                found.pop(own, None)
    return found


def resumed_parameters(
    declared: Sequence[Parameter], earlier: Sequence[ParameterValue]
) -> tuple[ParameterValue, ...]:
    """The values that an earlier run was given; those of the notebook are read anew.

    A literal comes from a file that others may have written, so it is parsed and never
    evaluated.
    """
    given = {each.name: each for each in earlier if each.changed}
    return tuple(
        _resumed(parameter, given.get(parameter.name)) for parameter in declared
    )


def read_parameter_file(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file. Raises ParameterError."""
    import yaml

    from jupyter_pipe.yaml_files import load_yaml, yaml_problem

    try:
        text = read_named_file(path, _LARGEST_FILE).decode("utf-8")
        found = json.loads(text) if path.suffix == ".json" else load_yaml(text)
    except OSError as error:
        raise ParameterError(
            f"Cannot read the parameter file {path}: {error.strerror}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(
            f"The parameter file {path} cannot be understood: {error}."
        ) from error
    except yaml.YAMLError as error:
        raise ParameterError(
            f"The parameter file {path} is not YAML, {yaml_problem(error)}."
        ) from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ParameterError(
            f"The parameter file {path} does not hold a mapping.",
            hint="Write one `name: value` a line.",
        )
    return found


def _value(
    parameter: Parameter,
    texts: Mapping[str, str],
    values: Mapping[str, Any],
    file: tuple[Path | None, Mapping[str, Any]],
    environment: Mapping[str, str],
) -> ParameterValue:
    """The parameter's value from the first of these that has one, else the notebook's.
    The environment calls `train.days` `TRAIN__DAYS`, or `DAYS` for all notebooks."""
    name = parameter.name
    path, from_file = file
    variable = ENVIRONMENT_PREFIX + name.replace(".", IN_NOTEBOOK).upper()
    if variable not in environment:
        variable = ENVIRONMENT_PREFIX + name.rpartition(".")[2].upper()
    if name in texts:
        return _given(parameter, _from_text(parameter, texts[name]), "command line")
    if name in values:
        return _given(parameter, values[name], "argument")
    if name in from_file:
        return _given(
            parameter, from_file[name], f"file {path.name if path else ''}".strip()
        )
    # The key for signatures begins like a parameter called `key`.
    if variable in environment and variable != KEY_VARIABLE:
        return _given(
            parameter,
            _from_text(parameter, environment[variable]),
            f"environment {variable}",
        )
    return _of_notebook(parameter)


def _of_notebook(parameter: Parameter) -> ParameterValue:
    return ParameterValue(
        parameter.name,
        parameter.literal,
        parameter.default,
        origin="notebook",
        default=parameter.literal,
        type=parameter.type_,
    )


def _resumed(parameter: Parameter, earlier: ParameterValue | None) -> ParameterValue:
    if earlier is None:
        return _of_notebook(parameter)
    infinite = re.fullmatch(_INFINITE, earlier.literal)
    try:
        value = float(infinite[1]) if infinite else ast.literal_eval(earlier.literal)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _misfit(parameter, earlier.literal) from None
    return _given(parameter, value, earlier.origin)


def _given(parameter: Parameter, value: Any, origin: str) -> ParameterValue:
    fitted = _fitted(parameter, value)
    literal = _source(parameter, fitted)
    shown = fitted if _is_json(fitted) else literal
    return ParameterValue(
        parameter.name,
        literal,
        shown,
        origin=origin,
        default=parameter.literal,
        type=parameter.type_,
    )


def _from_text(parameter: Parameter, text: str) -> Any:
    """The value that the text stands for, by the parameter's type; never by its
    looks."""
    kind, optional = _kind(parameter)
    if optional and text.strip() in {"None", "null", ""}:
        return None
    try:
        return _parse(kind, text)
    except (ValueError, TypeError, SyntaxError) as error:
        raise _misfit(parameter, text) from error


def _parse(kind: str, text: str) -> Any:
    """`text` as a value of `kind`; raises ValueError, TypeError or SyntaxError where it
    is none."""
    match kind:
        case "str":
            return text
        case "int":
            # Base 0 reads `0x1f` and `1_000`, as Python does.
            return int(text.strip().replace(" ", ""), 0)
        case "float":
            return float(text)
        case "complex":
            return complex(text.replace(" ", ""))
        case "bool":
            return _parse_bool(text)
        case "bytes":
            literal = _literal_or_text(text)
            return literal if isinstance(literal, bytes) else text.encode("utf-8")
        case "any" | "none":
            return _literal_or_text(text)
    container = _CONTAINERS[kind]
    found = _literal_or_json(text)
    # A single word or number for a list is the list of it: -p regions=north
    return (
        container(found)
        if isinstance(found, (list, dict, tuple, set))
        else container([found])
    )


def _parse_bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(text)


def _literal_or_text(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return text


def _literal_or_json(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        pass
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")]


def _fitted(parameter: Parameter, value: Any) -> Any:
    """`value` as the type wants it (a YAML list for a tuple). Raises ParameterError."""
    kind, optional = _kind(parameter)
    # `Literal["a", "b"]`
    if parameter.choices and value not in parameter.choices:
        raise _misfit(parameter, value)
    if (value is None and optional) or kind == "any":
        return value
    is_bool = isinstance(value, bool)
    if not isinstance(value, _KINDS[kind]) or (is_bool and kind != "bool"):
        raise _misfit(parameter, value)
    if kind in {"tuple", "set", "float", "complex"}:
        value = {"tuple": tuple, "set": set, "float": float, "complex": complex}[kind](
            value
        )
    return value


def _source(parameter: Parameter, value: Any) -> str:
    """The value as Python source, which takes the place of the literal in the cell."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    source = repr(value)
    if source != "set()":
        try:
            ast.literal_eval(source)
        except (ValueError, SyntaxError):
            raise _misfit(parameter, value) from None
    return source


def _kind(parameter: Parameter) -> tuple[str, bool]:
    kind, separator, _ = parameter.type_.partition(" | ")
    return (kind if kind in _KINDS else "any"), bool(separator) or kind in {
        "none",
        "any",
    }


def _misfit(parameter: Parameter, value: Any) -> ParameterError:
    if parameter.choices:
        listed = ", ".join(repr(choice) for choice in parameter.choices)
        return ParameterError(
            f"Parameter {parameter.name!r} cannot be {value!r}; it is one of {listed}.",
            code="parameter_invalid",
            cell_id=parameter.cell_id or None,
        )
    return ParameterError(
        f"Parameter {parameter.name!r} is of type {parameter.type_}; {value!r} is not.",
        code="parameter_invalid",
        hint=f"In the notebook it is {parameter.literal}.",
        cell_id=parameter.cell_id or None,
    )


def _refuse_unknown(names: Iterable[str], declared: Sequence[Parameter]) -> None:
    known = [parameter.name for parameter in declared]
    for name in names:
        if name not in known:
            import difflib

            close = difflib.get_close_matches(name, known, n=1)
            listed = (
                f"Parameters are: {', '.join(known)}."
                if known
                else "The notebook has no parameters."
            )
            raise ParameterError(
                f"There is no parameter {name!r}.",
                code="parameter_unknown",
                hint=f"Did you mean {close[0]!r}?" if close else listed,
            )


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False
