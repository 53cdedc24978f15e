"""What a text must be like before jupytext gets it: UTF-8, of bounded size, with YAML
that stays small.

Pure. jupytext reads headers and the options of MyST cells with PyYAML, for which ten
lines can stand for more than any memory holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

import yaml

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.yaml_files import load_yaml, yaml_problem

__all__ = [
    "LARGEST_TEXT",
    "SPELLING",
    "TAGS_OPTION",
    "checked_text",
    "header_of",
    "text_error",
]

LARGEST_TEXT = 4 << 20
"""Bytes."""
# jupytext holds each cell against a schema, and copies the rest of the file for it: ten
# seconds for these.
_MOST_LINES = 20_000
# jupytext tries every '=' of a marker as the end of a name, from the right.
_LONGEST_MARKER = 2_000
_MARKER = re.compile(
    r"\s*(#\s*(%%|\+|In\[|<codecell>|region|\{\{\{)|`{3}|~{3}|\+\+\+|<!--)"
)
# Letters at which Python's `splitlines` ends a line and a Python program does not.
_FALSE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]|\r(?!\n)")
_TAGS = re.compile(r"\s\btags\s*=")
_TEXT = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
TAGS_OPTION = re.compile(
    rf"\s*\btags\s*=\s*\[\s*(?:{_TEXT}(?:\s*,\s*{_TEXT})*\s*,?\s*)?\]"
)
"""The tags of a cell in its marker: `tags=["stage:load", 'a']`."""
SPELLING = 'Write the options of a cell as in `# %% tags=["stage:load"]`.'
_RULE = re.compile(r"---\s*$")
_DIRECTIVE = re.compile(r"\s*(`{3,}|~{3,})\{(code|raw)-cell\}")


def text_error(name: str, line: int | None, what: str, hint: str) -> NotebookError:
    """The error about a line of a notebook that is kept as text."""
    place = f"'{name}', line {line}" if line else f"'{name}'"
    return NotebookError(f"{place}: {what}.", code="notebook_malformed", hint=hint)


def checked_text(name: str, data: bytes) -> str:
    """The file's text, once nothing in it can be misread or grow. Raises
    NotebookError."""
    text = _decoded(name, data)
    end = _FALSE_ENDS.search(text)
    if end:
        place = text.count("\n", 0, end.start()) + 1
        what = f"the character U+{ord(end[0][0]):04X} would end a line for jupytext, and not for Python"
        raise text_error(
            name, place, what, "Write it as an escape, such as \\x0c, or remove it."
        )
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        raise text_error(
            name,
            None,
            f"it has more than {_MOST_LINES:,} lines",
            "Move data into files.",
        )
    for number, line in enumerate(lines, 1):
        if _MARKER.match(line):
            _check_marker(name, number, line)
    for number, block in _yaml_blocks(name, lines):
        _check_yaml(name, number, block)
    return text


def _check_marker(name: str, number: int, line: str) -> None:
    if len(line) > _LONGEST_MARKER:
        what = f"the marker of the cell is longer than {_LONGEST_MARKER:,} characters"
        raise text_error(name, number, what, "Shorten its title or its options.")
    if _TAGS.search(line) and not TAGS_OPTION.search(line):
        raise text_error(
            name, number, "the cell's tags are not a list of texts", SPELLING
        )


def _decoded(name: str, data: bytes) -> str:
    if not data.strip():
        raise NotebookError(
            f"'{name}' is empty.",
            code="notebook_empty",
            hint="Restore it from version control.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise text_error(
            name, line, "the file is not UTF-8", "Save it in that encoding."
        ) from None


def header_of(name: str, lines: Sequence[str]) -> tuple[int, list[str]] | None:
    """The YAML between the first two `---`, without comment signs, and the number of
    its first line."""
    bare = [_uncommented(line) if name.endswith(".py") else line for line in lines]
    # Above it: `#!`, the encoding, and, where the header is hidden, the beginning of a
    # comment.
    rules = [place for place, line in enumerate(bare) if _RULE.match(line)]
    if len(rules) < 2 or not all(map(_may_precede, bare[: rules[0]])):
        return None
    first, last = rules[:2]
    return first + 2, bare[first + 1 : last]


def _uncommented(line: str) -> str:
    """`# title: x` and `#title: x` are both `title: x`."""
    return re.sub("^# ?", "", line)


def _may_precede(line: str) -> bool:
    bare = line.strip()
    return not bare or bare.startswith(("!", "<!--")) or "coding" in bare


def _yaml_blocks(name: str, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Everything that jupytext reads as YAML, each with the number of its first
    line."""
    header = header_of(name, lines)
    if header:
        yield header
    for place, line in enumerate(lines):
        if _DIRECTIVE.match(line):
            yield _options(lines, place + 1)


def _options(lines: Sequence[str], place: int) -> tuple[int, list[str]]:
    """The options of a MyST cell: lines that begin with a colon, or what stands between
    two rules."""
    while place < len(lines) and not lines[place].strip():
        place += 1
    if place < len(lines) and lines[place].lstrip().startswith("---"):
        below = lines[place + 1 :]
        return place + 2, [*takewhile(lambda line: not line.startswith("---"), below)]
    bare = map(str.lstrip, lines[place:])
    options = takewhile(lambda line: line.startswith(":"), bare)
    return place + 1, [line[1:] for line in options]


def _check_yaml(name: str, number: int, block: Sequence[str]) -> None:
    try:
        load_yaml("\n".join(block))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = number + (mark.line if mark else 0)
        what = f"this is not YAML: {error.problem or error.context}"
        raise text_error(
            name, line, what, "Fix the header, or the options of the cell."
        ) from None
    except yaml.YAMLError as error:
        raise text_error(
            name, number, yaml_problem(error), "Write the header anew."
        ) from None
    except (ValueError, RecursionError):
        raise text_error(
            name, number, "a value here cannot be read", "Write the header anew."
        ) from None
