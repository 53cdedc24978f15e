"""`jupyter pipe trust`: from not believing a store to believing it, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.fingerprint import Fingerprint
from jupyter_pipe.cache.store import Cache, CacheEntry, Latest
from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.keys import KEY_VARIABLE, accepted_keys, key_of, new_key_text
from jupyter_pipe.trust.signatures import sign
from tests.cli.conftest import write_run
from tests.cli.scripted import succeeded_events

RUN = "20261121-100000-aaaa"
FINGERPRINT = Fingerprint(parameters={"n": "1"})


@pytest.fixture
def theirs(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run and a result that somebody else signed."""
    folder = tmp_path / "theirs"
    with monkeypatch.context() as author:
        author.setenv(KEY_VARIABLE, new_key_text())
        write_run(folder, succeeded_events(), RUN)
        executed = folder / "executed.ipynb"
        executed.write_text("{}")
        cache = Cache(folder / ".jupyter_pipe" / "cache")
        entry = CacheEntry(FINGERPRINT, StageResult(), RUN, 1.0, "", 0.0)
        cache.record(entry, pipeline="p", stage="s", executed=executed)
    return folder


def believed(folder: Path) -> tuple[bool, bool, bool]:
    """Whether the run, the result and what is remembered of the stage are believed."""
    cache = Cache(folder / ".jupyter_pipe" / "cache")
    return (
        RunStore(folder).is_own(RUN),
        bool(cache.candidates(FINGERPRINT.key, {})),
        cache.latest("p", "s") is not None,
    )


def test_a_folder_is_believed_until_that_is_taken_back(
    theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert believed(theirs) == (False, False, False)
    assert Cache(theirs / ".jupyter_pipe" / "cache").is_foreign(FINGERPRINT.key)
    assert main(["trust", str(theirs)]) == 0
    assert "1 result, 1 run" in capsys.readouterr().out
    assert believed(theirs) == (True, True, True)
    assert main(["trust", "--list"]) == 0
    assert str(theirs) in capsys.readouterr().out
    assert main(["trust", "--revoke", str(theirs)]) == 0
    assert believed(theirs) == (False, False, False)


@pytest.mark.parametrize("named", [".", "../theirs", ".jupyter_pipe"])
def test_a_folder_has_many_names(
    theirs: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(theirs)
    assert main(["trust", named]) == 0
    assert [each.source for each in accepted_keys()] == [str(theirs)]
    assert main(["trust", "--revoke", named]) == 0
    assert accepted_keys() == ()


def test_what_comes_later_is_not_believed(
    theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["trust", str(theirs)])
    cache = Cache(theirs / ".jupyter_pipe" / "cache")
    (path,) = cache.folder.glob("entries/*/*.json")
    forged = sign("results", path.stem, path.read_bytes(), key=key_of(new_key_text()))
    path.write_bytes(forged)
    assert believed(theirs) == (True, False, True)
    main(["trust", str(theirs)])
    assert believed(theirs) == (True, True, True)
    assert len(accepted_keys()) == 1
    capsys.readouterr()
    main(["trust", str(theirs)])
    assert "Nothing" in capsys.readouterr().out


def test_ones_own_results_outlive_the_trust(theirs: Path) -> None:
    main(["trust", str(theirs)])
    Cache(theirs / ".jupyter_pipe" / "cache").remember("p", "mine", Latest(FINGERPRINT))
    main(["trust", "--revoke", str(theirs)])
    assert Cache(theirs / ".jupyter_pipe" / "cache").latest("p", "mine") is not None


@pytest.mark.parametrize("way", ["text", "file", "stdin"])
def test_a_key_is_believed_everywhere(
    theirs: Path,
    tmp_path: Path,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = new_key_text()
    path = theirs / ".jupyter_pipe" / "runs" / RUN / "run.json"
    path.write_bytes(sign("run", RUN, b'{"run_id": "x"}', key=key_of(text)))
    (tmp_path / "k").write_text(f"{text}\n")
    monkeypatch.setattr("sys.stdin", (tmp_path / "k").open())
    given = {"text": text, "file": str(tmp_path / "k"), "stdin": "-"}[way]
    assert main(["trust", given]) == 0
    assert RunStore(theirs).is_own(RUN)
    capsys.readouterr()
    assert main(["trust", "--list", "--json"]) == 0
    listed = capsys.readouterr().out
    assert text not in listed
    assert [each["id"] for each in json.loads(listed)] == [key_of(text).id]
    monkeypatch.setattr("sys.stdin", (tmp_path / "k").open())
    named = {
        "text": text,
        "file": str(tmp_path / "x" / ".." / "k"),
        "stdin": "-",
        "id": key_of(text).id,
    }
    (tmp_path / "x").mkdir()
    for way_back in named.values():
        assert main(["trust", "--revoke", way_back]) == 0
        assert not RunStore(theirs).is_own(RUN)
        assert main(["trust", text]) == 0


@pytest.mark.parametrize(
    "argv", [[], ["no-such-thing"], ["--revoke", "nothing"], ["--revoke"], ["EMPTY"]]
)
def test_mistakes_are_refused(
    argv: list[str], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    typed = [str(tmp_path / "empty") if word == "EMPTY" else word for word in argv]
    assert main(["trust", *typed]) == 2
    assert capsys.readouterr().err.count("error:") == 1
    assert accepted_keys() == ()


def test_a_new_key_is_a_key(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "--new-key"]) == 0
    key_of(capsys.readouterr().out)
    assert not home.exists()


def test_links_out_of_the_folder_are_not_signed(theirs: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text('{"a": 1}')
    folder = theirs / ".jupyter_pipe" / "cache" / "latest" / "q"
    folder.mkdir(parents=True)
    (folder / "s.json").symlink_to(outside)
    (theirs / ".jupyter_pipe" / "cache" / "latest" / "r").symlink_to(tmp_path)
    main(["trust", str(theirs)])
    assert outside.read_text() == '{"a": 1}'
    assert (folder / "s.json").is_symlink()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"{", b"\xff", b'"text"', b"[" * 100_000]
)
def test_what_is_no_record_is_not_signed(theirs: Path, content: bytes) -> None:
    path = theirs / ".jupyter_pipe" / "effects.json"
    path.write_bytes(content)
    assert main(["trust", str(theirs)]) == 0
    assert path.read_bytes() == content
