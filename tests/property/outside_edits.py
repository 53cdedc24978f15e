"""What happens between two runs of a `Scene`: random edits of its files, modules,
variables, day and code.

Pure but for `Edit.make`, which writes below a folder.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.property.outside import CODE, Scene, fill, write_archive, write_database
from tests.property.outside_idioms import FILES, MADE, READERS, VARIABLES

__all__ = ["Edit", "random_edit", "random_file_edit"]


@dataclass(frozen=True)
class Edit:
    """Something that happens between two runs, told in `text`. `make` does it to a
    folder, and may be done to several; it has changed the scene itself already."""

    text: str
    make: Callable[[Path], None]


def random_edit(scene: Scene, chance: random.Random) -> Edit:
    """Changes the scene, and says what is to be done to its files."""
    return chance.choice((*_FILE_EDITS, *_OTHER_EDITS))(scene, chance)


def random_file_edit(scene: Scene, chance: random.Random) -> Edit:
    """One that leaves the scene as it is, and so may happen at any moment."""
    return chance.choice(_FILE_EDITS)(scene, chance)


def _nothing(scene: Scene, chance: random.Random) -> Edit:
    return Edit("nothing", lambda folder: None)


def _change_file(scene: Scene, chance: random.Random) -> Edit:
    name, text = chance.choice(FILES), str(chance.randint(10, 99))
    return Edit(f"{name} becomes {text}", lambda folder: _write(folder / name, text))


def _touch_file(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(FILES)
    return Edit(f"touch {name}", lambda folder: _touch(folder / name))


def _add_file(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(
        (
            "inputs/new.txt",
            "inputs/deep/new.txt",
            "inputs/other.log",
            "conf.ini",
            "extra.py",
            "own/new.txt",
        )
    )
    text = "" if name.endswith((".ini", ".py")) else str(chance.randint(10, 99))
    return Edit(f"add {name}", lambda folder: _write(folder / name, text))


def _delete_file(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice((*FILES[:3], "inputs/new.txt", "extra.py", "conf.ini"))
    return Edit(f"delete {name}", lambda folder: _remove(folder / name))


def _delete_made(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(MADE)
    return Edit(f"delete {name}", lambda folder: _remove(folder / name))


def _change_made(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(MADE)
    return Edit(f"{name} becomes 7", lambda folder: _write(folder / name, "7"))


def _rename_file(scene: Scene, chance: random.Random) -> Edit:
    old, new = chance.choice(
        (("inputs/a.txt", "inputs/z.txt"), ("inputs/z.txt", "inputs/a.txt"))
    )
    return Edit(
        f"{old} becomes {new}", lambda folder: _rename(folder / old, folder / new)
    )


def _set_variable(scene: Scene, chance: random.Random) -> Edit:
    name, value = chance.choice(VARIABLES), chance.choice(("on", "off", "3"))
    scene.environment = {**scene.environment, name: value}
    return Edit(f"{name}={value}", lambda folder: None)


def _unset_variable(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(VARIABLES)
    scene.environment = {
        key: value for key, value in scene.environment.items() if key != name
    }
    return Edit(f"unset {name}", lambda folder: None)


def _edit_module(scene: Scene, chance: random.Random) -> Edit:
    value = chance.randint(10, 99)
    name = chance.choice(sorted(CODE))
    text = CODE[name].format(value=value)
    return Edit(f"{name} becomes {value}", lambda folder: _write(folder / name, text))


def _change_package(scene: Scene, chance: random.Random) -> Edit:
    name, value = (
        chance.choice(("pack/data.txt", "pack/more.py")),
        str(chance.randint(10, 99)),
    )
    return Edit(f"{name} becomes {value}", lambda folder: _write(folder / name, value))


def _shadow(scene: Scene, chance: random.Random) -> Edit:
    """A package of the same name comes before a module."""
    value = chance.randint(10, 99)
    if chance.random() < 0.5:
        return Edit(
            "remove plug/",
            lambda folder: shutil.rmtree(folder / "plug", ignore_errors=True),
        )
    text = CODE["plug.py"].format(value=value)
    return Edit(
        f"plug/ comes with {value}",
        lambda folder: _write(folder / "plug" / "__init__.py", text),
    )


def _same_time(scene: Scene, chance: random.Random) -> Edit:
    name, text = chance.choice(FILES), str(chance.randint(10, 99))
    return Edit(
        f"{name} becomes {text}, at the same time",
        lambda folder: _write_back(folder / name, text),
    )


def _older(scene: Scene, chance: random.Random) -> Edit:
    name, text = chance.choice(FILES), str(chance.randint(10, 99))
    return Edit(
        f"{name} becomes an older {text}",
        lambda folder: _put_older(folder / name, text),
    )


def _empty(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(FILES)
    return Edit(f"{name} is empty", lambda folder: _write(folder / name, ""))


def _relink(scene: Scene, chance: random.Random) -> Edit:
    target = chance.choice(("inputs/a.txt", "inputs/b.txt", "note.txt", "nowhere.txt"))
    return Edit(
        f"link.txt -> {target}", lambda folder: _link(folder / "link.txt", target)
    )


def _relink_folder(scene: Scene, chance: random.Random) -> Edit:
    target = chance.choice(("inputs", "inputs/deep", "out"))
    return Edit(f"linked -> {target}", lambda folder: _link(folder / "linked", target))


def _replace_link(scene: Scene, chance: random.Random) -> Edit:
    text = str(chance.randint(10, 99))
    return Edit(
        f"link.txt is a file, {text}",
        lambda folder: _put_older(folder / "link.txt", text),
    )


def _turn_into_folder(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(("inputs/b.txt", "inputs/new.txt"))
    return Edit(f"{name} becomes a folder", lambda folder: _make_folder(folder / name))


def _remove_folder(scene: Scene, chance: random.Random) -> Edit:
    return Edit(
        "remove inputs/deep",
        lambda folder: shutil.rmtree(folder / "inputs/deep", ignore_errors=True),
    )


def _change_archive(scene: Scene, chance: random.Random) -> Edit:
    value = chance.randint(10, 99)
    return Edit(f"data.zip holds {value}", lambda folder: write_archive(folder, value))


def _next_day(scene: Scene, chance: random.Random) -> Edit:
    scene.day += 1
    return Edit("the next day", lambda folder: None)


def _change_database(scene: Scene, chance: random.Random) -> Edit:
    value = chance.randint(10, 99)
    return Edit(f"data.db holds {value}", lambda folder: write_database(folder, value))


def _edit_code(scene: Scene, chance: random.Random) -> Edit:
    place = chance.randrange(len(scene.cells))
    stage, source = scene.cells[place]
    scene.cells[place] = (stage, f"{source}\nprint({chance.randint(10, 99)})")
    return Edit(f"the code of {stage}", lambda folder: None)


def _rewrite_cell(scene: Scene, chance: random.Random) -> Edit:
    place = chance.randrange(len(scene.cells))
    stage, _ = scene.cells[place]
    if stage != "begin":
        scene.cells[place] = (
            stage,
            fill(chance.choice(READERS[chance.choice(sorted(READERS))]), chance),
        )
    return Edit(f"another {stage}", lambda folder: None)


_FILE_EDITS: tuple[Callable[[Scene, random.Random], Edit], ...] = (
    *(
        _change_file,
        _change_file,
        _change_file,
        _touch_file,
        _add_file,
        _delete_file,
        _delete_made,
    ),
    *(
        _change_made,
        _rename_file,
        _edit_module,
        _edit_module,
        _change_database,
        _change_package,
        _shadow,
    ),
    *(
        _same_time,
        _older,
        _empty,
        _relink,
        _relink_folder,
        _replace_link,
        _turn_into_folder,
    ),
    *(_remove_folder, _change_archive),
)
_OTHER_EDITS: tuple[Callable[[Scene, random.Random], Edit], ...] = (
    *(
        _nothing,
        _set_variable,
        _set_variable,
        _unset_variable,
        _next_day,
        _edit_code,
        _rewrite_cell,
    ),
)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.write_text(text)


def _write_back(path: Path, text: str) -> None:
    """In place, and with the time that the file had."""
    if path.is_file():
        status = path.stat()
        path.write_text(text)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _put_older(path: Path, text: str) -> None:
    """Another file, from long ago, takes the name."""
    if path.is_file() or path.is_symlink():
        _write(path.with_name("older"), text)
        os.utime(path.with_name("older"), (1_700_000_000, 1_700_000_000))
        os.replace(path.with_name("older"), path)


def _make_folder(path: Path) -> None:
    _remove(path)
    path.mkdir(parents=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _touch(path: Path) -> None:
    if path.exists():
        os.utime(path)


def _rename(old: Path, new: Path) -> None:
    if old.exists():
        os.replace(old, new)
