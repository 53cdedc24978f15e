"""Files: paths that calls read and write become names of the data flow, `file:a.csv` or
`file:out/*.csv`."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.environment import START, Slot
from jupyter_pipe.analysis.world.heap import NOTHING, Object, Text, Values
from jupyter_pipe.analysis.world.world import FOLDER
from jupyter_pipe.file_names import FILE, is_pattern, may_be_same

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.knowledge import Argument, CallEffect
    from jupyter_pipe.analysis.world.world import World

__all__ = [
    "FLEETING",
    "enter_folder",
    "file_name",
    "make_folder",
    "make_temporary_folder",
    "open_file",
    "touch_below",
    "touch_file",
    "touch_files",
    "touch_name",
    "touch_temporary_folders",
]

MAKES_FOLDER = frozenset({"mkdir", "makedirs"})
ENTERS_FOLDER = frozenset({"chdir"})
TEMPORARY = "/temporary/"
"""Where temporary folders seem to be. Each is one thing, whatever it holds: names in it
may be made by anybody who is given its path."""
FLEETING = "/temporary/fleeting-"
"""Those that are removed when their process ends."""
FOREIGN = (
    "http://",
    "https://",
    "ftp://",
    "s3://",
    "gs://",
    "gcs://",
    "az://",
    "hdfs://",
    "sqlite://",
)
LOCAL = ("file://", "sqlite:///", "duckdb:///")
STARS = re.compile(r"\*\*+")
HANDLE = ".file of"
"""What an open file, archive or database is called that holds the paths it is over."""
LOOKS = re.compile(
    r"\s*(select|with|values|pragma|explain|show|describe)\b(?!.*\binto\b)", re.I | re.S
)
SUFFIXES = {
    "numpy.save": ".npy",
    "numpy.savez": ".npz",
    "numpy.savez_compressed": ".npz",
    "matplotlib.pyplot.savefig": ".png",
    "savefig": ".png",
}
"""What these append to a path without a suffix."""
SQL = frozenset({"execute", "executemany", "executescript", "sql", "query"})
OVER = 3
"""How far a cursor may be from the database that it is of."""


def file_name(path: str) -> str:
    """The name under which a path flows: relative to the notebook, normalised."""
    for prefix in LOCAL:
        # "a//b", "./a" and "x/../a" are the same file, "**" and "*" the same pattern.
        path = path.removeprefix(prefix)
    return FILE + STARS.sub("*", posixpath.normpath(path.replace("\\", "/")))


def touch_files(
    world: World,
    effect: CallEffect,
    arguments: Arguments,
    receiver: Object | None,
    qualified: str = "",
) -> None:
    """Uses the files that the call reads and writes, as far as their names can be
    told."""
    node = arguments.node
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    suffix = SUFFIXES.get(qualified or name, "")
    # mkdir of a folder that is there writes nothing, and only needs the folder.
    if name in MAKES_FOLDER or name in ENTERS_FOLDER:
        _use_folder(world, name, arguments, receiver)
        return
    # `lib.convert(folder)`: no table says what it does with the path.
    if not _names_files(effect):
        touch_temporary_folders(world, arguments.every(), node)
    # cursor.execute("select …") reads the database, "insert …" writes it; both are one
    # entry of the tables.
    looks = name in SQL and _looks(arguments)
    for wanted in effect.reads_files:
        _touch(world, _pick(wanted, arguments, receiver), node, write=False)
    for wanted in effect.reads_folders:
        _touch_below(world, wanted, arguments, receiver, write=False)
    for wanted in effect.opens_files:
        _open(world, wanted, arguments, receiver)
    for wanted in effect.writes_files:
        picked = _pick(wanted, arguments, receiver)
        whole = not _appends(arguments)
        _touch(world, picked, node, write=not looks, whole=whole, suffix=suffix)
    for wanted in effect.writes_folders:
        _touch_below(world, wanted, arguments, receiver, write=True)


def _names_files(effect: CallEffect) -> bool:
    files = (*effect.reads_files, *effect.writes_files, *effect.opens_files)
    return bool((*files, *effect.reads_folders, *effect.writes_folders))


def _pick(wanted: Argument, arguments: Arguments, receiver: Object | None) -> Values:
    if wanted.position == -1:
        return frozenset((receiver,)) if receiver is not None else NOTHING
    return arguments.pick(wanted)


def _touch_below(
    world: World,
    wanted: Argument,
    arguments: Arguments,
    receiver: Object | None,
    *,
    write: bool,
) -> None:
    """What a folder holds; a folder that is not given is the working one."""
    # `os.listdir()` and `shutil.make_archive(base, "zip")` mean the working folder.
    given = wanted.position == -1 or arguments.given(wanted) or arguments.rest
    for value in (
        _pick(wanted, arguments, receiver) if given else (world.objects.text("."),)
    ):
        for path in _paths(value):
            if write:
                touch_file(world, path, arguments.node, write=True)
            touch_below(world, path, arguments.node, write=write)


def touch_below(world: World, folder: Text, node: ast.AST, *, write: bool) -> None:
    """Reads or writes anything in a folder."""
    path = posixpath.normpath(folder.value)
    if path.startswith(TEMPORARY):
        touch_file(world, folder, node, write=write)
    elif path == ".":
        touch_name(world, f"{FILE}*", node, write=write)
    elif not _is_vague(folder):
        touch_file(world, Text(f"{path}/*", exact=False), node, write=write)


def _open(
    world: World, wanted: Argument, arguments: Arguments, receiver: Object | None
) -> None:
    """`open(path, mode)` and `path.open(mode)`: the mode decides."""
    picked = _pick(wanted, arguments, receiver)
    place = (wanted.position or 0) + 1
    mode = getattr(arguments.keyword_node("mode"), "value", None) or arguments.literal(
        place
    )
    mode = mode if isinstance(mode, str) else "r"
    # "r+" and "w+" read as well, but what is written there has to reach later stages.
    writes = bool(set(mode) & set("wxa+"))
    _touch(
        # "a" keeps what was there, so the stage also reads what was written before.
        world,
        picked,
        arguments.node,
        write=writes,
        whole="w" in mode or "x" in mode,
    )


def _looks(arguments: Arguments) -> bool:
    """Whether all that may be the statement of a database call only asks."""
    statements = [
        value.payload for values in arguments.positional[:1] for value in values
    ]
    texts = [statement for statement in statements if isinstance(statement, Text)]
    return (
        bool(texts)
        and len(texts) == len(statements)
        and all(LOOKS.match(text.value) for text in texts)
    )


def _use_folder(
    world: World, name: str, arguments: Arguments, receiver: Object | None
) -> None:
    itself = frozenset((receiver,)) if receiver is not None else NOTHING
    for value in itself | arguments.every():
        if isinstance(value.payload, Text):
            use = make_folder if name in MAKES_FOLDER else enter_folder
            use(world, value.payload, arguments.node)


def make_folder(world: World, path: Text, node: ast.AST) -> None:
    """A write, unless the notebook has made it before."""
    # A second `mkdir("out", exist_ok=True)` changes nothing: it needs the first.
    known = world.names.get(file_name(path.value)) is not None
    touch_file(world, path, node, write=not known)


def enter_folder(world: World, path: Text, node: ast.AST) -> None:
    """From here on relative paths are those of this folder, which must be there if the
    notebook makes it."""
    name = file_name(path.value)
    known = path.exact and world.names.get(name) is not None
    # os.chdir(folder) to a folder the notebook did not make: later paths are as given.
    world.process.working_folder = name if known else ""
    if known:
        world.touch(name, node)


def _appends(arguments: Arguments) -> bool:
    mode = arguments.keyword_node("mode")
    return getattr(mode, "value", None) in {"a", "r+", "x+a"}


def _touch(
    world: World,
    values: Values,
    node: ast.AST,
    *,
    write: bool,
    whole: bool = False,
    suffix: str = "",
) -> None:
    """Reads or writes the files that the values name: texts, and objects that hold a
    path. `numpy.save("a")` means `a.npy`, hence `suffix`."""
    for value in values:
        direct = isinstance(value.payload, Text)
        for path in _paths(value):
            ends = not suffix or posixpath.splitext(path.value)[1]
            named = path if ends else Text(path.value + suffix, path.exact)
            # A path that was reached through a list or a handle may be one of several:
            # none is certain to be replaced.
            touch_file(world, named, node, write=write, whole=whole and direct)
            if not write and direct:
                _touch_held(world, path, node)


def _paths(value: Object, depth: int = OVER) -> Iterator[Text]:
    """The paths that a value is, holds as a list does, or is open over."""
    if isinstance(value.payload, Text):
        yield value.payload
        return
    # `connection.cursor()` is over the database, and so is what the cursor gives.
    held = value.fields.get(HANDLE, set())
    if not held and value.type in {"builtins.list", "builtins.tuple"}:
        held = {
            # Labels of elements are `[0]`, of any element `*`; others are attributes.
            part
            for label, parts in value.fields.items()
            if label[0] in "[*"
            for part in parts
        }
    elif not held and depth:
        held = value.fields.get("receiver", set())
    for part in sorted(held, key=lambda part: part.serial) if depth else ():
        yield from _paths(part, depth - 1)


def _touch_held(world: World, path: Text, node: ast.AST) -> None:
    """Who reads a folder as one file reads what was written into it:
    `read_parquet("parts")`."""
    start = file_name(path.value) + "/"
    # Only where the notebook itself wrote below: a data folder beside it is one input.
    if path.exact and any(name.startswith(start) for name in world.process.files):
        touch_below(world, path, node, write=False)


def touch_file(
    world: World, path: Text, node: ast.AST, *, write: bool, whole: bool = True
) -> None:
    """Reads or writes one file, or one of those that a computed path may mean."""
    local = path.value.startswith(LOCAL)
    # "\n": a text that is data, as in pd.read_csv(StringIO(text)), and no path.
    if (
        (path.value.startswith(FOREIGN) and not local)
        or "\n" in path.value
        or ":memory:" in path.value
    ):
        return
    if path.value.startswith(TEMPORARY):
        world.touch(_temporary_folder(path), node, write=write)
    elif not _is_vague(path):
        touch_name(
            # `whole` takes the earlier writers away, so it must be certain which file
            # it is.
            world,
            file_name(path.value),
            node,
            write=write,
            whole=whole and path.exact,
        )


def _is_vague(path: Text) -> bool:
    """Nothing but computed parts: what such a path means is seen when the stage
    runs."""
    return not path.exact and not any(letter.isalnum() for letter in path.value)


def touch_name(
    world: World, name: str, node: ast.AST, *, write: bool, whole: bool = False
) -> None:
    """Reads or writes the file, or any of the files, of this name."""
    # A relative path means something else after os.chdir.
    if not posixpath.isabs(name.removeprefix(FILE)):
        world.touch(FOLDER, node)
    _touch_folders(world, name, node)
    if not write:
        _read_some(world, name, node)
    # "out/*.csv" written: files of earlier writers may still be there beside the new
    # ones.
    if write and is_pattern(name):
        _write_some(world, name, node)
    else:
        world.touch(name, node, write=write, whole=whole)
    if write:
        world.process.files.add(name)


def _read_some(world: World, name: str, node: ast.AST) -> None:
    """Uses what was written under other names that may be the same."""
    for known in sorted(world.process.files):
        if known == name or not may_be_same(known, name):
            continue
        slot = world.names.get(known)
        # Two patterns that may overlap: the reader takes the sources of the other as
        # its own.
        if is_pattern(known) and slot is not None:
            world.record(name, slot, node)
        else:
            world.touch(known, node)


def _write_some(world: World, name: str, node: ast.AST) -> None:
    """Writes files that a pattern stands for, of which others may have written others
    before."""
    slot = world.names.get(name) or Slot(NOTHING, frozenset((START,)))
    world.names.set(name, Slot(NOTHING, slot.sources | {world.recorder.unit}))
    world.recorder.facts.bound.setdefault(name, world.place_of(node))


def _touch_folders(world: World, name: str, node: ast.AST) -> None:
    """A file in a folder that the notebook makes needs the folder."""
    folder, _, _ = name.rpartition("/")
    while folder:
        if "*" not in folder and world.names.get(folder) is not None:
            world.touch(folder, node)
        folder, _, _ = folder.rpartition("/")


def make_temporary_folder(world: World, node: ast.AST, *, fleeting: bool) -> Object:
    """The path of a new folder, whose name nobody knows before."""
    start = FLEETING if fleeting else TEMPORARY
    # The same statement in a loop gets one folder: else the fixed point is never
    # reached.
    number = world.process.temporary.setdefault(
        (world.recorder.unit, node), len(world.process.temporary) + 1
    )
    world.touch(f"{FILE}{start}{number}", node, write=True, whole=True)
    return world.objects.text(f"{start}{number}")


def touch_temporary_folders(world: World, values: Values, node: ast.AST) -> None:
    """A call of which we do not know what it does with a path may do anything in a
    temporary folder."""
    if world.process.temporary:
        for value in values | world.heap.elements(values):
            if isinstance(value.payload, Text) and value.payload.value.startswith(
                TEMPORARY
            ):
                touch_file(world, value.payload, node, write=True)


def _temporary_folder(path: Text) -> str:
    return file_name(
        TEMPORARY + path.value.removeprefix(TEMPORARY).partition("/")[0].rstrip("*")
    )


def open_file(
    world: World, effect: CallEffect, result: Object, arguments: Arguments
) -> None:
    """An open file, archive or database remembers its path, so that what goes through
    it is known."""
    for wanted in effect.opens_files:
        if wanted.position != -1:
            world.heap.store(result, HANDLE, arguments.pick(wanted))
