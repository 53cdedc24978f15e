"""Turns a cell's source into plain Python, with the way back to the user's lines and
columns.

Python that parses is returned as it is; only other text goes through IPython's own
input transformer, which is imported then and not before. Magics that run the user's
code (`%time`, `%%time`, `%%capture`, `%timeit`…) are replaced by that code, so that it
is analysed like any other; all others stay the calls that IPython makes of them
(`get_ipython().system('ls')`), and `magic_effects` tells what those do. Does no I/O and
raises nothing: a cell that cannot be parsed has a `problem`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Problem", "Transformed", "transform"]

TIMEIT_BODY = "_timeit_body"

# One-letter options of the magics that run code, as IPython's getopt strings; `:` takes
# a value.
CODE_MAGICS = {
    "time": "",
    "timeit": "n:r:tcp:qov:",
    "prun": "D:l:rs:T:q",
    "memit": "r:t:i:co",
}
AUTOMAGIC = re.compile(
    r"(cat|cd|conda|cp|env|ls|man|mamba|mkdir|mv|pip|pwd|rm|rmdir|uv|whos?)\s+[^=(.\[]"
)
BLANKS = {ord(character): " " for character in "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"}
CAPTURE = "__import__('IPython.utils.capture', fromlist=['']).capture_output({kept})"


class Problem(NamedTuple):
    """Why the cell does not parse, in the user's lines and columns, both from 1."""

    message: str
    line: int
    column: int


class Span(NamedTuple):
    """From column `start` of a line of Python on, the user's text stands at `line` and
    `column` (both from 0); `exact` means column by column, otherwise all of it maps to
    that one place."""

    start: int
    line: int
    column: int
    exact: bool = True


class Code(NamedTuple):
    """The Python that replaces a magic's call: the user's `text` and what is put around
    it."""

    opening: str
    text: str
    closing: str


@dataclass(frozen=True)
class Transformed:
    """`tree` is shared: do not change it. It is None if the cell does not parse.

    `foreign` is the magic of a cell that is not Python as a whole (`bash`, `html`,
    `writefile`).
    """

    source: str
    python: str
    tree: ast.Module | None
    foreign: str = ""
    problem: Problem | None = None
    spans: tuple[tuple[Span, ...], ...] = field(default=(), repr=False)

    def position(self, line: int, column: int) -> tuple[int, int]:
        """The user's line and column, from 1, of an AST position (line from 1, bytes
        from 0)."""
        text = _line(self.python, line - 1)
        return self._place(
            line - 1, len(text.encode()[:column].decode(errors="ignore"))
        )

    def _place(self, line: int, column: int) -> tuple[int, int]:
        if not self.spans:
            return line + 1, column + 1
        user_line, user_column = _find(
            self.spans[min(max(line, 0), len(self.spans) - 1)], column
        )
        return user_line + 1, user_column + 1


@functools.lru_cache(maxsize=8192)
def transform(source: str) -> Transformed:
    """The cell as Python. Results are kept by source."""
    tree, _ = _parse(source)
    if tree is not None:
        return Transformed(source, source, tree)
    return _Editor(source).transformed()


