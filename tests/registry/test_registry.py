"""Versions, aliases and what happens to them when somebody is killed in between."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.errors import RegistryError, UntrustedError
from jupyter_pipe.registry import Registry, moves, open_registry, parse_reference
from jupyter_pipe.registry.lineage import read_lineage
from jupyter_pipe.registry.making import Subject
from jupyter_pipe.scoring.bundle import load_bundle
from jupyter_pipe.scoring.scorer import plain_predictions
from tests.registry.conftest import KilledError
from tests.registry.models import register

Kill = Callable[[int], None]


def aliases(registry: Registry) -> dict[str, int]:
    return registry.aliases("homes")


def predictions(registry: Registry, which: str | int) -> bytes:
    bundle = load_bundle(_bundle(registry, which))
    return json.dumps(
        plain_predictions(bundle.scorer.score_records(bundle.manifest.golden))
    ).encode()


def _bundle(registry: Registry, which: str | int) -> Path:
    found = registry.resolve("homes", which).bundle
    assert found is not None
    return found


def test_versions_are_listed_newest_first_and_a_run_is_registered_once(
    filled: Registry, subjects: dict[str, Subject]
) -> None:
    again = register(filled, subjects["good"])
    assert [(each.number, each.run_id) for each in filled.versions("homes")] == [
        (2, "r-good"),
        (1, "r-bad"),
    ]
    assert again.number == 2
    assert again.aliases == ("challenger",)
    assert filled.names() == ("homes",)


def test_rollback_gives_the_former_predictions_bit_for_bit(filled: Registry) -> None:
    filled.point_champion("homes", 1)
    before = predictions(filled, "champion")
    filled.point_champion("homes", 2)
    assert predictions(filled, "champion") != before
    filled.rollback("homes")
    assert predictions(filled, "champion") == before
    assert aliases(filled) == {"champion": 1, "previous": 2}
    filled.rollback("homes")
    assert aliases(filled) == {"champion": 2, "previous": 1}


def test_there_is_nothing_to_go_back_to_before_a_second_champion(
    filled: Registry,
) -> None:
    with pytest.raises(RegistryError, match="no version 'champion'"):
        filled.rollback("homes")
    filled.point_champion("homes", 1)
    with pytest.raises(RegistryError, match="go back to"):
        filled.rollback("homes")


@pytest.mark.parametrize("writes", range(7))
def test_a_promotion_that_is_killed_happens_once_or_not_at_all(
    filled: Registry, writes: int, kill: Kill
) -> None:
    filled.point_champion("homes", 1)
    with pytest.MonkeyPatch.context():
        kill(writes)
        with pytest.raises(KilledError):
            filled.point_champion("homes", 2)
    decided = aliases(open_registry(filled.address.root))
    assert decided in ({"champion": 1, "challenger": 2}, {"champion": 2, "previous": 1})
    # MLflow's own readers always find a champion.
    assert "champion" in open_registry(filled.address.root)._read().aliases("homes")


def test_the_next_writer_finishes_what_was_decided(
    filled: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.point_champion("homes", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "_carry_out", _killed)
        with pytest.raises(KilledError):
            filled.point_champion("homes", 2)
    assert aliases(filled) == {"champion": 2, "previous": 1}
    assert filled._read().aliases("homes") == {"champion": 1, "challenger": 2}
    filled.reject("homes", 1, "for another reason")
    assert filled._read().aliases("homes") == {"champion": 2, "previous": 1}


def _killed(*_: object) -> None:
    raise KilledError


def test_a_rejected_version_stays_with_its_reason(filled: Registry) -> None:
    filled.reject("homes", 2, "Worse by 3.")
    version = filled.find("homes", 2)
    assert (version.rejected, version.aliases) == ("Worse by 3.", ())
    assert aliases(filled) == {}


@pytest.mark.parametrize(
    ("name", "which", "message", "hint"),
    [
        ("home", "1", "no model 'home'", "Did you mean 'homes'"),
        ("homes", "7", "no version '7'", "2, 1"),
        ("homes", "champion", "no version 'champion'", "promote homes@2"),
    ],
)
def test_what_is_not_there_is_named(
    shelf: Registry, name: str, which: str, message: str, hint: str
) -> None:
    with pytest.raises(RegistryError, match=message) as caught:
        shelf.resolve(name, which)
    assert hint in caught.value.hint
    assert caught.value.http_status == 404


def test_an_empty_folder_is_an_empty_registry(tmp_path: Path) -> None:
    empty = open_registry(tmp_path)
    assert empty.names() == ()
    with pytest.raises(RegistryError, match="no model"):
        empty.resolve("homes")
    assert not (tmp_path / ".jupyter_pipe").exists()


def test_a_damaged_registry_is_told_from_an_empty_one(filled: Registry) -> None:
    (filled.address.state_folder / "mlflow.db").write_bytes(b"no database" * 500)
    with pytest.raises(RegistryError, match="cannot be read") as caught:
        filled.resolve("homes", 1)
    assert caught.value.code == "registry_unusable"


def test_reading_imports_neither_mlflow_nor_pandas(filled: Registry) -> None:
    filled.point_champion("homes", 1)
    script = (
        "import sys; from jupyter_pipe.cli.main import main;"
        "main(['models', 'homes', '--root', sys.argv[1]]);"
        "print([m for m in ('mlflow', 'pandas', 'sqlalchemy', 'numpy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(filled.address.root)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert "champion" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_is_read_without_mlflow_is_what_mlflow_says(filled: Registry) -> None:
    filled.point_champion("homes", 2, "first")
    direct = filled._read()
    writer = filled._writer
    assert writer is not None
    assert direct.names() == writer.names()
    assert direct.versions("homes") == writer.versions("homes")
    assert direct.aliases("homes") == writer.aliases("homes")
    assert direct.model_tags("homes") == writer.model_tags("homes")


@pytest.mark.parametrize("name", ["", "a@b", "a/b", "../x", " a", "a'b", "x" * 201])
def test_a_name_that_could_be_misread_is_refused(
    registry: Registry, name: str, tmp_path: Path
) -> None:
    with pytest.raises(RegistryError, match="cannot be the name"):
        registry.add(name, tmp_path, {})


def test_the_source_of_a_version_is_followed_to_its_files(shelf: Registry) -> None:
    """MLflow's `source` is `models:/m-…`, which is no folder."""
    file = shelf.address.state_folder / "mlflow.db"
    with sqlite3.connect(file) as connection:
        sources = [
            row[0] for row in connection.execute("SELECT source FROM model_versions")
        ]
    assert all(source.startswith("models:/m-") for source in sources)
    assert (_bundle(shelf, 1) / "bundle.json").is_file()


