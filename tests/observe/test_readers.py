"""Readers in native code tell what they read by way of a table, and stay what they
are."""

from __future__ import annotations

import contextlib
import inspect
import pickle
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.kernel.observe.readers import tables
from jupyter_pipe.kernel.observe.readers.wrapping import ReaderWatch, paths_in_query
from tests.observe.observing import observe, words

# A library of which no audit event tells. `Frozen` is like a class of an extension:
# nothing in it can be set.
LIBRARY = '''
def read(source, columns=None):
    """Reads."""
    return source

def write(table, where): ...
def look(path): ...
def query(text, values=()): ...
def connect(dsn): ...

class File:
    def __init__(self, name, mode="r"):
        self.name = name
    def save(self, path): ...
    @classmethod
    def load(cls, path):
        return cls(path)
    @staticmethod
    def check(path): ...

class Fixed(type):
    def __setattr__(cls, name, value):
        raise TypeError("immutable")

class Frozen(metaclass=Fixed):
    def __new__(cls, path):
        return object.__new__(cls)
    def __init__(self, path): ...
'''
TABLE = {
    "native_files": {
        "reads 0:source": "read gone",
        "writes 1:where": "write",
        "uses 0:path": "look",
        "queries 0:text": "query",
        "mentions 1:values": "query",
        "contacts 0:dsn": "connect",
        "reads 0:name": "File",
        "reads 0:path": "File.load File.check Frozen",
        "writes 0:path": "File.save",
    }
}
CASES = {
    "read('inputs/a.csv')": "content inputs/a.csv",
    "read(source='inputs/a.csv')": "content inputs/a.csv",
    "import pathlib; read(pathlib.Path('inputs/a.csv'), ['x'])": "content inputs/a.csv",
    "read(['inputs/a.csv', 'none.csv'])": "content inputs/a.csv, missing none.csv",
    "read('inputs')": "content inputs/a.csv, content inputs/b.txt, listing inputs",
    "read('inputs/*.csv')": "content inputs/a.csv, listing inputs *.csv",
    "read('dangling/*.csv')": "listing dangling *.csv, missing dangling/c.csv",
    "read('**/*.csv')": (
        "content inputs/a.csv, listing ., listing dangling, listing inputs, missing dangling/c.csv"
    ),
    "read(b'a,b\\n1,2'), read(3), read(None), read('x,y\\n1,2')": "",
    "read('https://user:pw@example.org/a.csv?token=1')": "network https://example.org/a.csv",
    "read('zip://inputs/a.csv!x')": "content inputs/a.csv",
    "write(1, 'out.bin')": "",
    "write(1, where='inputs/a.csv')": "wrote inputs/a.csv",
    "look('inputs/a.csv')": "content inputs/a.csv",
    "query(\"select * from 'inputs/a.csv' where x = 'y'\")": "content inputs/a.csv",
    "query(\"select * from 'inputs/*.csv'\")": "content inputs/a.csv, listing inputs *.csv",
    "query('select 1')": "",
    "query(\"select *\\nfrom 'inputs/a.csv'\\nwhere x\")": "content inputs/a.csv",
    "query('select * from read(?)', ['inputs/a.csv'])": "content inputs/a.csv",
    "query('select * from t where name = ?', values=['Ann', 3])": "",
    "connect('postgresql://me:secret@db.example.org:5432/sales')": (
        "database postgresql://db.example.org:5432/sales"
    ),
    "connect('host=db.example.org password=secret dbname=x')": "database host=db.example.org dbname=x",
    "File('inputs/a.csv')": "content inputs/a.csv",
    "File(name='inputs/a.csv').save('inputs/b.txt')": "content inputs/a.csv, wrote inputs/b.txt",
    "File.load('inputs/a.csv'); File.check('inputs/b.txt')": "content inputs/a.csv, content inputs/b.txt",
    "class Mine(File): pass\nMine('inputs/a.csv')": "content inputs/a.csv",
    "isinstance(Frozen('inputs/a.csv'), Frozen) or 1 / 0": "content inputs/a.csv",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with inputs, and the library installed somewhere else."""
    installed = tmp_path / "site-packages"
    working = tmp_path / "work"
    for name, text in {
        installed / "native_files.py": LIBRARY,
        working / "inputs" / "a.csv": "x",
    }.items():
        name.parent.mkdir(parents=True)
        name.write_text(text)
    (working / "inputs" / "b.txt").write_text("y")
    (working / "dangling").mkdir()
    (working / "dangling" / "c.csv").symlink_to("gone.csv")
    monkeypatch.setattr(tables, "READERS", TABLE)
    monkeypatch.syspath_prepend(str(installed))
    yield working
    sys.modules.pop("native_files", None)


@pytest.mark.parametrize("loaded_before", [True, False])
@pytest.mark.parametrize(("code", "noted"), CASES.items())
def test_a_reader_in_the_table_tells_what_it_reads(
    folder: Path, code: str, noted: str, *, loaded_before: bool
) -> None:
    if loaded_before:
        __import__("native_files")
    expected = sorted(noted.split(", ") if noted else [])
    assert words(observe(folder, f"from native_files import *\n{code}")) == expected


def test_what_is_wrapped_is_found_by_name_and_given_back(folder: Path) -> None:
    module = __import__("native_files")
    original, told = module.read, []
    watch = ReaderWatch(TABLE, lambda verb, values: told.append((verb, values)))
    watch.begin()
    assert module.read is not original
    assert pickle.loads(pickle.dumps(module.read)) is module.read
    assert inspect.signature(module.read) == inspect.signature(original)
    assert module.read.__doc__ == "Reads."
    assert module.read("a", columns=["x"]) == "a"
    assert told == [("reads", ["a"])]
    watch.end()
    assert module.read is original
    assert module.File("b").name == "b"
    assert told == [("reads", ["a"])]


def test_distributions_offer_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = {"h5py": {"uses 0:name": "Special"}, "another": {"reads 0:path": "read"}}
    monkeypatch.setattr(
        tables,
        "find_plugins",
        lambda group: (offered,) if group == "jupyter_pipe.readers" else (),
    )
    found = tables.find_tables()
    assert found["another"] == {"reads 0:path": "read"}
    assert found["h5py"]["uses 0:name"].split() == ["File", "Special"]


@pytest.mark.parametrize("module", tables.READERS)
def test_every_entry_of_our_tables_is_in_the_form(module: str) -> None:
    for phrase, names in tables.READERS[module].items():
        verb, argument = phrase.split()
        position, keyword = argument.split(":")
        assert verb in {"reads", "writes", "uses", "queries", "mentions", "contacts"}
        assert position.isdecimal()
        assert keyword.isidentifier()
        assert names.split()


def test_paths_in_a_query_are_what_looks_like_one() -> None:
    query = "copy (select 'a', 'it''s', \"b.c\" from 'data/*.parquet') to 'out.csv'"
    assert list(paths_in_query(query)) == ["b.c", "data/*.parquet", "out.csv"]


# What is done with a server that listens at PORT -> the name by which it is noted.
TALKING = {
    "socket.create_connection(('localhost', PORT)).close()": "localhost:PORT",
    "socket.create_connection(('127.0.0.1', PORT)).close()": "127.0.0.1:PORT",
    "s = socket.socket(); s.connect(('127.0.0.1', PORT)); s.close()": "127.0.0.1:PORT",
    "s = socket.socket(); s.connect_ex(('127.0.0.1', PORT)); s.close()": "127.0.0.1:PORT",
    "c = http.client.HTTPConnection('localhost', PORT); c.connect(); c.close()": "localhost:PORT",
    "asyncio.run(asyncio.open_connection('127.0.0.1', PORT))": "127.0.0.1:PORT",
    "with contextlib.suppress(OSError): urllib.request.urlopen('http://me:pw@localhost:PORT/a?k=1')": (
        "http://localhost:PORT/a"
    ),
    "s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', PORT)); s.close()": (
        "127.0.0.1:PORT"
    ),
    "with contextlib.suppress(OSError): socket.gethostbyname('none.invalid')": "none.invalid",
    "t = Thread(target=socket.create_connection, args=[('127.0.0.1', PORT)]); t.start(); t.join()": (
        "127.0.0.1:PORT"
    ),
}
MODULES = "from threading import Thread; import asyncio, contextlib, http.client, socket, urllib.request"


@pytest.mark.parametrize(("code", "name"), TALKING.items())
def test_hosts_are_contacts_by_the_name_that_was_used(
    code: str, name: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        threading.Thread(target=_hang_up, args=[server], daemon=True).start()
        observed = observe(tmp_path, f"{MODULES}\n{code.replace('PORT', port)}")
    assert f"network {name.replace('PORT', port)}" in words(observed)
    # A thread that calls the library itself has no line of the cell on its stack.
    assert observed.contacts[0].line == (0 if "Thread" in code else 2)


def _hang_up(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        server.accept()[0].close()
