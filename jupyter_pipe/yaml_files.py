"""Reads YAML files that people write: each value with its place, so that an error names file, line and what
was meant.

A reader of one kind of file derives from `YamlReader` and has a method for each part. Text in, values out; no
I/O.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import yaml
from msgspec.structs import replace

from jupyter_pipe.errors import ErrorCode, PipeError

__all__ = ["YamlReader", "scalar_text"]

_Made = TypeVar("_Made")
_Reader = TypeVar("_Reader", bound="YamlReader")


class YamlReader:
    """Each method takes a node and gives a value, or raises `error_class` with the node's line."""

    error_class: type[PipeError] = PipeError
    code: ErrorCode = "error"

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file

    @classmethod
    def read(
        cls: type[_Reader], text: str, file: str, make: Callable[[_Reader, yaml.Node | None], _Made]
    ) -> _Made:
        """What `make` makes of the text's one document. `file` is its name, for errors."""
        loader = yaml.SafeLoader(text)
        try:
            return make(cls(loader, file), loader.get_single_node())
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise cls.error_class(
                f"{file}, line {line}, is not YAML: {error.problem}.", code=cls.code
            ) from None
        except yaml.YAMLError as error:
            raise cls.error_class(f"{file} is not YAML: {error}.", code=cls.code) from None
        finally:
            loader.dispose()

    def filled(self, made: Any, node: yaml.Node, readers: Mapping[str, Callable[[yaml.Node], Any]]) -> Any:
        """The record with what the mapping says; an unknown key is an error with what was probably meant."""
        values: dict[str, Any] = {}
        for key, value, where in self.entries(node):
            if key not in readers:
                raise self.unknown(where, key, readers)
            values.update(readers[key](value))
        return replace(made, **values)

    def entries(self, node: yaml.Node) -> Iterable[tuple[str, yaml.Node, yaml.Node]]:
        """Name, value and place of each entry of a mapping."""
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, "here stand names with values, such as 'nulls: 0.02'")
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise self.error(key, f"'{name}' stands here twice")
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
            raise self.error(node, f"{node.value!r} is not a value") from None

    def text(self, node: yaml.Node) -> str:
        """As it is written: `no` is a word here, and `07` keeps its zero."""
        if not isinstance(node, yaml.ScalarNode) or node.value == "":
            raise self.error(node, "here stands a name")
        return str(node.value)

    def texts(self, node: yaml.Node) -> tuple[str, ...]:
        """One text or a list of texts."""
        items = [node] if isinstance(node, yaml.ScalarNode) else self.items(node)
        return tuple(
            str(item.value) if isinstance(item, yaml.ScalarNode) else self.text(item) for item in items
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
        if not isinstance(found, bool):
            raise self.error(node, "here stands true or false")
        return found

    def number(self, node: yaml.Node) -> float:
        """A finite number."""
        found = self.value(node)
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self.error(node, f"{scalar_text(node)} is not a number")
        return float(found)

    def unknown(self, node: yaml.Node, word: str, known: Iterable[str]) -> PipeError:
        """The error for a word that is not one of `known`."""
        names = list(known)
        close = difflib.get_close_matches(word, names, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"Known are: {', '.join(names)}."
        return self.error(node, f"'{word}' is not known here", hint)

    def error(self, node: yaml.Node, what: str, hint: str = "") -> PipeError:
        """The error about the place of a node."""
        line = node.start_mark.line + 1
        return self.error_class(f"{self._file}, line {line}: {what}.", code=self.code, hint=hint)


def scalar_text(node: yaml.Node) -> str:
    """How a scalar is named in an error."""
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list"
