"""Parameters: top-level `NAME[: TYPE] = LITERAL` of cells tagged `parameters`."""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from typing import TYPE_CHECKING, Any

from jupyter_pipe.model import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit

__all__ = ["read_parameters"]

TYPES = frozenset(
    {"int", "float", "str", "bool", "list", "dict", "tuple", "set", "bytes", "complex"}
)
ALIASES = {
    "List": "list",
    "Dict": "dict",
    "Tuple": "tuple",
    "Set": "set",
    "None": "none",
    "Any": "any",
}


def read_parameters(units: Iterable[Unit]) -> tuple[Parameter, ...]:
    """The parameters in notebook order; of several assignments to one name the last
    counts."""
    found: dict[str, Parameter] = {}
    for unit in units:
        if unit.role == "parameter":
            parameter = _parameter(unit)
            found[parameter.name] = parameter
    return tuple(found.values())


def _parameter(unit: Unit) -> Parameter:
    node = unit.node
    assert isinstance(node, (ast.Assign, ast.AnnAssign))
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    assert isinstance(target, ast.Name)
    assert node.value is not None
    value = ast.literal_eval(node.value)
    annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
    type_, choices = _annotated(annotation, value)
    return Parameter(
        target.id,
        type_,
        _json_value(value),
        ast.get_source_segment(unit.source.python, node.value)
        or ast.unparse(node.value),
        choices,
        _description(unit),
        unit.cell.cell.id,
    )


def _annotated(
    annotation: ast.expr | None, value: object
) -> tuple[str, tuple[Any, ...]]:
    """Type and choices: of the annotation if it says something that we know, else of
    the literal."""
    if annotation is not None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return _annotated(_parse(annotation.value), value)
        names, choices, optional = _alternatives(annotation)
        if choices:
            return _with_none(_type_of(choices[0]), optional), choices
        known = [name for name in names if name]
        if len(known) == 1 and known[0] != "none":
            return _with_none(known[0], optional), ()
        if names:
            return "any", ()
    return _type_of(value), ()


def _parse(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def _with_none(type_: str, optional: bool) -> str:
    return f"{type_} | None" if optional else type_


def _alternatives(node: ast.expr) -> tuple[list[str], tuple[Any, ...], bool]:
    """Type names, `Literal` choices, and whether None is admitted."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            one, other = _alternatives(left), _alternatives(right)
            return one[0] + other[0], one[1] + other[1], one[2] or other[2]
        case ast.Constant(value=None):
            return [], (), True
        case ast.Subscript(value=base, slice=inner):
            return _subscripted(_last_name(base), inner)
    name = _last_name(node)
    name = ALIASES.get(name, name)
    return ([name] if name in TYPES else ["any"]), (), False


def _subscripted(name: str, inner: ast.expr) -> tuple[list[str], tuple[Any, ...], bool]:
    """The type names, choices and whether None is admitted of `name[inner]`, for
    example `Literal["a", "b"]`, `Optional[int]` or `list[str]`, of which only `list`
    counts."""
    parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        values = tuple(part.value for part in parts if isinstance(part, ast.Constant))
        return [], tuple(value for value in values if value is not None), None in values
    if name in {"Optional", "Union"}:
        names, choices, admits_none = _joined(parts)
        return names, choices, name == "Optional" or admits_none
    if name == "Annotated":
        return _alternatives(parts[0])
    name = ALIASES.get(name, name)
    return ([name] if name in TYPES else ["any"]), (), False


def _joined(parts: Sequence[ast.expr]) -> tuple[list[str], tuple[Any, ...], bool]:
    """What several alternatives admit together."""
    found = [_alternatives(part) for part in parts]
    names = [known for names, _, _ in found for known in names]
    choices = tuple(choice for _, chosen, _ in found for choice in chosen)
    return names, choices, any(optional for _, _, optional in found)


def _last_name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _type_of(value: object) -> str:
    name = type(value).__name__
    if value is None:
        return "none"
    return name if name in TYPES else "any"


def _has_json_keys(value: dict[Any, Any]) -> bool:
    """Whether all keys are texts that JSON has."""
    return all(isinstance(key, str) and _is_json_text(key) for key in value)


def _json_value(value: object) -> Any:
    """The value if JSON has it, else None: then `literal` is all there is."""
    if isinstance(value, str):
        return value if _is_json_text(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_json_value(part) for part in value]
    if isinstance(value, dict) and _has_json_keys(value):
        return {key: _json_value(part) for key, part in value.items()}
    return None


def _is_json_text(text: str) -> bool:
    """Halves of surrogate pairs are not text."""
    return not re.search("[\ud800-\udfff]", text)


def _description(unit: Unit) -> str:
    """The comment behind the assignment, or the comment lines right above it."""
    comments = _comments(unit.source.python)
    last = unit.node.end_lineno or unit.node.lineno
    text, _ = comments.get(last, ("", False))
    if text:
        return text
    above = []
    line = unit.node.lineno - 1
    while line in comments and comments[line][1]:
        above.append(comments[line][0])
        line -= 1
    return " ".join(reversed(above))


def _comments(python: str) -> dict[int, tuple[str, bool]]:
    """Line -> the comment's text, and whether it has the line for itself."""
    found: dict[int, tuple[str, bool]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(python).readline):
            if token.type == tokenize.COMMENT:
                alone = not token.line[: token.start[1]].strip()
                found[token.start[0]] = (token.string.lstrip("#").strip(), alone)
    except (tokenize.TokenError, IndentationError):
        return found
    return found
