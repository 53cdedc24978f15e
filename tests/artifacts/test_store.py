"""Payload files and the store: immutable, verified, private; the kernel side in a bare
interpreter."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe.artifacts import ArtifactRef, Store, bootstrap_source
from jupyter_pipe.errors import ArtifactError, UntrustedError
from jupyter_pipe.kernel.errors import PayloadError, UntrustedStoreError
from jupyter_pipe.kernel.payloads import payload_file as payload
from tests.artifacts.stages import Stages


@pytest.fixture
def ref(stages: Stages) -> ArtifactRef:
    stages.run("A", "import numpy as np; a = np.arange(1000.0); b = [a, 'text']", "a b")
    return stages.ref("A", "a")


@pytest.fixture
def store(stages: Stages) -> Store:
    return Store(Path(stages.store).parent)


def change(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_the_address_is_the_hash_of_the_file(ref: ArtifactRef, store: Store) -> None:
    path = store.path(ref)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == ref.artifact == path.stem
    assert path.parent.name == ref.artifact[:2]
    assert (store.has(ref), store.size(ref), ref.bytes) == (
        True,
        path.stat().st_size,
        path.stat().st_size,
    )
    assert [address for address, _ in store.entries()] == [ref.artifact]
    assert store.manifest(ref)["names"] == ["a", "b"]
    store.verify(ref)


def test_the_host_loads_what_a_kernel_wrote(ref: ArtifactRef, store: Store) -> None:
    members = store.load(ref)
    assert members["b"][0] is members["a"]  # type: ignore[index]


def test_buffers_are_aligned(ref: ArtifactRef, store: Store) -> None:
    (offset, *_), *_ = payload.PayloadFile(str(store.path(ref))).layout[0]
    assert offset % 64 == 0


@pytest.mark.parametrize("place", [0, 100, 4000, -200, -70, -40, -1])
def test_an_altered_file_is_refused(
    stages: Stages, ref: ArtifactRef, store: Store, place: int
) -> None:
    change(store.path(ref), place)
    for attempt in (store.verify, store.load):
        with pytest.raises(
            ArtifactError, match=r"altered|truncated|no payload"
        ) as caught:
            attempt(ref)
        assert caught.value.hint
    with pytest.raises(PayloadError):
        stages.run("B", inputs={"A": "a"})


def test_an_altered_file_is_refused_whatever_its_times_say(
    stages: Stages, ref: ArtifactRef, store: Store
) -> None:
    path = store.path(ref)
    times = path.stat()
    change(path, 100)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(PayloadError, match="altered"):
        stages.run("B", inputs={"A": "a"})


@pytest.mark.parametrize("size", [0, 10, 100, 5000, -1])
def test_a_truncated_file_is_refused(
    stages: Stages, ref: ArtifactRef, store: Store, size: int
) -> None:
    path = store.path(ref)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(PayloadError):
        stages.run("B", inputs={"A": "a"})
    with pytest.raises(ArtifactError):
        store.verify(ref)


def test_another_payload_under_the_same_name_is_refused(
    stages: Stages, ref: ArtifactRef, store: Store
) -> None:
    stages.run("C", "a = [1]", "a")
    os.replace(store.path(stages.ref("C", "a")), store.path(ref))
    with pytest.raises(PayloadError, match="altered"):
        stages.run("B", inputs={"A": "a"})


def test_a_missing_file_is_told(stages: Stages, ref: ArtifactRef, store: Store) -> None:
    store.remove(ref)
    assert not store.has(ref)
    assert store.size(ref) == 0
    with pytest.raises(ArtifactError, match="missing"):
        store.load(ref)
    with pytest.raises(PayloadError, match="missing"):
        stages.run("B", inputs={"A": "a"})


def test_a_copy_elsewhere_is_verified_and_used(
    stages: Stages, ref: ArtifactRef, store: Store, tmp_path: Path
) -> None:
    other = Store(tmp_path / "other")
    other.path(ref).parent.mkdir()
    other.path(ref).write_bytes(store.path(ref).read_bytes())
    assert len(other.load(ref)) == 2


def test_equal_content_is_stored_once(
    stages: Stages, ref: ArtifactRef, store: Store
) -> None:
    stages.run("B", "import numpy as np; a = np.arange(1000.0); b = [a, 'text']", "a b")
    assert stages.ref("B", "a") == ref
    assert len(list(store.entries())) == 1
    assert not list(Path(stages.store).glob(".writing*"))


def test_a_full_disk_leaves_nothing_behind(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AssertionError, match="No space left on device"):
        stages.run("A", "a = 1", "a")
    assert not [path for path in Path(stages.store).rglob("*") if path.is_file()]


def test_the_store_is_private(stages: Stages, ref: ArtifactRef) -> None:
    folder = Path(stages.store)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(UntrustedStoreError, match="chmod 700"):
        stages.run("B", inputs={"A": "a"})
    with pytest.raises(UntrustedError) as caught:
        Store(folder.parent)
    assert "--trust" in caught.value.hint
    assert len(Store(folder.parent, trust=True).load(ref)) == 2


def test_another_user_s_store_is_refused(
    stages: Stages, ref: ArtifactRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(UntrustedError, match="another user"):
        Store(Path(stages.store).parent)


def test_another_python_s_payload_is_refused(
    ref: ArtifactRef, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    with pytest.raises(
        ArtifactError, match=r"written by Python 3\.\d+, this kernel runs 3\.99"
    ):
        store.load(ref)


BARE = """
before = set(dir())
{bootstrap}
assert set(dir()) - before == {{'before'}}, set(dir()) - before
import sys
assert not any('/jupyter_pipe' in path for path in sys.path)
assert 'jupyter_pipe' not in sys.modules
__import__("jupyter_pipe_kernel").load_inputs()
__import__("jupyter_pipe_kernel").set_execution_count(3)
class C: pass
acc, text, closure = 0.5, [C(), C], (lambda n: lambda: n)(1)
__import__("jupyter_pipe_kernel").store_outputs("acc", "text", "closure", "missing")
"""


def test_a_bare_interpreter_runs_the_kernel_side(tmp_path: Path) -> None:
    """No site-packages, nothing of ours installed, no trace in the namespace."""
    source = "class C: pass\n"
    context = {
        "store": str(tmp_path / "artifacts"),
        "result": str(tmp_path / "result.json"),
        "stage": "A",
        "metrics": ["acc"],
        "gates": ["acc > 0.9"],
        "definitions": {"C": {"source": source, "digest": "1", "cell_id": "x"}},
    }
    (tmp_path / "context.json").write_text(json.dumps(context))
    script = tmp_path / "script.py"
    script.write_text(
        BARE.format(bootstrap=bootstrap_source(tmp_path / "context.json"))
    )
    command = [sys.executable, "-I", "-S", "-W", "error", str(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result.get("error") is None
    assert [one["names"] for one in result["outputs"]] == [
        ["acc"],
        ["text"],
        ["closure"],
    ]
    assert (result["unbound"], result["untransportable"], result["metrics"]) == (
        ["missing"],
        [],
        {"acc": 0.5},
    )
    assert result["gates"] == [
        {
            "expression": "acc > 0.9",
            "passed": False,
            "values": {"acc": "0.5"},
            "error": "",
        }
    ]
    assert result["peak_memory_bytes"] > 1_000_000
    text = Store(tmp_path).load(
        result["outputs"][1]["ref"]["artifact"], definitions=context["definitions"]
    )["text"]  # type: ignore[arg-type]
    assert type(text[0]) is text[1]  # type: ignore[index]
