"""Keys: made once, for the user's eyes only; what cannot be believed is not."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe.errors import PipeError
from jupyter_pipe.trust import keys
from jupyter_pipe.trust.keys import (
    KEY_VARIABLE,
    accept_key,
    accepted_keys,
    find_key,
    forget_keys,
    key_of,
    new_key_text,
    signing_key,
)
from jupyter_pipe.trust.signatures import is_signed, sign, unsigned

DOCUMENT = b'{"stages": 3}\n'


@pytest.fixture(autouse=True)
def _notices_again() -> None:
    keys.notify.cache_clear()


def test_the_first_key_is_made_private_and_stays(home: Path) -> None:
    made = signing_key()
    path = home / "jupyter_pipe" / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert signing_key() == made == find_key(made.id)
    assert made.secret.decode() == path.read_text().strip()
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_processes_that_begin_at_once_make_one_key(home: Path) -> None:
    code = "from jupyter_pipe.trust.keys import signing_key; print(signing_key().id)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in processes}) == 1


def test_looking_for_a_key_makes_none(home: Path) -> None:
    assert find_key("0" * 16) is None
    assert not home.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_key_that_others_see_is_not_believed(
    home: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    known = signing_key()
    (home / "jupyter_pipe" / "key").chmod(mode)
    assert find_key(known.id) is None
    assert signing_key() != known
    assert [
        record.getMessage().split(" can be read")[0] for record in caplog.records
    ] == [f"The signing key {home / 'jupyter_pipe' / 'key'}"]


@pytest.mark.parametrize(
    "content", [b"", b"short\n", b"\xff\xfe", b"x" * 40 + b"\n" + b"y" * 40]
)
def test_a_damaged_key_is_said(
    home: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = home / "jupyter_pipe" / "key"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.chmod(0o600)
    assert signing_key() == signing_key()
    assert len(caplog.records) == 1


def test_without_a_place_for_it_a_key_lives_as_long_as_the_process(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("a file where a folder should be")
    with caplog.at_level(logging.WARNING):
        assert signing_key() == signing_key()
    assert len(caplog.records) == 1
    assert KEY_VARIABLE in caplog.records[0].getMessage()


def test_the_environment_comes_first_and_may_hold_several(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = signing_key()
    new, old = new_key_text(), new_key_text()
    monkeypatch.setenv(KEY_VARIABLE, f"{new} {old}")
    assert signing_key() == key_of(new)
    assert [find_key(key_of(text).id) for text in (new, old)] == [
        key_of(new),
        key_of(old),
    ]
    assert find_key(own.id) == own


@pytest.mark.parametrize(
    "text", ["short", "x" * 31, "", "ü" * 40, "with space " * 5, "tab\t" * 20]
)
def test_what_can_be_guessed_is_no_key(text: str) -> None:
    with pytest.raises(PipeError, match="at least 32"):
        key_of(text)


def test_a_bad_variable_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "too-short")
    with pytest.raises(PipeError, match=KEY_VARIABLE) as found:
        signing_key()
    assert "too-short" not in str(found.value)


def test_accepted_keys_are_believed_until_they_are_forgotten(home: Path) -> None:
    theirs = new_key_text()
    signed = sign("cache", "a", DOCUMENT, key=key_of(theirs))
    assert not is_signed("cache", "a", signed)
    accepted = accept_key(theirs, source="a colleague", now=1.0)
    accept_key(theirs, source="the same again", now=2.0)
    assert is_signed("cache", "a", signed)
    assert [each.source for each in accepted_keys()] == ["the same again"]
    assert (
        stat.S_IMODE((home / "jupyter_pipe" / "accepted.json").stat().st_mode) == 0o600
    )
    forget_keys(frozenset({accepted.id}))
    assert not is_signed("cache", "a", signed)


@pytest.mark.parametrize("content", [b"", b"[{}]", b"\xff", b'[{"id": 1}]'])
def test_damaged_accepted_keys_are_none(home: Path, content: bytes) -> None:
    (home / "jupyter_pipe").mkdir(parents=True)
    (home / "jupyter_pipe" / "accepted.json").write_bytes(content)
    assert find_key("0" * 16) is None


def test_a_signature_is_of_one_document_in_one_place(home: Path) -> None:
    signed = sign("cache", "a", DOCUMENT)
    assert json.loads(signed)["stages"] == 3
    assert is_signed("cache", "a", signed)
    assert not is_signed("cache", "b", signed)
    assert not is_signed("run", "a", signed)
    assert unsigned(signed).split() == DOCUMENT.replace(b"}", b" }").split()
    assert not is_signed("cache", "a", DOCUMENT)


def test_every_change_of_a_byte_shows(home: Path) -> None:
    signed = sign("run", "a", DOCUMENT)
    for place in range(len(signed)):
        changed = bytearray(signed)
        changed[place] ^= 1
        assert not is_signed("run", "a", bytes(changed))
    assert not is_signed("run", "a", signed + b" ")
    assert not is_signed("run", "a", signed[:-1])


@pytest.mark.parametrize(
    "document", [b'{"a":{}}', b'{\n  "a": "}"\n}\n', b'{"a":[]}  \n\n']
)
def test_documents_stay_json(home: Path, document: bytes) -> None:
    signed = sign("run", "a", document)
    assert {
        **json.loads(document),
        "signature": json.loads(signed)["signature"],
    } == json.loads(signed)
    assert json.loads(unsigned(signed)) == json.loads(document)


def test_names_of_any_bytes_can_be_signed(home: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    assert is_signed("run", name, sign("run", name, DOCUMENT))
