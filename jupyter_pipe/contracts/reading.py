"""Reads contract files. Text in, `Contract` out; an error names the file, the line and what was meant.

policy: stop
by: week
rows: [270, 549]
key: [sale_id]
columns:
  area: {type: float, nulls: 0, range: [0, 400], outside: 0.025, drift: 0.5}
  district: {type: text, nulls: 0, categories: [Harbour, Old Town]}
reference:
  area: [40.4, 57.5, 67.3, 76.7, 84.7, 92.3, 101, 113, 126, 147, 372]
"""

from __future__ import annotations

import datetime
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

import yaml
from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import ColumnType
from jupyter_pipe.contracts.distributions import REFERENCE_PROBABILITIES
from jupyter_pipe.contracts.model import POLICIES, ColumnRule, Contract, Reference
from jupyter_pipe.errors import ContractError

__all__ = ["parse_contract"]

_TYPES = get_args(ColumnType)


def parse_contract(name: str, text: str, file: str = "the contract") -> Contract:
    """Raises ContractError, with the line, for what is not a contract."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        made: Contract = _Reader(loader, file).contract(name, node)
        return made
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(
            f"{file}, line {line}, is not YAML: {error.problem}.", code="contract_invalid"
        ) from None
    except yaml.YAMLError as error:
        raise ContractError(f"{file} is not YAML: {error}.", code="contract_invalid") from None
    finally:
        loader.dispose()


class _Reader:
    """Each method takes a node and gives a value, or raises ContractError with the node's line."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file

    def contract(self, name: str, node: yaml.Node | None) -> Contract:
        if node is None:
            return Contract(name)
        made = self._filled(Contract(name), node, self._contract_readers())
        references = self._references(node)
        rules = [replace(rule, reference=references.get(rule.name)) for rule in made.columns]
        unknown = references.keys() - {rule.name for rule in rules}
        if unknown:
            raise self._error(node, f"'reference' has {sorted(unknown)[0]!r}, which 'columns' does not list")
        filled: Contract = replace(made, columns=tuple(rules))
        return filled

    def _contract_readers(self) -> dict[str, Callable[[yaml.Node], dict[str, Any]]]:
        return {
            "policy": lambda node: {"policy": self._word(node, POLICIES)},
            "by": lambda node: {"by": self._text(node)},
            "rows": lambda node: {"rows": self._limits(node, whole=True)},
            "key": lambda node: {"key": self._texts(node)},
            "extra": lambda node: {"extra": self._word(node, ("allow", "refuse")) == "allow"},
            "columns": lambda node: {"columns": self._columns(node)},
            "reference": lambda node: {},
        }

    def _rule_readers(self) -> dict[str, Callable[[yaml.Node], dict[str, Any]]]:
        return {
            "type": lambda node: {"type": self._word(node, _TYPES)},
            "optional": lambda node: {"optional": self._yes_or_no(node)},
            "nulls": lambda node: {"nulls": self._share(node)},
            "range": lambda node: dict(zip(("low", "high"), self._limits(node), strict=True)),
            "outside": lambda node: {"outside": self._share(node)},
            "categories": lambda node: {"categories": self._texts(node)},
            "unseen": lambda node: {"unseen": self._share(node)},
            "shapes": lambda node: {"shapes": self._texts(node)},
            "drift": lambda node: {"drift": self._number(node)},
        }

    def _filled(self, made: Any, node: yaml.Node, readers: Mapping[str, Callable[[yaml.Node], Any]]) -> Any:
        values: dict[str, Any] = {}
        for key, value, where in self._entries(node):
            if key not in readers:
                raise self._unknown(where, key, readers)
            values.update(readers[key](value))
        return replace(made, **values)

    def _columns(self, node: yaml.Node) -> tuple[ColumnRule, ...]:
        readers = self._rule_readers()
        rules = []
        for name, value, _ in self._entries(node):
            # `area:` alone says that there is such a column.
            is_empty = isinstance(value, yaml.ScalarNode) and self._value(value) is None
            rules.append(ColumnRule(name) if is_empty else self._filled(ColumnRule(name), value, readers))
        return tuple(rules)

    def _references(self, node: yaml.Node) -> dict[str, Reference]:
        found = next((value for key, value, _ in self._entries(node) if key == "reference"), None)
        return {} if found is None else {name: self._reference(at) for name, at, _ in self._entries(found)}

    def _reference(self, node: yaml.Node) -> Reference:
        if isinstance(node, yaml.MappingNode):
            return Reference(shares={name: self._share(value) for name, value, _ in self._entries(node)})
        numbers = tuple(self._number(item) for item in self._items(node))
        if len(numbers) != len(REFERENCE_PROBABILITIES) or list(numbers) != sorted(numbers):
            wanted = f"{len(REFERENCE_PROBABILITIES)} numbers in order, or a share for each value"
            raise self._error(node, f"a reference has {wanted}")
        return Reference(quantiles=numbers)

    # Leaves

    def _entries(self, node: yaml.Node) -> Iterable[tuple[str, yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, "here stand names with values, such as 'nulls: 0.02'")
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise self._error(key, f"'{name}' stands here twice")
            seen.add(name)
            yield name, value, key

    def _items(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "here stands a list, such as [1, 2]")
        return list(node.value)

    def _value(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "here stands one value")
        try:
            return self._loader.construct_object(node, deep=True)
        except (ValueError, yaml.YAMLError):
            raise self._error(node, f"{node.value!r} is not a value") from None

    def _text(self, node: yaml.Node) -> str:
        """As it is written: `no` is a word here, and `07` keeps its zero."""
        if not isinstance(node, yaml.ScalarNode) or node.value == "":
            raise self._error(node, "here stands a name")
        return str(node.value)

    def _texts(self, node: yaml.Node) -> tuple[str, ...]:
        items = [node] if isinstance(node, yaml.ScalarNode) else self._items(node)
        return tuple(
            str(item.value) if isinstance(item, yaml.ScalarNode) else self._text(item) for item in items
        )

    def _word(self, node: yaml.Node, words: Iterable[str]) -> Any:
        word = self._text(node)
        if word not in words:
            raise self._unknown(node, word, words)
        return word

    def _yes_or_no(self, node: yaml.Node) -> bool:
        found = self._value(node)
        if not isinstance(found, bool):
            raise self._error(node, "here stands true or false")
        return found

    def _number(self, node: yaml.Node) -> float:
        found = self._value(node)
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self._error(node, f"{_scalar_text(node)} is not a number")
        return float(found)

    def _share(self, node: yaml.Node) -> float:
        share = self._number(node)
        if not 0 <= share <= 1:
            raise self._error(node, f"a share is between 0 and 1, not {_scalar_text(node)}")
        return share

    def _limits(self, node: yaml.Node, *, whole: bool = False) -> tuple[Any, Any]:
        items = self._items(node)
        if len(items) != 2:
            raise self._error(node, "here stand two limits, such as [0, 100] or [0, null]")
        low, high = (self._limit(item, whole=whole) for item in items)
        if low is not None and high is not None and low > high:
            raise self._error(node, "the lower limit is larger than the upper one")
        return low, high

    def _limit(self, node: yaml.Node, *, whole: bool) -> float | int | None:
        found = self._value(node)
        if found is None:
            return None
        if isinstance(found, datetime.date) and not whole:
            return _seconds(found)
        number = self._number(node)
        if whole and not number.is_integer():
            raise self._error(node, f"{_scalar_text(node)} is not a whole number")
        return int(number) if whole else number

    def _unknown(self, node: yaml.Node, word: str, known: Iterable[str]) -> ContractError:
        names = list(known)
        close = difflib.get_close_matches(word, names, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"Known are: {', '.join(names)}."
        return self._error(node, f"'{word}' is not known here", hint)

    def _error(self, node: yaml.Node, what: str, hint: str = "") -> ContractError:
        line = node.start_mark.line + 1
        return ContractError(f"{self._file}, line {line}: {what}.", code="contract_invalid", hint=hint)


def _scalar_text(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list"


def _seconds(moment: datetime.date) -> float:
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)).timestamp()
