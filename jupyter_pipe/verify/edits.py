"""Random edits of what a notebook was seen to read: rows, files, folders, variables,
modules.

`inputs_of` says from observations what there is to edit, `random_edit` draws one edit,
`Edit.make` does it to a folder, and may be asked to do the same to another. Nothing
here runs anything.
"""

from __future__ import annotations

import ast
import os
import random
import re
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath

__all__ = ["Edit", "Inputs", "inputs_of", "random_edit"]

_LARGEST_TEXT = 10 << 20
_NUMBER = re.compile(r"\d+")
_MACHINE = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_.*|TMP|TEMP|TMPDIR|TZ|PYTHON.*|OMP_.*|MKL_.*|OPENBLAS_.*|\*"
)
"""Variables whose change says something of the machine and nothing of the notebook."""


class Inputs(Struct, frozen=True):
    """Paths are relative to the notebook's folder. `files` are data that were read,
    `made` files that the notebook writes itself, `folders` those that were listed
    (folder, pattern), `absent` what was looked for and not there, `modules` code beside
    the notebook."""

    files: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class Edit(Struct, frozen=True):
    """`text` tells of it: `sales.csv: line 3 removed`. `make` does it in a folder,
    `variables` are those of the environment from then on, None for one that is
    unset."""

    text: str
    make: Callable[[Path], None]
    variables: dict[str, str | None] = {}


def _code(every: Iterable[Observations], contents: Iterable[str]) -> set[str]:
    """Modules that were imported, and what is read as text but is Python."""
    imported = {one.path for each in every for one in _below(each.modules)}
    return imported.union(path for path in contents if path.endswith(".py"))


def inputs_of(observed: Iterable[Observations]) -> Inputs:
    """What all stages together read below the notebook's folder."""
    every = tuple(observed)
    written = [one for each in every for one in _below(each.written)]
    read = _read_of_others(every, written)
    contents = {
        one.path for one in read if one.aspect == "content" and not one.appended
    }
    code = _code(every, contents)
    return Inputs(
        files=tuple(sorted(contents - code)),
        made=tuple(sorted({one.path for one in written if one.aspect == "content"})),
        folders=tuple(
            sorted({(one.path, one.pattern) for one in read if one.aspect == "listing"})
        ),
        absent=tuple(sorted({one.path for one in read if one.digest == "missing"})),
        modules=tuple(sorted(code)),
        variables=_variables(every),
    )


def _read_of_others(
    every: Iterable[Observations], written: Iterable[ObservedPath]
) -> list[ObservedPath]:
    """What was read and not written by the notebook itself."""
    made = {one.path for one in written}
    return [one for each in every for one in _below(each.read) if one.path not in made]


def _variables(every: Iterable[Observations]) -> tuple[str, ...]:
    names = {one.name for each in every for one in each.variables}
    return tuple(sorted(name for name in names if not _MACHINE.fullmatch(name)))


def _below(paths: Iterable[ObservedPath]) -> list[ObservedPath]:
    return [one for one in paths if _is_below(one.path)]


def _is_below(path: str) -> bool:
    return not path.startswith(("/", "../")) and ":" not in path[:3]


def random_edit(inputs: Inputs, folder: Path, chance: random.Random) -> Edit | None:
    """One edit of what is in the folder now; None if there is nothing to edit."""
    offers: list[Callable[[], Edit]] = []
    for name in (one for one in inputs.files if (folder / one).is_file()):
        # Weights: edits of rows are what people do most.
        offers += [partial(_change_rows, folder, name, chance)] * 3
        offers += [partial(_remove, name), partial(_touch, name)]
    offers += [
        partial(_remove, name) for name in inputs.made if (folder / name).is_file()
    ]
    offers += [
        partial(_add, folder, name, pattern, chance) for name, pattern in inputs.folders
    ]
    offers += [partial(_write, name, b"", "is there, empty") for name in inputs.absent]
    offers += [
        partial(_change_code, folder, name, chance) for name in inputs.modules
    ] * 2
    offers += [partial(_set, name, chance) for name in inputs.variables] * 2
    return chance.choice(offers)() if offers else None


