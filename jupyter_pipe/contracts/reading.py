"""Reads contract files. Text in, `Contract` out; an error names the file, the line and
what was meant.

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
from collections.abc import Callable
from typing import Any, get_args

import yaml
from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import ColumnType
from jupyter_pipe.contracts.distributions import REFERENCE_PROBABILITIES
from jupyter_pipe.contracts.model import POLICIES, ColumnRule, Contract, Reference
from jupyter_pipe.errors import ContractError
from jupyter_pipe.yaml_files import YamlReader, scalar_text

__all__ = ["parse_contract"]

_TYPES = get_args(ColumnType)


def parse_contract(name: str, text: str, file: str = "the contract") -> Contract:
    """Raises ContractError, with the line, for what is not a contract."""
    return _Reader.read(text, file, lambda reader, node: reader.contract(name, node))


class _Reader(YamlReader):
    """Each method takes a node and gives a value, or raises ContractError with the
    node's line."""

    error_class = ContractError
    code = "contract_invalid"

    def contract(self, name: str, node: yaml.Node | None) -> Contract:
        if node is None:
            return Contract(name)
        made = self.filled(Contract(name), node, self._contract_readers())
        references = self._references(node)
        rules = [
            replace(rule, reference=references.get(rule.name)) for rule in made.columns
        ]
        # A reference of a column that was renamed in `columns` only.
        unknown = references.keys() - {rule.name for rule in rules}
        if unknown:
            raise self.error(
                node,
                f"'reference' has {sorted(unknown)[0]!r}, which 'columns' does not list",
            )
        filled: Contract = replace(made, columns=tuple(rules))
        return filled

    def _contract_readers(self) -> dict[str, Callable[[yaml.Node], dict[str, Any]]]:
        return {
            "policy": lambda node: {"policy": self.word(node, POLICIES)},
            "by": lambda node: {"by": self.text(node)},
            "rows": lambda node: {"rows": self._limits(node, whole=True)},
            "key": lambda node: {"key": self.texts(node)},
            "extra": lambda node: {
                "extra": self.word(node, ("allow", "refuse")) == "allow"
            },
            "columns": lambda node: {"columns": self._columns(node)},
            "reference": lambda node: {},
        }

    def _rule_readers(self) -> dict[str, Callable[[yaml.Node], dict[str, Any]]]:
        return {
            "type": lambda node: {"type": self.word(node, _TYPES)},
            "optional": lambda node: {"optional": self.yes_or_no(node)},
            "nulls": lambda node: {"nulls": self._share(node)},
            "range": lambda node: dict(
                zip(("low", "high"), self._limits(node), strict=True)
                # `range: [0, null]` is two fields of the rule.
            ),
            "outside": lambda node: {"outside": self._share(node)},
            "categories": lambda node: {"categories": self.texts(node)},
            "unseen": lambda node: {"unseen": self._share(node)},
            "shapes": lambda node: {"shapes": self.texts(node)},
            "drift": lambda node: {"drift": self.number(node)},
            "trend": lambda node: {"trend": self.yes_or_no(node)},
        }

    def _columns(self, node: yaml.Node) -> tuple[ColumnRule, ...]:
        readers = self._rule_readers()
        rules = []
        for name, value, _ in self.entries(node):
            # `area:` alone says that there is such a column.
            is_empty = isinstance(value, yaml.ScalarNode) and self.value(value) is None
            rules.append(
                ColumnRule(name)
                if is_empty
                else self.filled(ColumnRule(name), value, readers)
            )
        return tuple(rules)

    def _references(self, node: yaml.Node) -> dict[str, Reference]:
        found = next(
            (value for key, value, _ in self.entries(node) if key == "reference"), None
        )
        return (
            {}
            if found is None
            else {name: self._reference(at) for name, at, _ in self.entries(found)}
        )

    def _reference(self, node: yaml.Node) -> Reference:
        if isinstance(node, yaml.MappingNode):
            return Reference(
                shares={
                    name: self._share(value) for name, value, _ in self.entries(node)
                }
            )
        numbers = tuple(self.number(item) for item in self.items(node))
        # Sorted, since they are quantiles: a swapped pair is a typing error.
        if len(numbers) != len(REFERENCE_PROBABILITIES) or list(numbers) != sorted(
            numbers
        ):
            wanted = f"{len(REFERENCE_PROBABILITIES)} numbers in order, or a share for each value"
            raise self.error(node, f"a reference has {wanted}")
        return Reference(quantiles=numbers)

    def _share(self, node: yaml.Node) -> float:
        share = self.number(node)
        if not 0 <= share <= 1:
            raise self.error(
                node, f"a share is between 0 and 1, not {scalar_text(node)}"
            )
        return share

    def _limits(self, node: yaml.Node, *, whole: bool = False) -> tuple[Any, Any]:
        items = self.items(node)
        if len(items) != 2:
            raise self.error(
                node, "here stand two limits, such as [0, 100] or [0, null]"
            )
        low, high = (self._limit(item, whole=whole) for item in items)
        if low is not None and high is not None and low > high:
            raise self.error(node, "the lower limit is larger than the upper one")
        return low, high

    def _limit(self, node: yaml.Node, *, whole: bool) -> float | int | None:
        found = self.value(node)
        if found is None:
            return None
        # YAML reads 2026-01-31 as a date; a time of day makes it a datetime.
        if isinstance(found, datetime.date) and not whole:
            return _seconds(found)
        number = self.number(node)
        if whole and not number.is_integer():
            raise self.error(node, f"{scalar_text(node)} is not a whole number")
        return int(number) if whole else number


def _seconds(moment: datetime.date) -> float:
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    return (
        moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
    ).timestamp()