class _Editor:
    """The lines of a cell under transformation, each with the spans that lead back."""

    def __init__(self, source: str) -> None:
        # IPython also breaks lines at carriage returns and form feeds; Python sees
        # blanks there.
        self.source = source.translate(BLANKS)
        self.lines = [
            line + "\n" for line in self.source.removesuffix("\n").split("\n")
        ]
        self.spans: list[tuple[Span, ...]] = [
            (Span(0, number, 0),) for number in range(len(self.lines))
        ]

    def transformed(self) -> Transformed:
        self._clean()
        if (
            self.lines
            and self.lines[0].startswith("%%")
            and not self.lines[0].startswith("%%?")
        ):
            return self._cell_magic()
        self._transform_lines()
        tree, error = _parse("".join(self.lines))
        if tree is not None and self._inline_code(tree):
            tree, error = _parse("".join(self.lines))
        return self._result(tree, error)

    def _clean(self) -> None:
        """Leading blank lines, a common indent and pasted prompts are not part of the
        program."""
        if len(self.lines) == 1 and AUTOMAGIC.match(self.lines[0]):
            self.lines = ["%" + self.lines[0]]
            self.spans = [(Span(0, 0, 0, exact=False), Span(1, 0, 0))]
        for clean in _transformer().cleanup_transforms:
            cleaned = list(clean(self.lines))
            dropped = len(self.lines) - len(cleaned)
            self.lines, self.spans = self.lines[dropped:], self.spans[dropped:]
            for number, text in enumerate(cleaned):
                self.spans[number] = _cut(
                    self.spans[number], len(self.lines[number]) - len(text)
                )
            self.lines = cleaned

    def _transform_lines(self) -> None:
        changed = True
        while changed:
            try:
                changed, after = _transformer().do_one_token_transform(self.lines)
            except SyntaxError:
                return
            self._replace(after)

    def _replace(self, after: list[str]) -> None:
        """Takes over new lines; where they differ, spans lead to the start of the
        change."""
        before = self.lines
        first = _common(before, after)
        tail = _common(before[first:][::-1], after[first:][::-1])
        spans = []
        for text in after[first : len(after) - tail]:
            kept = _common(before[first], text)
            line, column = _find(self.spans[first], kept)
            unchanged = [span for span in self.spans[first] if span.start < kept]
            spans.append((*unchanged, Span(kept, line, column, exact=False)))
        self.spans[first : len(before) - tail] = spans
        self.lines = after

    def _inline_code(self, tree: ast.Module) -> bool:
        """Puts the user's code in the place of calls of magics that run it."""
        statements = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        found = [
            (call, code)
            for call in calls
            if (code := _code_of(call, id(call) in statements))
        ]
        for call, code in sorted(found, key=lambda pair: -pair[0].col_offset):
            self._inline(call, code)
        return bool(found)

    def _inline(self, call: ast.Call, code: Code) -> None:
        number = call.lineno - 1
        text = self.lines[number].encode()
        before, after = (
            text[: call.col_offset].decode(),
            text[call.end_col_offset :].decode(),
        )
        line, column = _find(self.spans[number], len(before))
        found = _line(self.source, line).find(code.text, column)
        start = len(before + code.opening)
        self.spans[number] = (
            *(span for span in self.spans[number] if span.start < len(before)),
            Span(len(before), line, column, exact=False),
            Span(start, line, max(found, column), exact=found >= 0),
            Span(start + len(code.text), line, column, exact=False),
        )
        self.lines[number] = before + code.opening + code.text + code.closing + after

    def _cell_magic(self) -> Transformed:
        name, _, options = self.lines[0][2:].strip().partition(" ")
        if name == "capture" or name in CODE_MAGICS:
            return self._around(
                *_wrapping(name, options.strip()), transform("".join(self.lines[1:]))
            )
        call = f"get_ipython().run_cell_magic({name!r}, {options.strip()!r}, {''.join(self.lines[1:])!r})\n"
        self.lines, self.spans = (
            [call],
            [(Span(0, self.spans[0][0].line, 0, exact=False),)],
        )
        return self._result(*_parse(call), foreign=name)

    def _around(
        self, opening: list[str], closing: list[str], body: Transformed
    ) -> Transformed:
        """The body of a magic as code: as it stands, or inside what the magic puts
        around it."""
        head = (Span(0, self.spans[0][0].line, 0, exact=False),)
        outer = self.spans[1:] or [head]
        if body.problem is not None:
            message, line, column = body.problem
            place = _find(outer[min(line - 1, len(outer) - 1)], column - 1)
            return Transformed(
                self.source, body.python, None, problem=_problem(message, place)
            )
        text = body.python.removesuffix("\n").split("\n")
        depth = [
            4 if closing and number not in _inside_strings(body.tree) else 0
            for number in range(len(text))
        ]
        self.lines = opening + [
            " " * indent + line + "\n" for indent, line in zip(depth, text, strict=True)
        ]
        inside = body.spans or [(Span(0, number, 0),) for number in range(len(text))]
        moved = [
            _move(spans, outer, indent)
            for spans, indent in zip(inside, depth, strict=True)
        ]
        self.spans = [head] * len(opening) + moved + [head] * len(closing)
        self.lines += closing
        return self._result(*_parse("".join(self.lines)))

    def _result(
        self, tree: ast.Module | None, error: SyntaxError | None, foreign: str = ""
    ) -> Transformed:
        result = Transformed(
            self.source, "".join(self.lines), tree, foreign, spans=tuple(self.spans)
        )
        if error is None:
            return result
        line, column = result._place(
            (error.lineno or 1) - 1, max((error.offset or 1) - 1, 0)
        )
        return Transformed(
            self.source,
            result.python,
            None,
            problem=Problem(error.msg, line, column),
            spans=result.spans,
        )


