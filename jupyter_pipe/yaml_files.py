"""Reads YAML files that people write: each value with its place, so that an error names
file, line and what was meant.

A reader of one kind of file derives from `YamlReader` and has a method for each part. A
stranger may have written the text: a short one that stands for what no memory holds is
refused. Text in, values out; no I/O.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import yaml
from msgspec.structs import replace

from jupyter_pipe.errors import ErrorCode, PipeError

__all__ = ["CarefulLoader", "YamlReader", "load_yaml", "scalar_text", "yaml_problem"]

_LONGEST_QUOTE = 60
# YAML of people has three or four levels. Python's own parser fails at a thousand
# calls.
_DEEPEST = 100
# Nodes, aliases unfolded: nine lines of `b: [*a, *a, …]` can stand for a billion.
_LARGEST = 200_000
# Python counts such a number in no time, also one that is written to the base of 60.
_LONGEST_NUMBER = 400
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}

_Made = TypeVar("_Made")
_Reader = TypeVar("_Reader", bound="YamlReader")


class YamlReader:
    """Each method takes a node and gives a value, or raises `error_class` with the
    node's line."""

    error_class: type[PipeError] = PipeError
    code: ErrorCode = "error"

    def __init__(self, loader: CarefulLoader, file: str) -> None:
        self._loader = loader
        self._file = file

    @classmethod
    def read(
        cls: type[_Reader],
        text: str,
        file: str,
        make: Callable[[_Reader, yaml.Node | None], _Made],
    ) -> _Made:
        """What `make` makes of the text's one document. `file` is its name, for
        errors."""
        loader = None
        try:
            loader = CarefulLoader(text)
            return make(cls(loader, file), loader.get_single_node())
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise cls.error_class(
                f"{file}, line {line}, is not YAML: {error.problem}.", code=cls.code
            ) from None
        except yaml.YAMLError as error:
            raise cls.error_class(
                f"{file} is not YAML: {yaml_problem(error)}.", code=cls.code
            ) from None
        finally:
            if loader is not None:
                loader.dispose()

    def filled(
        self,
        made: Any,
        node: yaml.Node,
        readers: Mapping[str, Callable[[yaml.Node], Any]],
    ) -> Any:
        """The record with what the mapping says; an unknown key is an error with what
        was probably meant."""
        values: dict[str, Any] = {}
        for key, value, where in self.entries(node):
            if key not in readers:
                raise self.unknown(where, key, readers)
            values.update(readers[key](value))
        return replace(made, **values)

    def entries(self, node: yaml.Node) -> Iterable[tuple[str, yaml.Node, yaml.Node]]:
        """Name, value and place of each entry of a mapping."""
        if not isinstance(node, yaml.MappingNode):
            raise self.error(
                node, "here stand names with values, such as 'nulls: 0.02'"
            )
        # PyYAML takes the last of two equal keys without a word.
        seen: set[str] = set()
        for key, value in node.value:
            name = self.text(key)
            if name in seen:
                raise self.error(key, f"'{name[:_LONGEST_QUOTE]}' stands here twice")
            seen.add(name)
            yield name, value, key

    def items(self, node: yaml.Node) -> list[yaml.Node]:
        """The entries of a list."""
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node, "here stands a list, such as [1, 2]")
        return list(node.value)

    def value(self, node: yaml.Node) -> Any:
        """A scalar as YAML reads it."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(node, "here stands one value")
        try:
            return self._loader.construct_object(node, deep=True)
        except (ValueError, yaml.YAMLError):
            raise self.error(node, f"{scalar_text(node)} is not a value") from None

    def text(self, node: yaml.Node) -> str:
        """As it is written: `no` is a word here, and `07` keeps its zero."""
        if not isinstance(node, yaml.ScalarNode) or node.value == "":
            raise self.error(node, "here stands a name")
        return str(node.value)

    def texts(self, node: yaml.Node) -> tuple[str, ...]:
        """One text or a list of texts."""
        items = [node] if isinstance(node, yaml.ScalarNode) else self.items(node)
        return tuple(
            str(item.value) if isinstance(item, yaml.ScalarNode) else self.text(item)
            for item in items
        )

    def word(self, node: yaml.Node, words: Iterable[str]) -> Any:
        """One of `words`."""
        word = self.text(node)
        if word not in words:
            raise self.unknown(node, word, words)
        return word

    def yes_or_no(self, node: yaml.Node) -> bool:
        """A boolean."""
        found = self.value(node)
        # `1` and "true" in quotes are no answers.
        if not isinstance(found, bool):
            raise self.error(node, "here stands true or false")
        return found

    def number(self, node: yaml.Node) -> float:
        """A finite number."""
        found = self.value(node)
        try:
            # `yes` is a boolean for YAML, which Python would count as 1.
            number = math.nan if isinstance(found, bool | str) else float(found)
        except (OverflowError, TypeError):
            number = math.nan
        if not math.isfinite(number):
            raise self.error(node, f"{scalar_text(node)} is not a number")
        return number

    def unknown(self, node: yaml.Node, word: str, known: Iterable[str]) -> PipeError:
        """The error for a word that is not one of `known`."""
        names = list(known)
        close = difflib.get_close_matches(word, names, n=1)
        hint = (
            f"Did you mean '{close[0]}'?"
            if close
            else f"Known are: {', '.join(names)}."
        )
        return self.error(node, f"'{word[:_LONGEST_QUOTE]}' is not known here", hint)

    def error(self, node: yaml.Node, what: str, hint: str = "") -> PipeError:
        """The error about the place of a node."""
        line = node.start_mark.line + 1
        return self.error_class(
            f"{self._file}, line {line}: {what}.", code=self.code, hint=hint
        )


def scalar_text(node: yaml.Node) -> str:
    """How a scalar is named in an error."""
    return (
        repr(node.value[:_LONGEST_QUOTE])
        if isinstance(node, yaml.ScalarNode)
        else "a list"
    )


# Texts of strangers


class CarefulLoader(yaml.SafeLoader):
    """A loader of one text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        # Of each node that is complete: how many nodes it unfolds to, and how deep they
        # are nested.
        self._extents: dict[int, tuple[int, int]] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node, as the parser gives it."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # not annotated there
        is_alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.composer.ComposerError(
                None, None, f"it is nested more than {_DEEPEST} deep", mark
            )
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        if node is None or id(node) in self._extents:
            return node
        if is_alias:
            raise yaml.composer.ComposerError(None, None, "a value holds itself", mark)
        self._extents[id(node)] = self._extent(node)
        return node

    def _extent(self, node: yaml.Node) -> tuple[int, int]:
        """As `_extents` has it. `a: [x, x]` with `b: [*a, *a]` makes seven of two
        lists."""
        parts = [self._extents[id(part)] for part in _parts(node)]
        size = 1 + sum(size for size, _ in parts)
        depth = 1 + max((depth for _, depth in parts), default=0)
        if size > _LARGEST or depth > _DEEPEST:
            raise yaml.composer.ComposerError(
                None,
                None,
                "it stands for more values than can be read",
                node.start_mark,
            )
        return size, depth

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The node's value."""
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        if node.tag in _NUMBERS and len(text) > _LONGEST_NUMBER:
            raise _unreadable(node)
        try:
            return super().construct_object(node, deep=deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # Of `!!bool x` and `!!timestamp x`, which say more than they hold.
            raise _unreadable(node) from None


def load_yaml(text: str) -> Any:
    """The one document in a text."""
    loader = CarefulLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def yaml_problem(error: yaml.YAMLError) -> str:
    """What is wrong, in the half of a sentence: `line 3: expected ',' or ']', but got
    ':'`."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())[:200]
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark else ""
    return f"{line}{error.problem or error.context}"


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _unreadable(node: yaml.Node) -> yaml.constructor.ConstructorError:
    shown = (
        repr(node.value[:_LONGEST_QUOTE])
        if isinstance(node, yaml.ScalarNode)
        else "this"
    )
    return yaml.constructor.ConstructorError(
        None, None, f"{shown} is not a value", node.start_mark
    )
