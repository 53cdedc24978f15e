from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import ArtifactRef, StageResult, StoredPayload
from jupyter_pipe.cache.fingerprint import Fingerprint
from jupyter_pipe.cache.store import Cache, CacheEntry, compiled_path
from jupyter_pipe.cli.main import main
from jupyter_pipe.cli.output import results
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.gc import parse_limits
from jupyter_pipe.events import RunFinished
from jupyter_pipe.model import to_json
from jupyter_pipe.runs import garbage as gc
from jupyter_pipe.runs.garbage import Limits, collect, stored_bytes
from jupyter_pipe.runs.store import RunStore
from tests.cli.conftest import write_run
from tests.cli.scripted import home_value, succeeded_events

IDS = ["20261120-100000-aaaa", "20261121-100000-bbbb", "20261122-100000-cccc"]
DAY = 86400.0


def value(store: RunStore, letter: str, *, age_seconds: float = 2 * DAY) -> str:
    """A stored value of 1,000 bytes."""
    address = letter * 64
    from jupyter_pipe.artifacts.store import Store

    values = Store(store.state_folder)
    path = values.path(address)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(letter.encode() * 1000)
    os.utime(path, (time.time() - age_seconds,) * 2)
    return address


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Three runs; the first two share a value, and each has one of its own."""
    found = RunStore(tmp_path)
    found.artifacts.mkdir(parents=True, mode=0o700)
    shared = value(found, "e")
    for run_id, letter in zip(IDS, "abc", strict=True):
        write_run(tmp_path, succeeded_events(), run_id)
        refs = [value(found, letter), *([shared] if letter in "ab" else [])]
        payloads = tuple(
            StoredPayload(ArtifactRef(ref, ref, 1000), ("x",)) for ref in refs
        )
        folder = found.folder(run_id).stage("ingest")
        folder.mkdir(parents=True)
        (folder / "result.json").write_bytes(to_json(StageResult(outputs=payloads)))
    return found


def stored(store: RunStore) -> set[str]:
    from jupyter_pipe.artifacts.store import Store

    return {address[0] for address, _ in Store(store.state_folder).entries()}


def test_what_kept_runs_refer_to_is_kept(store: RunStore) -> None:
    found = collect(store, Limits(runs=2), now=time.time())
    assert found.runs == (IDS[0],)
    assert store.ids() == (IDS[2], IDS[1])
    assert stored(store) == {"b", "c", "e"}


def test_a_dry_run_removes_nothing(store: RunStore) -> None:
    found = collect(store, Limits(runs=1), now=time.time(), dry_run=True)
    assert len(found.runs) == 2
    assert found.values == 3
    assert found.bytes > 3000
    assert len(store.ids()) == 3
    assert stored(store) == set("abce")


def test_the_newest_run_stays_whatever_the_limits(store: RunStore) -> None:
    collect(store, Limits(runs=0, seconds=0, bytes=0), now=time.time() + 10**9)
    assert store.ids() == (IDS[2],)


def test_young_values_stay_for_whoever_is_about_to_refer_to_them(
    store: RunStore,
) -> None:
    value(store, "f", age_seconds=60)
    value(store, "d")
    collect(store, Limits(runs=3), now=time.time())
    assert stored(store) == set("abcef")


def test_a_size_keeps_the_newest_runs_that_fit(store: RunStore) -> None:
    whole = collect(store, Limits(runs=0), now=time.time(), dry_run=True).bytes
    found = collect(store, Limits(bytes=whole), now=time.time(), dry_run=True)
    assert found.runs == (IDS[0],)


def entry(store: RunStore, letter: str) -> None:
    """A result that could be reused, with one value."""
    result = StageResult(
        outputs=(
            StoredPayload(ArtifactRef(value(store, letter), letter, 1000), ("x",)),
        )
    )
    executed = store.root / "executed.ipynb"
    executed.write_text("{}")
    kept = CacheEntry(Fingerprint(code={"a": letter}), result, IDS[0], 1.0, "", 0.0)
    Cache(store.state_folder / "cache").record(
        kept, pipeline="p", stage=letter, executed=executed
    )


def begin_run(tmp_path: Path) -> None:
    events = [
        event for event in succeeded_events() if not isinstance(event, RunFinished)
    ]
    write_run(tmp_path, events, "20261123-100000-dddd")


def test_while_a_run_goes_on_it_and_what_it_could_reuse_are_kept(
    store: RunStore, tmp_path: Path
) -> None:
    entry(store, "d")
    value(store, "f")
    begin_run(tmp_path)
    found = collect(store, Limits(runs=0), now=time.time())
    assert set(found.runs) == set(IDS)
    assert found.results == 0
    assert stored(store) == {"d"}


def test_a_run_that_begins_meanwhile_keeps_the_values(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry(store, "d")
    remove = gc._remove

    def slowly(path: Path) -> None:
        if not (store.runs_folder / "20261123-100000-dddd").exists():
            begin_run(tmp_path)
        remove(path)

    monkeypatch.setattr(gc, "_remove", slowly)
    found = collect(store, Limits(runs=1), now=time.time())
    assert (len(found.runs), found.results, found.values) == (2, 1, 0)
    assert stored(store) == set("abcde")


def test_what_was_left_behind_goes(store: RunStore) -> None:
    state = store.state_folder
    notebook = store.read(IDS[2]).facts.notebook
    old = [
        compiled_path(state, "/elsewhere/n.ipynb"),
        store.artifacts / ".writing-1-2",
        state / "work" / "w" / "file",
    ]
    kept = [
        compiled_path(state, notebook),
        compiled_path(state, "/new.ipynb"),
        state / "work" / "v" / "file",
    ]
    for path in (*old, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
    for path in (*old, old[2].parent, kept[0]):
        os.utime(path, (time.time() - 10 * DAY,) * 2)
    collect(store, Limits(runs=3), now=time.time())
    assert [path.exists() for path in (*old, *kept)] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("texts", "limits"),
    [
        (["20"], Limits(runs=20)),
        (["30d", "5GB"], Limits(seconds=30 * DAY, bytes=5 * 10**9)),
        (["1.5h"], Limits(seconds=5400)),
    ],
)
def test_limits(texts: list[str], limits: Limits) -> None:
    assert parse_limits(texts) == limits


def test_the_command_says_what_went(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gc", "--keep", "1"]) == 0
    assert capsys.readouterr().out.startswith("Removed 2 runs, 0 results, 3 values: ")
    assert main(["gc"]) == 0
    assert capsys.readouterr().out == "Nothing to remove.\n"
    assert main(["gc", "--keep", "soon"]) == 2


def test_after_a_run_that_stored_something_a_full_store_is_news(
    store: RunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.read(IDS[-1])
    assert stored_bytes(store) == 4000
    for largest, is_news in ((4000, False), (3000, True)):
        monkeypatch.setattr(results, "LARGEST_STORE_BYTES", largest)
        results.write_results(
            Namespace(html=None, junit=None),
            Terminal(colour=False),
            store,
            run,
            home_value(),
        )
        assert (
            "Stored values take 4.0 kB. To remove" in capsys.readouterr().out
        ) == is_news