def _wrapping(name: str, options: str) -> tuple[list[str], list[str]]:
    """The lines of Python before and after the body of a cell magic."""
    if name == "capture":
        words = options.split()
        kept = ", ".join(
            str(f"--no-{part}" not in words) for part in ("stdout", "stderr", "display")
        )
        target = next((f" as {word}" for word in words if word.isidentifier()), "")
        return [f"with {CAPTURE.format(kept=kept)}{target}:\n"], ["    pass\n"]
    if name == "timeit":
        setup = _strip_options(name, options)
        lines = [f"def {TIMEIT_BODY}():\n", *([f"    {setup}\n"] if setup else [])]
        return lines, ["    pass\n", f"{TIMEIT_BODY}()\n"]
    return ["\n"], []


def _inside_strings(tree: ast.Module | None) -> set[int]:
    """The lines (from 0) that begin inside a string: they must not be indented."""
    return {
        line
        for node in ast.walk(tree or ast.Module([], []))
        if isinstance(node, (ast.JoinedStr, ast.Constant))
        for line in range(node.lineno, node.end_lineno or node.lineno)
    }


def _code_of(call: ast.Call, statement: bool) -> Code | None:
    """The Python to put in the place of a magic's call, if the magic runs Python."""
    match call:
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic"),
            args=[ast.Constant(value=str(name)), ast.Constant(value=str(text))],
        ) if name in CODE_MAGICS:
            code = _strip_options(name, text)
        case _:
            return None
    tree, _ = _parse(code)
    if tree is None:
        return None
    if statement and name != "timeit":
        return Code("", code or "None", "")
    if not _is_expression(tree) or code.endswith(";"):
        return None
    if name != "timeit":
        return Code("(", code, ")")
    # What `%timeit` binds stays inside it; its result (`-o`) is an object of its own.
    return Code("(lambda: (", code, "))()") if statement else None


def _is_expression(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)


def _strip_options(name: str, text: str) -> str:
    """The code after a magic's own options (`-n 10 -r3 f(x)` -> `f(x)`)."""
    options = CODE_MAGICS[name]
    while found := re.match(r"-([A-Za-z])(\S*)\s*", text):
        letter, value = found.groups()
        if letter not in options:
            break
        text = text[found.end() :]
        if f"{letter}:" in options and not value:
            text = re.sub(r"^\S+\s*", "", text)
    return text.strip()


def _parse(text: str) -> tuple[ast.Module | None, SyntaxError | None]:
    try:
        with warnings.catch_warnings():
            # An invalid escape in the user's string is the user's to see, when the cell
            # runs.
            warnings.simplefilter("ignore")
            return ast.parse(text), None
    except SyntaxError as error:
        return None, error
    except (ValueError, RecursionError, MemoryError) as error:
        return None, SyntaxError(
            str(error) or "the cell is nested too deeply", (None, 1, 1, None)
        )


@functools.lru_cache(maxsize=1)
def _transformer() -> Any:
    module: Any = importlib.import_module("IPython.core.inputtransformer2")
    return module.TransformerManager()


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number] if 0 <= number < len(lines) else ""


def _find(spans: tuple[Span, ...], column: int) -> tuple[int, int]:
    span = next((span for span in reversed(spans) if span.start <= column), spans[0])
    return span.line, span.column + (max(column - span.start, 0) if span.exact else 0)


def _cut(spans: tuple[Span, ...], count: int) -> tuple[Span, ...]:
    """The spans of a line that lost `count` characters at its start."""
    if not count:
        return spans
    line, column = _find(spans, count)
    later = tuple(
        span._replace(start=span.start - count) for span in spans if span.start > count
    )
    return (Span(0, line, column), *later)


def _move(
    spans: tuple[Span, ...], outer: list[tuple[Span, ...]], indent: int
) -> tuple[Span, ...]:
    """Spans into a magic's body, as spans into the cell, for a line indented by
    `indent`."""
    return tuple(
        Span(
            span.start + indent,
            *_find(outer[min(span.line, len(outer) - 1)], span.column),
            span.exact,
        )
        for span in spans
    )


def _problem(message: str, place: tuple[int, int]) -> Problem:
    return Problem(message, place[0] + 1, place[1] + 1)


def _common(left: list[str] | str, right: list[str] | str) -> int:
    """How many leading items (lines of a list, characters of a text) are equal."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count