def _change_rows(folder: Path, name: str, chance: random.Random) -> Edit:
    """One line of a text is removed, repeated, moved or gets another number; of other
    files the last byte goes. The first line stays what it is: it may name the
    columns."""
    data = (folder / name).read_bytes()[:_LARGEST_TEXT]
    lines = data.splitlines(keepends=True)
    if b"\0" in data or len(lines) < 2:
        return _change_text(name, data, chance)
    place = chance.randrange(1, len(lines))
    before, line, after = lines[:place], lines[place], lines[place + 1 :]
    number = _other_number(line.decode("utf-8", "surrogateescape"), chance)
    ways = {
        f"line {place + 1} removed": [*before, *after],
        f"line {place + 1} repeated": [*before, line, line, *after],
        f"line {place + 1} moved to the end": [*before, *after, line],
        f"another number in line {place + 1}": [
            *before,
            number.encode("utf-8", "surrogateescape"),
            *after,
        ],
    }
    what = chance.choice(list(ways))
    return _write(name, b"".join(ways[what]), what)


def _change_text(name: str, data: bytes, chance: random.Random) -> Edit:
    # Not a text: what a changed byte means, nobody knows; a shorter file is surely
    # another one.
    if b"\0" in data:
        return _write(name, data[:-1], "its last byte removed")
    changed = _other_number(data.decode("utf-8", "surrogateescape"), chance)
    return _write(name, changed.encode("utf-8", "surrogateescape"), "another number")


def _other_number(text: str, chance: random.Random) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text.rstrip("\n") + "1\n"
    one = chance.choice(found)
    # Nine digits: Python refuses to convert numbers of thousands of them.
    return f"{text[: one.start()]}{int(one[0][-9:]) + 1}{text[one.end() :]}"


def _change_code(folder: Path, name: str, chance: random.Random) -> Edit:
    """A whole number in the source is larger by one; a module without any gets a
    comment."""
    source = (folder / name).read_text(encoding="utf-8", errors="surrogateescape")
    numbers = [
        node
        for node in _constants(source)
        # Not `isinstance`: True is an int, and `True + 1` is no edit.
        if type(node.value) is int and node.value >= 0
    ]
    if not numbers:
        return _write_text(name, f"{source}\n# edited\n", "has a new comment")
    node = chance.choice(numbers)
    lines = source.splitlines(keepends=True)
    line = lines[node.lineno - 1].encode()
    old = int(str(node.value))
    # Columns of the tree count bytes.
    changed = (
        line[: node.col_offset] + str(old + 1).encode() + line[node.end_col_offset :]
    )
    lines[node.lineno - 1] = changed.decode()
    return _write_text(
        name, "".join(lines), f"{old} -> {old + 1} in line {node.lineno}"
    )


def _constants(source: str) -> list[ast.Constant]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]


def _add(folder: Path, name: str, pattern: str, chance: random.Random) -> Edit:
    """Another file beside those that were found: a copy of one of them."""
    place = folder / name
    known = sorted(
        path
        for path in place.glob(pattern or "*")
        if path.is_file() and not path.name.startswith(".")
    )
    # A copied module or notebook is code that nobody runs.
    known = [path for path in known if path.suffix not in {".py", ".ipynb"}]
    if not known:
        return _write(os.path.join(name, "edited.txt"), b"1\n", "is new")
    one = chance.choice(known)
    new = os.path.normpath(
        os.path.join(name, f"{one.stem}_{chance.randrange(10, 99)}{one.suffix}")
    )
    return _write(new, one.read_bytes(), f"is new, a copy of {one.name}")


def _remove(name: str) -> Edit:
    return Edit(
        f"{name} removed", lambda folder: (folder / name).unlink(missing_ok=True)
    )


def _touch(name: str) -> Edit:
    return Edit(
        f"{name} touched",
        # A new time and the same content: nothing may run again for it.
        lambda folder: os.utime(folder / name) if (folder / name).exists() else None,
    )


def _set(name: str, chance: random.Random) -> Edit:
    value = chance.choice((None, "0", "1", "edited"))
    text = f"{name} unset" if value is None else f"{name}={value}"
    return Edit(text, lambda folder: None, {name: value})


def _write_text(name: str, text: str, what: str) -> Edit:
    return _write(name, text.encode("utf-8", "surrogateescape"), what)


def _write(name: str, data: bytes, what: str) -> Edit:
    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        path.write_bytes(data)

    return Edit(
        f"{name}: {what}" if not what.startswith("is ") else f"{name} {what}", make
    )
