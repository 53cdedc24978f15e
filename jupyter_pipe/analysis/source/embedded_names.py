"""Names inside strings: `df.query("a > @limit")`, `pd.eval("x + y")`, `duckdb.sql("from
df")` and formulas, `ols("y ~ np.sin(x)", data)`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.source.scopes import bound_names
from jupyter_pipe.analysis.world.heap import Function, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = [
    "evaluate_text",
    "execute_text",
    "read_embedded_names",
    "read_expression",
    "read_formulas",
    "read_sql",
    "read_statements",
]

QUERIES = frozenset({"query", "eval"})
SQL = frozenset({"sql", "query", "execute", "query_df", "from_query"})
SQL_LIBRARIES = frozenset({"duckdb", "pandasql", "polars"})
LOCAL_NAME = re.compile(r"@([A-Za-z_]\w*)")
WORD = re.compile(r"[A-Za-z_]\w*")
FORMULA_LIBRARIES = frozenset(
    {
        "statsmodels",
        "patsy",
        "formulaic",
        "linearmodels",
        "bambi",
        "lifelines",
        "pyfixest",
        "rpy2",
    }
)
CALLED = re.compile(r"[A-Za-z_]\w*(?=\s*[.(])")
EXPRESSIONS = frozenset(
    {"pandas.eval", "pandas.core.computation.eval.eval", "numexpr.evaluate"}
)
"""Functions whose first argument is an expression over the variables of the caller."""
QUOTED = re.compile(r"'[^']*'")


def read_embedded_names(world: World, method: str, arguments: Arguments) -> None:
    """What the first argument of a method call names, if it is a constant query."""
    if method not in QUERIES and method not in SQL:
        return
    for text in _texts(arguments):
        if method in QUERIES:
            for name in LOCAL_NAME.findall(text):
                world.read(name, arguments.node)
        if method in SQL and world.process.imported & SQL_LIBRARIES:
            read_sql(world, text, arguments.node)


def read_expression(world: World, qualified: str, arguments: Arguments) -> None:
    """What a function of a library reads that is given a text over the notebook's
    variables."""
    if qualified in EXPRESSIONS:
        for text in _texts(arguments):
            if not evaluate_text(world, text, arguments.node):
                read_sql(world, text, arguments.node)


def _formulas(values: Iterable[Iterable[Object]]) -> list[str]:
    """The constant texts among the values that are formulas."""
    texts = [
        value.payload.value
        for one in values
        for value in one
        if isinstance(value.payload, Text)
    ]
    # A path may have a tilde as well: "~/data.csv", "backup/notes~".
    return [text for text in texts if "~" in text and "/" not in text.partition("~")[0]]


def read_formulas(world: World, arguments: Arguments) -> None:
    """The names in `"y ~ np.sin(x) + f(z)"`. With data beside it, plain names are its
    columns and only what is called or has parts is the notebook's."""
    if not world.process.imported & FORMULA_LIBRARIES:
        return
    values = [*arguments.positional, arguments.keywords.get("formula", frozenset())]
    has_data = len(values) > 2 or bool(arguments.keywords.keys() - {"formula"})
    word = CALLED if has_data else WORD
    for formula in _formulas(values):
        for name in dict.fromkeys(word.findall(QUOTED.sub("", formula))):
            if world.names.get(name) is not None:
                for value in world.read(name, arguments.node):
                    _call_named(world, value, arguments)


def _call_named(world: World, value: Object, arguments: Arguments) -> None:
    """Calls a function of the notebook that a formula names."""
    if isinstance(value.payload, Function):
        world.call_function(value, (), {"**": frozenset()}, arguments.node)


def _texts(arguments: Arguments) -> list[str]:
    first = arguments.positional[0] if arguments.positional else frozenset()
    named = [arguments.keywords.get(name, frozenset()) for name in ("expr", "query")]
    values = frozenset().union(first, *named)
    return [value.payload.value for value in values if isinstance(value.payload, Text)]


def read_sql(world: World, text: str, node: ast.AST) -> None:
    """A scan of the variables that the query's words name; other words are tables or
    columns."""
    for word in dict.fromkeys(WORD.findall(QUOTED.sub("", text))):
        if world.names.get(word) is not None:
            world.read(word, node)


def evaluate_text(world: World, text: str, node: ast.AST) -> bool:
    """Evaluates a constant expression in the current scope. False if it does not
    parse."""
    try:
        tree = ast.parse(LOCAL_NAME.sub(r"\1", text).strip(), mode="eval")
    except SyntaxError:
        return False
    for inner in ast.walk(tree):
        ast.copy_location(inner, node)
    world.evaluate(tree.body)
    return True


def read_statements(world: World, text: str, node: ast.AST) -> bool:
    """What constant code in `exec` reads. True if it binds nothing, so that all of it
    is known."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    if not any(bound_names(tree.body)):
        return execute_text(world, text, node)
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and world.names.get(part.id) is not None:
            world.read(part.id, node)
    return False


def execute_text(world: World, text: str, node: ast.AST) -> bool:
    """Executes constant code in the current scope, as if it stood at `node`. False if
    it does not parse."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    for part in ast.walk(tree):
        if isinstance(part, (ast.expr, ast.stmt)):
            ast.copy_location(part, node)
    world.execute(tree.body)
    return True
