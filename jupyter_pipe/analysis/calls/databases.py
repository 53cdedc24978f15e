"""Databases that a library keeps open by itself: duckdb's default connection, and that
of `%sql`.

What statements make in them (tables, views, settings) is state of the process.
Statements that are written out are made again by later stages; what they read
(variables, files, other tables) decides whether that gives the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import touch_file
from jupyter_pipe.analysis.calls.libraries import apply_effect
from jupyter_pipe.analysis.world.heap import Text, Values
from jupyter_pipe.analysis.world.world import text_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.world import World

__all__ = ["DATABASE_CALLS", "run_sql"]

LOOKS = """
select from with describe desc show explain summarize values table pivot unpivot
"""
"""First words of statements that only look. `copy … to` writes a file and leaves no
state."""
_LOOKS = frozenset(LOOKS.split())
WRITING_FILE = frozenset({"copy", "export"})
MENTIONED = re.compile(
    r"\b(?:from|join|into|update|table|describe|summarize|pivot|using)\s+([A-Za-z_]\w*)",
    re.I,
)
QUOTED_FILE = re.compile(r"'([^'\n]+\.\w{2,8})'")
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
URL = re.compile(r"\s*(\w[\w+]*://\S*|\$\w+|\{\{\w+\}\})")
IN_MEMORY = re.compile(r"(?:sqlite|duckdb)(?:\+\w+)?://(?:/?:memory:)?/?$")
IN_FILE = re.compile(r"(?:sqlite|duckdb)(?:\+\w+)?:///([^?]+)")
KEPT = re.compile(r"--(?:persist|append|persist-replace)\s+(\w+)")
OPTION = re.compile(r"\s--?[\w-]+(?:[= ](?!\s*select)\w+)?")
RESULT = re.compile(r"\s*(\w+)\s*(?:=\s*)?<<")
INSERTED = re.compile(r"\{\{\s*(\w+)|(?<![:\w]):(\w+)|\$\{?(\w+)")
DATABASE = "@sql.database"
"""A database behind a connection: what one stage writes there, a later one may read."""
ENGINE = "sqlalchemy.create_engine"
TEXT_METHODS = ("sql", "query", "execute", "executemany", "from_query", "query_df")


def statements_of(sql: str) -> Iterator[str]:
    """The statements of a text, without comments."""
    for statement in COMMENT.sub(" ", sql).split(";"):
        if statement.strip():
            yield statement.strip()


def changes_database(sql: str) -> bool:
    """Whether a statement of the text leaves something in the database or the
    connection."""
    first = (
        # "(select …) union (select …)" begins with a bracket.
        statement.split(None, 1)[0].lower().strip("(")
        for statement in statements_of(sql)
    )
    return any(word not in _LOOKS and word not in WRITING_FILE for word in first)


def mentioned_names(sql: str) -> list[str]:
    """What stands where a table would: duckdb takes a variable of the notebook for
    one."""
    return list(dict.fromkeys(MENTIONED.findall(COMMENT.sub(" ", sql))))


def use_files_in_sql(world: World, sql: str, node: ast.AST) -> None:
    """Files that a statement names: `from 'a.csv'`, `copy t to 'b.parquet'`."""
    for statement in statements_of(sql):
        writes = statement.split(None, 1)[0].lower() in WRITING_FILE
        for path in QUOTED_FILE.findall(statement):
            touch_file(world, Text(path), node, write=writes)


def _default_connection(world: World, arguments: Arguments) -> Values:
    """`duckdb.sql(text)` and its like, on the connection that the module keeps."""
    node = arguments.node
    sql = text_of(arguments.positional[0]) if arguments.positional else None
    if sql is not None and changes_database(sql):
        world.patch("duckdb", node)
    # duckdb looks names up in the caller's frame: duckdb.sql("select * from frame").
    for name in mentioned_names(sql or ""):
        if world.names.get(name) is not None:
            world.read(name, node)
    use_files_in_sql(world, sql or "", node)
    world.touch("@process.duckdb", node)
    return frozenset((world.objects.allocate(node, "duckdb.Relation"),))


def _engine(world: World, arguments: Arguments) -> Values:
    """`create_engine(url)`: any stage can make it again, since each connection is new.
    A database in memory is gone with its engine."""
    effect = world.knowledge.function(ENGINE)
    url = text_of(arguments.positional[0]) if arguments.positional else None
    # An engine in memory is its only connection: a second one would find no tables.
    if url is not None and not IN_MEMORY.match(url):
        world.recorder.facts.again.add(arguments.node)
    return (
        apply_effect(world, effect, None, arguments, ENGINE)
        if effect is not None
        else frozenset()
    )


DATABASE_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    **dict.fromkeys((f"duckdb.{name}" for name in TEXT_METHODS), _default_connection),
    ENGINE: _engine,
}


def run_sql(world: World, line: str, body: str, node: ast.Call) -> None:
    """`%sql URL` opens a connection, which the shell keeps; `%sql STATEMENT` and
    `%%sql` use it."""
    # `{{table}}`, `:limit` and `$limit` of JupySQL, each in a group of its own.
    for name in (name for found in INSERTED.findall(line + body) for name in found):
        if name and world.names.get(name) is not None:
            world.read(name, node)
    url = URL.match(line)
    if url:
        world.process.database = url[1]
        world.set_component("ipython.extensions", node)
        line = line[url.end() :]
    # %sql --persist frame: the frame becomes a table of its name.
    kept = KEPT.findall(line)
    for name in kept:
        world.read(name, node)
    # `rows << select …` and `rows = << select …` bind a name of the notebook.
    result = RESULT.match(line)
    if result:
        world.bind(
            result[1], frozenset((world.objects.allocate(node, open_=True),)), node
        )
        line = line[result.end() :]
    sql = OPTION.sub(" ", " " + line) + "\n" + body
    if sql.strip() or kept:
        _use_database(world, node, changes=bool(kept) or changes_database(sql))


def _use_database(world: World, node: ast.AST, *, changes: bool) -> None:
    """A database in memory is state of the process, like that of a library; others are
    elsewhere."""
    if IN_MEMORY.match(world.process.database):
        if changes:
            world.patch("sql", node)
        else:
            world.touch("@process.sql", node)
            world.recorder.facts.effects = True
        return
    # Of a server elsewhere nothing can be carried: only the order of its readers and
    # writers.
    world.recorder.facts.effects = True
    file = IN_FILE.match(world.process.database)
    if file:
        touch_file(world, Text(file[1]), node, write=changes)
    else:
        world.touch(DATABASE, node, write=changes)
