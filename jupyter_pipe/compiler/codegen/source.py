"""Cuts Python source into top-level statements with their comments, and indents it.

Pure text work: what the user wrote comes out as written. Facts about names come from
`symtable`, which is CPython's own answer.
"""

from __future__ import annotations

import ast
import io
import symtable
import tokenize
from collections.abc import Iterable, Iterator

from msgspec import Struct

__all__ = [
    "Statement",
    "in_docstring",
    "indented",
    "quoted",
    "split_statements",
    "wrap_call",
]

_STRING_START = {
    getattr(tokenize, name, -1) for name in ("FSTRING_START", "TSTRING_START")
}
_STRING_END = {getattr(tokenize, name, -1) for name in ("FSTRING_END", "TSTRING_END")}


class Statement(Struct, frozen=True):
    """One top-level statement, or several on a line.

    `text` includes the comments above it and behind it. `binds` are names that it binds
    in the namespace (also through `global`), `reads` all names of the namespace that it
    reads, `now` those that it reads while it runs itself, `later` those that functions
    in it read when called.
    """

    text: str
    nodes: tuple[ast.stmt, ...]
    binds: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    now: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()

    @property
    def node(self) -> ast.stmt | None:
        """The statement, if it is alone on its lines."""
        return self.nodes[0] if len(self.nodes) == 1 else None


def split_statements(source: str) -> tuple[Statement, ...]:
    """The statements of `source`; a comment belongs to the statement below it, at the
    end to none.

    The texts of all statements, joined by newlines, are `source` without surrounding
    blank lines.
    """
    lines = source.split("\n")
    found: list[Statement] = []
    start = 0
    for nodes in _by_lines(ast.parse(source).body):
        end = max(node.end_lineno or node.lineno for node in nodes)
        code = "\n".join(lines[_first_line(nodes[0]) - 1 : end])
        found.append(_statement("\n".join(lines[start:end]), code, nodes))
        start = end
    rest = "\n".join(lines[start:])
    if rest.strip():
        found.append(Statement(rest, ()))
    return tuple(found)


def _by_lines(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, ...]]:
    """Statements that share a line (`a = 1; b = 2`) stay together."""
    group: list[ast.stmt] = []
    for node in body:
        # `if x: a = 1` and a decorator above a function: a statement begins where its
        # decorators do.
        if group and _first_line(node) > (group[-1].end_lineno or 0):
            yield tuple(group)
            group = []
        group.append(node)
    if group:
        yield tuple(group)


def _first_line(node: ast.stmt) -> int:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return min(
            [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
        )
    return node.lineno


def _statement(text: str, code: str, nodes: tuple[ast.stmt, ...]) -> Statement:
    """One statement with the global names that it binds and reads, now or when its
    functions are called."""
    # symtable is CPython's own answer to which names are local, and needs code that
    # compiles.
    try:
        table = symtable.symtable(code, "<cell>", "exec")
    except SyntaxError:
        # Top-level `await`, which IPython allows: the same names are seen inside a
        # coroutine.
        table = _awaiting_table(code)
    now, later = _global_reads(table, deferred=False)
    # symtable does not tell that `x = x` in a class body reads the global one.
    now |= {
        name
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for name in _class_reads(node)
    }
    binds = {
        s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()
    }
    binds |= _declared_global(table)
    return Statement(
        text,
        nodes,
        frozenset(binds),
        frozenset(now | later),
        frozenset(now),
        frozenset(later),
    )


def _awaiting_table(code: str) -> symtable.SymbolTable:
    wrapped = "async def cell():\n" + indented(code, "    ") + "\n"
    return symtable.symtable(wrapped, "<cell>", "exec").get_children()[0]


def _global_reads(
    table: symtable.SymbolTable, *, deferred: bool
) -> tuple[set[str], set[str]]:
    """Names of the namespace that are read at once, and those that wait for a call."""
    now: set[str] = set()
    later: set[str] = set()
    # The wrapping coroutine of _awaiting_table stands for the module.
    top = table.get_type() == "module" or table.get_name() == "cell"
    names = {
        s.get_name()
        for s in table.get_symbols()
        if s.is_referenced() and (top or s.is_global())
    }
    (later if deferred else now).update(names)
    for child in table.get_children():
        runs_later = (
            # Before Python 3.12 a comprehension is a function in symtable, which runs
            # at once.
            child.get_type() == "function" and child.get_name() not in _COMPREHENSIONS
        )
        first, second = _global_reads(child, deferred=deferred or runs_later)
        now |= first
        later |= second
    return now, later


_COMPREHENSIONS = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})


def _class_reads(node: ast.ClassDef) -> set[str]:
    """Names that a class body reads before it binds them: `size = size` reads the
    namespace's."""
    bound: set[str] = set()
    reads: set[str] = set()
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            # What methods read is read when they are called, not by the body.
            bound.add(statement.name)
            continue
        names = [item for item in ast.walk(statement) if isinstance(item, ast.Name)]
        reads |= {item.id for item in names if isinstance(item.ctx, ast.Load)} - bound
        bound |= {item.id for item in names if not isinstance(item.ctx, ast.Load)}
    return reads


def _declared_global(table: symtable.SymbolTable) -> set[str]:
    names: set[str] = set()
    for child in table.get_children():
        names |= {
            s.get_name()
            for s in child.get_symbols()
            if s.is_declared_global() and s.is_assigned()
        }
        names |= _declared_global(child)
    return names


def quoted(text: str) -> str:
    """A string in double quotes that Python reads as `text`, whatever is in it."""
    # repr chooses single quotes where it need not escape any, and then leaves double
    # quotes alone.
    inside = repr(text)[1:-1]
    if not repr(text).startswith('"'):
        inside = inside.replace("\\'", "'").replace('"', '\\"')
    return f'"{inside}"'


def in_docstring(name: str) -> str:
    """The name of a file as it stands within a docstring, which it must not end: it may
    be three quotes."""
    return quoted(name)[1:-1]


def indented(source: str, prefix: str) -> str:
    """`source` with `prefix` before each line, except inside strings, where it would
    change them."""
    inside = _lines_inside_strings(source)
    lines = source.split("\n")
    return "\n".join(
        line if number in inside or not line.strip() else prefix + line
        for number, line in enumerate(lines, start=1)
    )


def _lines_inside_strings(source: str) -> set[int]:
    inside: set[int] = set()
    # Most cells have no text over several lines: tokenizing them would be for nothing.
    if not any(mark in source for mark in ('"""', "'''", "\\\n")):
        return inside
    starts: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _STRING_START:
            starts.append(token.start[0])
        # Python 3.12 splits f-strings into tokens, which nest.
        elif token.type in _STRING_END:
            inside.update(range(starts.pop() + 1, token.end[0] + 1))
        elif token.type == tokenize.STRING:
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
    return inside


def wrap_call(
    opening: str, arguments: Iterable[str], closing: str = ")", width: int = 88
) -> str:
    """`opening(a, b)` on one line if it fits, else one argument a line."""
    arguments = tuple(arguments)
    flat = f"{opening}{', '.join(arguments)}{closing}"
    if len(flat) <= width or not arguments:
        return flat
    margin = opening[: len(opening) - len(opening.lstrip())]
    lines = "".join(f"{margin}    {argument},\n" for argument in arguments)
    return f"{opening}\n{lines}{margin}{closing}"
