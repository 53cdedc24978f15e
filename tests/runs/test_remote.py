"""Roots that are URLs, in fsspec's memory and in folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import ArtifactRef
from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import (
    ArtifactError,
    ExtraMissingError,
    RunError,
    UntrustedError,
)
from jupyter_pipe.events import RunFinished, RunState
from jupyter_pipe.kernel.payloads.payload_file import write_payload
from jupyter_pipe.model import to_json
from jupyter_pipe.runs import Process, RunStore, processes, remote
from jupyter_pipe.runs.remote import (
    RemoteRoot,
    fetch_runs,
    fetch_values,
    local_root,
    publish_values,
)
from tests.cli.conftest import write_run
from tests.cli.scripted import succeeded_events

RUN = "20261121-100000-aaaa"


@pytest.fixture(params=["memory", "file"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return (
        f"memory://{tmp_path.name}"
        if request.param == "memory"
        else (tmp_path / "shared").as_uri()
    )


def publish_run(url: str, folder: Path, events: list[Any]) -> None:
    """The run as another machine left it there."""
    write_run(folder, events, RUN)
    root = RemoteRoot(url)
    for path in (folder / ".jupyter_pipe" / "runs" / RUN).rglob("*"):
        root.publish(path, path.relative_to(folder / ".jupyter_pipe").as_posix())


def test_files_come_back_as_they_went(url: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    root = RemoteRoot(url)
    root.publish(tmp_path / "a", "x/y/a")
    root.publish(tmp_path / "a", "x/y/a")
    assert root.has("x/y/a")
    assert (root.has("x/y/a", size=5), root.has("x/y/a", size=4), root.has("x/b")) == (
        True,
        False,
        False,
    )
    assert list(root.names("x")) == ["x/y/a"]
    assert root.fetch("x/y/a", tmp_path / "new" / "b")
    assert (tmp_path / "new" / "b").read_bytes() == b"12345"
    root.remove("x/y/a")
    root.remove("x/y/a")
    assert not root.fetch("x/y/a", tmp_path / "c")
    assert list(root.names("x")) == []


def test_values_travel_and_damage_is_noticed(url: str, tmp_path: Path) -> None:
    here, there = RunStore(tmp_path / "here"), RunStore(tmp_path / "there")
    values = Store(here.state_folder)
    written = write_payload(str(values.folder), [], b"stream", [], {"names": ["x"]})
    ref = ArtifactRef(written.artifact, "digest", written.bytes)
    publish_values(RemoteRoot(url), here, [ref])
    fetch_values(RemoteRoot(url), there, [ref])
    assert Store(there.state_folder).is_sound(ref)
    other = ArtifactRef(hashlib.sha256(b"other").hexdigest(), "digest", 1)
    with pytest.raises(ArtifactError, match="neither here nor in"):
        fetch_values(RemoteRoot(url), there, [other])
    (tmp_path / "torn").write_bytes(values.path(ref).read_bytes()[:-1])
    name = values.path(ref).relative_to(here.state_folder).as_posix()
    RemoteRoot(url).publish(tmp_path / "torn", name)
    Store(there.state_folder).remove(ref)
    with pytest.raises(ArtifactError):
        fetch_values(RemoteRoot(url), there, [ref])
    publish_values(RemoteRoot(url), here, [ref])
    fetch_values(RemoteRoot(url), there, [ref])


def test_a_command_reads_the_runs_of_a_url(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_run(url, tmp_path / "elsewhere", succeeded_events())
    assert main(["runs", "--root", url]) == 0
    assert "succeeded" in capsys.readouterr().out
    assert main(["show", "latest", "--root", url]) == 0
    store = RunStore(local_root(url))
    assert store.url == url
    assert store.ids() == (RUN,)


def test_a_run_that_goes_on_elsewhere_is_read_anew_and_can_be_cancelled(
    url: str, tmp_path: Path
) -> None:
    whole = succeeded_events()
    publish_run(
        url,
        tmp_path / "elsewhere",
        [event for event in whole if not isinstance(event, RunFinished)],
    )
    store = RunStore(local_root(url))
    fetch_runs(RemoteRoot(url), store)
    assert not store.read(RUN).is_final
    assert main(["cancel", "latest", "--root", url]) == 0
    assert RemoteRoot(url).has(f"runs/{RUN}/cancel")
    publish_run(url, tmp_path / "later", whole)
    fetch_runs(RemoteRoot(url), store)
    assert store.read(RUN).is_final


def test_a_run_that_was_killed_elsewhere_is_over_and_read_anew(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = succeeded_events()
    folder = tmp_path / "elsewhere"
    publish_run(url, folder, whole[:-1])
    there = replace(
        RunStore(folder).read(RUN).facts,
        runner=Process(pid=1, start="x", host="elsewhere"),
    )
    summary = RunStore(folder).folder(RUN).summary
    summary.write_bytes(to_json(replace(RunStore(folder).read(RUN), facts=there)))
    RemoteRoot(url).publish(summary, f"runs/{RUN}/run.json")
    store = RunStore(local_root(url))
    fetch_runs(RemoteRoot(url), store)
    assert store.read(RUN).state is RunState.running
    monkeypatch.setattr(processes, "LEASE_SECONDS", 0.0)
    assert store.read(RUN).state is RunState.interrupted
    # What did not come here lately may go on there all the same: nothing is written
    # down, all is asked again.
    assert store.reconcile() == ()
    publish_run(url, tmp_path / "later", whole)
    fetch_runs(RemoteRoot(url), store)
    assert store.read(RUN).state is RunState.succeeded


def test_a_path_is_its_own_working_copy(tmp_path: Path) -> None:
    assert local_root(tmp_path) == tmp_path
    assert RunStore(tmp_path).url == ""


@pytest.mark.parametrize("wrong", ["nonsense://bucket", "s3a:"])
def test_a_url_that_no_storage_understands(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if "://" in wrong:
        with pytest.raises(RunError, match="cannot be used"):
            local_root(wrong)
    else:
        assert local_root(wrong) == Path(wrong)


def test_a_folder_that_others_can_fill_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ".jupyter_pipe" / "artifacts"
    folder.mkdir(parents=True)
    os.chmod(folder, 0o777)
    with pytest.raises(UntrustedError):
        RemoteRoot(tmp_path.as_uri())
    RemoteRoot(tmp_path.as_uri(), trust=True)


def test_storage_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = RemoteRoot("memory://x")

    def fails(path: str) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(root._files, "info", fails)
    with pytest.raises(RunError, match="memory://x cannot be reached: no route"):
        root.has("y")


def test_a_bucket_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    root = RemoteRoot("memory://some-bucket/folder")
    root.require_bucket()  # memory has none
    monkeypatch.setattr(root, "_protocols", {"s3"})
    with pytest.raises(
        RunError, match="cannot be reached: there is no bucket some-bucket"
    ):
        root.require_bucket()
    root._files.mkdir("/some-bucket")
    root.require_bucket()


def test_without_the_extra_the_command_to_type_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(remote.importlib, "import_module", missing)
    with pytest.raises(ExtraMissingError) as caught:
        local_root("memory://x")
    assert "jupyter_pipe[remote]" in caught.value.hint
