"""Whether the stage's code asks for the day.

`datetime.now` and its like are C functions of types that nobody can change, so no call
can be noted. What is looked at instead is the source that the stage executes, as the
interpreter hands it over: cells, and modules of the user wherever they are found. A
call by one of the names below counts, unless the name turns out to stand for something
else, or the call stands in a function that nothing names. That errs on the side of
running again. `time.time` and `perf_counter` measure durations and do not count.
"""

from __future__ import annotations

import ast
import re
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["CalendarNotes"]

_NOW = frozenset({"today", "now", "utcnow"})
_CLOCK = {"localtime": 0, "gmtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}
"""Functions of `time`, and how many arguments they have if they are to ask the
clock."""
_STAMPED = frozenset({"fromtimestamp", "utcfromtimestamp"})
_WORDS = frozenset({"today", "now"})
_READERS_OF_WORDS = frozenset(
    {"datetime64", "Timestamp", "to_datetime", "Period", "date_range"}
)
_PERHAPS = re.compile(r"today|now\b|localtime|gmtime|ctime|strftime|fromtimestamp")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class _Call(NamedTuple):
    """The name that is called (`("datetime", "date", "today")`, `("?", "now")` if it
    depends on another expression) and the function that the call stands in. `named`: it
    is not called, but handed on, as in `field(default_factory=datetime.now)`."""

    chain: tuple[str, ...]
    function: str
    named: bool = False


@dataclass
class CalendarNotes:
    """`sources` are all that was executed; `always` is set by what asks for the day
    without Python."""

    sources: list[str] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    always: bool = False

    def see(self, source: str) -> None:
        """This is about to be executed. What cannot be parsed will not be."""
        self.sources.append(source)
        if _PERHAPS.search(source):
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError):
                return
            self.calls.extend(_calls(tree, ""))

    def is_asked(self, namespace: Mapping[str, Any]) -> bool:
        """Whether the day is an input of what has been executed; `namespace` is the
        stage's."""
        if self.always:
            return True
        if any(
            self._is_used(call.function) and _asks(call, namespace)
            for call in self.calls
        ):
            return True
        return any(_is_clock(value) for value in [*namespace.values()])

    def _is_used(self, function: str) -> bool:
        """Whether anything but its definition names the function."""
        if not function:
            return True
        name = re.compile(rf"(\bdef\s+)?\b{re.escape(function)}\b")
        return any(
            not found[1] for source in self.sources for found in name.finditer(source)
        )


def _calls(node: ast.AST, function: str) -> Iterator[_Call]:
    """The calls that may ask for the day, each with the outermost function around it:
    they matter only if that function is used. `now = datetime.now` counts as well."""
    if isinstance(node, ast.Call):
        chain = _chain_of(node)
        if chain:
            yield _Call(chain, function)
    elif isinstance(node, ast.Attribute) and node.attr in _NOW:
        yield _Call(_dotted(node), function, named=True)
    inner = function
    if isinstance(node, _FUNCTIONS) and not function:
        inner = getattr(node, "name", function)
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inner)


def _chain_of(call: ast.Call) -> tuple[str, ...]:
    """The name of a call that may ask for the day, else nothing."""
    chain = _dotted(call.func)
    last = chain[-1]
    words = {
        one.value
        for one in call.args
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    if last in _READERS_OF_WORDS and _WORDS & words:
        return ("?", "now")
    if last in _STAMPED and any(_is_time(one) for one in call.args):
        return ("?", "now")
    if last in _CLOCK and len(call.args) <= _CLOCK[last]:
        return chain
    return chain if last in _NOW else ()


def _dotted(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (*_dotted(node.value), node.attr)
    return ("?",)


def _is_time(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _dotted(node.func)[-1] == "time"


def _is_clock(value: Any) -> bool:
    """`asked = date.today`, which any code may call by this name."""
    return isinstance(value, types.BuiltinMethodType) and value.__name__ in _NOW


def _asks(call: _Call, namespace: Mapping[str, Any]) -> bool:
    """By what the name stands for, as far as it can be found. What cannot counts if it
    sounds so, unless it is not called: `frame.today` is a column."""
    chain = call.chain
    found = _resolve(chain, namespace)
    if call.named:
        return _is_clock(found)
    if found is None:
        # `time.strftime(…)` in a module of the user, `frame.date.dt.strftime(…)` in a
        # cell.
        return chain[-1] in _NOW or chain[:-1] == ("time",)
    if chain[-1] in _CLOCK:
        return found is getattr(sys.modules.get("time"), chain[-1], None)
    return callable(found)


def _resolve(chain: tuple[str, ...], namespace: Mapping[str, Any]) -> Any:
    """Only by what cannot run code: the attributes of modules and classes."""
    root, *rest = chain
    found = namespace.get(root)
    for name in rest:
        if not isinstance(found, (types.ModuleType, type)):
            return None
        found = getattr(found, name, None)
    return found
