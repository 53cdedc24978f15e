"""What a stage as a whole notes: its cells, what it got from earlier stages, how it
ends."""

from __future__ import annotations

import json
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe import kernel
from jupyter_pipe.kernel.context import parse_context
from jupyter_pipe.kernel.failure import write_failure
from jupyter_pipe.kernel.observe.observer import Observer
from jupyter_pipe.kernel.session import Session
from tests.observe.observing import observe, words


def test_the_first_touch_has_the_cell_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    reading = "def read(name):\n    return open(name).read()\n"
    observed = observe(tmp_path, reading, "x = 1\n\nread('a.csv')", "read('a.csv')")
    [read] = observed.read
    assert (read.cell_id, read.line) == ("c2", 3)


def test_what_is_overwritten_after_it_was_read_counts_as_it_was(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "n.txt").write_text("1")
    observed = observe(
        tmp_path,
        "n = int(open('n.txt').read())",
        "open('n.txt', 'w').write(str(n + 1))",
    )
    assert observed.read[0].digest == hashlib.sha256(b"1").hexdigest()
    assert (tmp_path / "n.txt").read_text() == "2"


@pytest.mark.parametrize(
    "change",
    [
        "os.replace('new', 'a')",
        "os.remove('a')",
        "os.truncate('a', 0)",
        "os.utime('a', (1, 1))",
        "os.system('echo 2 > a')",
    ],
)
def test_whatever_ends_a_content_that_was_read_it_is_digested_before(
    tmp_path: Path, change: str
) -> None:
    (tmp_path / "a").write_text("1")
    observed = observe(
        tmp_path, "import os\nopen('new', 'w').write('2')\nopen('a').read()", change
    )
    [read] = [one for one in observed.read if one.path == "a"]
    assert len(read.digest) == 64


def test_variables_that_earlier_stages_set_are_no_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_X", "1")
    assert (
        words(observe(tmp_path, "import os; os.environ['SET_X']", given=("SET_X",)))
        == []
    )


def test_a_secret_is_not_shown_and_its_digest_cannot_be_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2")
    monkeypatch.setenv("MODE", "on")
    observed = observe(
        tmp_path, "import os; os.environ['API_TOKEN'], os.environ['MODE']"
    )
    shown = {one.name: one.shown for one in observed.variables}
    assert shown == {"API_TOKEN": "", "MODE": "on"}
    assert "hunter2" not in str(observed)


def test_the_environment_as_a_whole_is_one_entry_for_all_and_one_for_each(
    tmp_path: Path,
) -> None:
    names = {
        one.name for one in observe(tmp_path, "import os; dict(os.environ)").variables
    }
    assert "*" in names
    assert "PATH" in names
    assert not names & {"PWD", "TERM", "SHLVL"}


def test_forked_processes_do_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    code = "import os\nif os.fork() == 0:\n    open('b', 'w').close(); os._exit(0)\nos.wait(); open('a').read()"
    assert "content a" in words(observe(tmp_path, code))


def test_outside_of_a_stage_everything_is_what_it_was(tmp_path: Path) -> None:
    before = (os.stat, os.lstat, os.access, [*sys.meta_path], os.supports_fd.copy())
    observe(tmp_path, "import os; os.path.exists('x'); os.environ.get('X')")
    assert (
        *(os.stat, os.lstat, os.access),
        [*sys.meta_path],
        os.supports_fd.copy(),
    ) == before


def test_what_is_wrapped_behaves_as_it_did(tmp_path: Path) -> None:
    code = """
        import os, pickle, shutil
        assert pickle.loads(pickle.dumps(os.stat)) is os.stat
        assert os.stat in os.supports_fd and os.stat in os.supports_follow_symlinks
        assert type(os.environ).__name__ == '_Environ' and isinstance(os.environ, os._Environ)
        class A: look = os.stat
        assert A().look('.').st_mode == os.stat('.').st_mode
        try: os.environ['NONE_SUCH']
        except KeyError as error: assert error.args == ('NONE_SUCH',)
        try: os.stat('none')
        except FileNotFoundError as error: assert error.filename == 'none'
        os.stat(0), os.stat(b'.'), os.stat(path='.')
        shutil.copystat('.', '.')
        ok = True
    """
    observer = observe(tmp_path, code + "    open('ok', 'w').close()")
    assert (tmp_path / "ok").exists()
    assert observer.complete
    assert pickle.loads(pickle.dumps(os.stat)) is os.stat


def test_what_goes_wrong_while_observing_does_not_reach_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace: dict[str, Any] = {}
    observer = Observer(namespace, str(tmp_path))
    monkeypatch.setattr(observer._files.notes, "_note", lambda *_: 1 / 0)
    observer.begin()
    try:
        with open(tmp_path / "a", "w") as file:
            namespace.update(file=file, name=file.name)
            exec(
                compile("file.write('x'); open(name).read()", "<cell>", "exec"),
                namespace,
            )
    finally:
        observer.stop()
    assert observer.report()["complete"] is False
    assert observer.problems == ["ZeroDivisionError: division by zero"]
    observer.remove()


def test_imports_are_noted_where_the_ambient_state_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its finder stands between the user's import and the file that is opened."""
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("from_a_bundle.py", "")
    namespace: dict[str, Any] = {}
    session = Session(
        parse_context({"store": str(tmp_path / "store"), "workdir": str(tmp_path)}),
        namespace,
    )
    monkeypatch.syspath_prepend(str(tmp_path / "bundle.zip"))
    session.begin()
    session.enter()
    exec(compile("import from_a_bundle", "<cell>", "exec"), namespace)
    observed = session.store_outputs(())["observed"]
    assert [one["path"] for one in observed["modules"]] == ["bundle.zip"]


def test_a_stage_that_fails_leaves_what_it_had_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = {
        "store": str(tmp_path / "store"),
        "workdir": str(tmp_path),
        "code_cells": {"c": 4},
    }
    namespace: dict[str, Any] = {}
    session = Session(parse_context(context), namespace)
    monkeypatch.setattr(kernel, "_sessions", [session])
    session.begin()
    session.enter(4)
    with pytest.raises(FileNotFoundError):
        exec(compile(f"open({str(tmp_path / 'none')!r})", "<cell>", "exec"), namespace)
    write_failure(str(tmp_path / "failure.json"), [], str(tmp_path))
    session.observer.remove()
    session.ambience.leave()
    observed = json.loads((tmp_path / "failure.json").read_text())["observed"]
    assert [
        (one["path"], one["digest"], one["cell_id"]) for one in observed["read"]
    ] == [("none", "missing", "c")]