# Trust


def test_a_bundle_that_was_put_in_the_place_of_another_is_refused(
    filled: Registry,
) -> None:
    one, other = _bundle(filled, 1), _bundle(filled, 2)
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    with pytest.raises(UntrustedError, match="not the one that was registered"):
        read_lineage(one, "homes")
    with pytest.raises(UntrustedError, match="Nobody whom you trust"):
        read_lineage(aside, "tickets")


def test_a_version_that_a_stranger_signed_is_not_loaded(
    filled: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PIPE_KEY", "key-of-somebody-else-" + "1" * 32)
    with pytest.raises(UntrustedError):
        read_lineage(_bundle(filled, 1), "homes")
    with pytest.raises(UntrustedError):
        load_bundle(_bundle(filled, 1))


# Values


@pytest.mark.parametrize(
    ("text", "name", "which"),
    [
        ("home_value", "home_value", ""),
        ("home_value@4", "home_value", "4"),
        ("home_value@v4", "home_value", "4"),
        ("home_value@champion", "home_value", "champion"),
        ("home_value@vault", "home_value", "vault"),
    ],
)
def test_references_are_read(text: str, name: str, which: str) -> None:
    found = parse_reference(text)
    assert (found.name, found.which) == (name, which)


def test_the_champion_is_kept_before_it_is_replaced() -> None:
    now = {"champion": 1, "challenger": 2}
    assert moves.promoting(now, 2).steps(now) == [
        ("previous", 1),
        ("champion", 2),
        ("challenger", None),
    ]
    assert moves.moved(now, moves.promoting(now, 2)) == {"champion": 2, "previous": 1}
    assert moves.promoting({"champion": 2}, 2).steps({"champion": 2}) == []
    assert moves.parse_move(
        moves.move_text(moves.rolling_back({"champion": 2, "previous": 1}))
    ) == moves.Move({"previous": 2, "champion": 1})
    assert moves.parse_move("nonsense") is None
