"""Values of runs over REST: what records say of them, and previews in a process of its
own. The values are stored by the kernel side in this process; nothing runs a
notebook."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.context_file import encode_context
from jupyter_pipe.artifacts.protocol import StageContext
from jupyter_pipe.kernel.context import Context
from jupyter_pipe.kernel.session import Session
from jupyter_pipe.runs import RunFacts, RunStore
from jupyter_pipe.server.values.loading import Limits
from tests.server.conftest import notebook_json
from tests.server.test_handlers import Api, api

pytestmark = pytest.mark.server
__all__ = ["api"]

Leave = Callable[..., str]

MAKES_ALL = """
import matplotlib
matplotlib.use("Agg")
import numpy as np, pandas as pd
from matplotlib.figure import Figure
frame = pd.DataFrame({"city": ["Ulm", "Bonn"] * 50, "price": np.arange(100) / 3})
dated = pd.Series([1.0, 2.0], index=pd.to_datetime(["2026-01-01", "2026-01-02"]))
cube = np.zeros((3, 4, 5))
photo = np.zeros((16, 20, 3), dtype="uint8")
figure = Figure(figsize=(2, 1)); _ = figure.subplots().plot([1, 2])
settings = {"depth": 3, "names": ["a"] * 5000}
many = list(range(3_000_000))
text = "x" * 3_000_000
nothing = None
"""


@pytest.fixture
def leave(jp_root_dir: Path) -> Leave:
    """A run whose one stage left what some code makes; its id."""

    def make(source: str, *names: str, kernel: str = "python3", **context: Any) -> str:
        path = jp_root_dir / "flow.ipynb"
        path.write_text(json.dumps(notebook_json((source, "stage:fit"))))
        store = RunStore(jp_root_dir)
        writer = store.create(
            _pipeline(kernel), RunFacts(notebook=str(path), workdir=str(jp_root_dir))
        )
        folder = store.folder(writer.run_id)
        attempt = folder.stage("fit") / "attempts" / "1"
        attempt.mkdir(parents=True)
        known = StageContext(
            run_id=writer.run_id,
            stage="fit",
            attempt=1,
            store=str(store.artifacts),
            result="",
            workdir=str(jp_root_dir),
            **context,
        )
        (attempt / "context.json").write_bytes(encode_context(known))
        stored = Context(
            store=known.store,
            definitions=known.definitions,
            secrets=known.secrets,
            allow_secret_values=known.allow_secret_values,
        )
        result = _store_values(source, names, stored)
        folder.result("fit").write_text(json.dumps(result))
        writer.append(ev.RunQueued(writer.run_id, "flow", ("fit",)))
        writer.append(ev.StageStarted("fit"))
        for output in result["outputs"]:
            ref = output["ref"]
            written = ev.ArtifactWritten(
                "fit",
                tuple(output["names"]),
                ref["artifact"],
                ref["bytes"],
                output["summary"],
            )
            writer.append(written)
        writer.append(ev.RunFinished(ev.RunState.succeeded, exit_code=0, seconds=1.0))
        writer.close()
        return writer.run_id

    return make


def _pipeline(kernel: str) -> Any:
    from jupyter_pipe.model import Pipeline, Source, Stage

    stage = Stage(
        "fit", cells=("c0",), module="flow/fit.py", notebook="notebooks/fit.ipynb"
    )
    return Pipeline(1, "flow", kernel, Source("flow.ipynb", "x"), stages=(stage,))


def _store_values(
    source: str, names: tuple[str, ...], context: Context
) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    session = Session(context, namespace)
    session.begin()
    exec(source, namespace)
    session.enter()
    result = session.store_outputs(names)
    assert not result.get("error"), result
    assert result["untransportable"] == [], result
    return result


async def preview(api: Api, run_id: str, name: str) -> tuple[int, Any]:
    return await api(
        "POST", "runs", run_id, "stages", "fit", "preview", body={"name": name}
    )


async def test_each_kind_of_value_is_shown(api: Api, leave: Leave) -> None:
    names = (
        "frame",
        "dated",
        "cube",
        "photo",
        "figure",
        "settings",
        "many",
        "text",
        "nothing",
    )
    run_id = leave(MAKES_ALL, *names)
    shown = {}
    for name in names:
        status, shown[name] = await preview(api, run_id, name)
        assert (status, shown[name].get("problems")) == (200, []), shown[name]

    frame = shown["frame"]
    assert frame["shape"] == [100, 2]
    assert [name for name, _ in frame["head"]["columns"]] == ["city", "price"]
    assert frame["head"]["rows"][:2] == [["Ulm", "0"], ["Bonn", "0.333333"]]
    assert frame["head"]["labels"] == []
    price = frame["profile"]["columns"][1]
    assert sum(price["histogram"]) == 100
    assert price["low"] == 0.0

    assert shown["dated"]["head"]["labels"] == [
        "2026-01-01 00:00:00",
        "2026-01-02 00:00:00",
    ]
    assert (shown["cube"]["shape"], shown["cube"]["head"]) == ([3, 4, 5], None)
    for drawn in ("photo", "figure"):
        picture = shown[drawn]["picture"]
        assert picture["media_type"] == "image/png"
        assert picture["data"].startswith("iVBORw0KGgo"), "a PNG, in Base64"
    assert shown["settings"]["items"][0] == {
        "key": "'depth'",
        "summary": "3",
        "text": "3",
    }
    assert shown["settings"]["items"][1]["summary"] == "list of 5,000"
    assert len(shown["many"]["items"]) == 30
    assert shown["many"]["profile"]["rows"] == 3_000_000
    assert len(shown["text"]["text"]) == 4000
    assert shown["nothing"]["text"] == "None"


async def test_what_is_known_needs_no_loading(api: Api, leave: Leave) -> None:
    """Also of values whose class is gone, and in a run that somebody else made."""
    first = leave(
        "import pandas as pd\nx = pd.DataFrame({'a': [1, 2]})\ny = 1", "x", "y"
    )
    second = leave(
        "import pandas as pd\nx = pd.DataFrame({'a': [1, 3]})\ny = 1", "x", "y"
    )
    status, answer = await api("GET", "runs", second, "stages", "fit", "values")
    assert status == 200
    x, y = answer["values"]
    assert (x["name"], x["summary"], x["earlier"], x["changed"]) == (
        "x",
        "DataFrame 2 x 1",
        first,
        True,
    )
    assert (y["summary"], y["changed"]) == ("1", False)
    assert sum(x["profile"]["columns"][0]["histogram"]) == 2
    _, answer = await api("GET", "runs", first, "stages", "fit", "values")
    assert {each["changed"] for each in answer["values"]} == {None}


async def test_a_class_of_the_notebook_is_defined_again(api: Api, leave: Leave) -> None:
    source = (
        "class Grid:\n    size = 2\n    def __repr__(self): return f'Grid {self.size}'"
    )
    definition = {"source": source, "digest": "d", "cell_id": "c0", "later": True}
    run_id = leave(
        f"{source}\ngrid = Grid(); grid.size = 3",
        "grid",
        definitions={"Grid": definition},
    )
    status, shown = await preview(api, run_id, "grid")
    assert (status, shown.get("text")) == (200, "Grid 3"), shown


async def test_a_value_is_loaded_in_the_environment_of_its_kernel(
    api: Api,
    leave: Leave,
    jp_root_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the kernelspec says it: also what refers to the server's own environment."""
    environment = {
        "SOLVER_HOME": "/opt/solver",
        "SOLVER_PATH": "/opt/lib:${GIVEN}",
        "API_KEY": "Zq7xWv2kLp9sTd4m",
    }
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "env": environment,
    }
    folder = tmp_path / "share" / "kernels" / "solver"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps({**spec, "display_name": "Solver", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("GIVEN", "/given")
    told = "f\"{os.environ.get('SOLVER_HOME')} {os.environ.get('SOLVER_PATH')}\""
    (jp_root_dir / "solver.py").write_text(
        f"import os\nclass Told:\n    def __repr__(self): return {told}\n"
    )
    monkeypatch.syspath_prepend(str(jp_root_dir))
    source = "import solver\ntold = solver.Told()\nkey = 'Zq7xWv2kLp9sTd4m'"
    allowed = {"secrets": ("API_KEY",), "allow_secret_values": True}
    with monkeypatch.context() as running:
        running.setenv("API_KEY", environment["API_KEY"])
        run_id = leave(source, "told", "key", kernel="solver", **allowed)
    status, shown = await preview(api, run_id, "told")
    assert (status, shown.get("text")) == (200, "/opt/solver /opt/lib:/given"), shown
    status, shown = await preview(api, run_id, "key")
    assert (status, shown.get("text")) == (200, "***"), (
        "a secret that only the kernelspec sets is hidden"
    )
    other = leave(source, "told")
    assert (await preview(api, other, "told"))[1].get("text") == "None None", (
        "another kernel has none of it"
    )


async def refusal(api: Api, run_id: str, name: str) -> tuple[int, str, str]:
    status, body = await preview(api, run_id, name)
    return status, body["code"], body["message"]


async def test_what_cannot_be_shown_is_said(
    api: Api,
    leave: Leave,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    jp_serverapp: Any,
) -> None:
    (jp_root_dir / "beside.py").write_text(
        "import time\n"
        "class Gone: pass\n"
        "class Slow:\n    def __setstate__(self, state): time.sleep(1000)\n"
        "class Large:\n    def __setstate__(self, state): self.held = bytearray(4 << 30)\n"
        "class Dies:\n    def __setstate__(self, state): __import__('os')._exit(3)\n"
        "class Loud:\n"
        "    def __setstate__(self, state): print('said' * 100000, flush=True)\n"
        "    def __repr__(self): raise KeyError('no words')\n"
        "class Endless:\n    def __repr__(self): return 'x' * 100_000_000\n"
    )
    monkeypatch.syspath_prepend(str(jp_root_dir))
    kinds = ("Gone", "Slow", "Large", "Dies", "Loud", "Endless")
    source = "import beside\n" + "\n".join(
        f"{kind} = beside.{kind}(); {kind}.a = 1" for kind in kinds
    )
    run_id = leave(source, *kinds)
    monkeypatch.delitem(sys.modules, "beside")

    limits = Limits(seconds=60.0, memory_bytes=1 << 30)
    service = jp_serverapp.web_app.settings["jupyter_pipe"].values
    monkeypatch.setattr(service, "_limits", limits)
    assert (await refusal(api, run_id, "Large"))[:2] == (422, "value_too_large")
    assert (await refusal(api, run_id, "Dies"))[:2] == (422, "value_unloadable")
    status, shown = await preview(api, run_id, "Loud")
    assert (status, shown["text"]) == (200, "")
    assert shown["problems"] == ["It has no text: KeyError: 'no words'"]
    status, shown = await preview(api, run_id, "Endless")
    assert (status, len(shown["text"])) == (200, 4000)
    monkeypatch.setattr(service, "_limits", Limits(seconds=1.0))
    assert (await refusal(api, run_id, "Slow"))[:2] == (422, "value_slow")
    monkeypatch.setattr(service, "_limits", limits)
    (jp_root_dir / "beside.py").write_text("")
    status, code, message = await refusal(api, run_id, "Gone")
    assert (status, code) == (422, "value_unloadable")
    assert "AttributeError" in message
    assert "Gone" in message
    assert (await refusal(api, run_id, "unknown"))[:2] == (404, "value_missing")


async def test_a_secret_that_was_let_through_is_hidden_or_not_shown(
    api: Api, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Zq7xWv2kLp9sTd4mRb6n")
    source = "import os\nheld = {'token': os.environ['TOKEN']}\nfree = 1"
    run_id = leave(source, "held", "free", secrets=("TOKEN",), allow_secret_values=True)
    status, shown = await preview(api, run_id, "held")
    assert (status, shown.get("text")) == (200, "{'token': '***'}"), shown
    monkeypatch.delenv("TOKEN")
    status, code, message = await refusal(api, run_id, "held")
    assert (status, code) == (422, "value_unloadable")
    assert "TOKEN" in message
    status, shown = await preview(api, run_id, "free")
    assert (status, shown.get("text")) == (200, "1"), "what holds none is shown"


async def test_modules_beside_the_notebook_take_no_others_place(
    api: Api, leave: Leave, jp_root_dir: Path
) -> None:
    """They came after the run, as by a `git pull`."""
    run_id = leave(
        "import numpy as np, decimal\nx = np.arange(3)\ny = decimal.Decimal(1)",
        "x",
        "y",
    )
    for name in (
        "numpy",
        "decimal",
        "_pydecimal",
        "numbers",
        "random",
        "base64",
        "reprlib",
        "resource",
    ):
        (jp_root_dir / f"{name}.py").write_text("open('was imported', 'w').close()\n")
    assert [(await preview(api, run_id, name))[0] for name in ("x", "y")] == [200, 200]
    assert not (jp_root_dir / "was imported").exists()


async def test_a_large_value_is_mapped(
    api: Api, leave: Leave, monkeypatch: pytest.MonkeyPatch, jp_serverapp: Any
) -> None:
    """It is larger than what the process may take for itself besides."""
    run_id = leave("import numpy as np\nlarge = np.zeros((1 << 18, 128))", "large")
    service = jp_serverapp.web_app.settings["jupyter_pipe"].values
    monkeypatch.setattr(
        service, "_limits", Limits(seconds=120.0, memory_bytes=192 << 20)
    )
    status, shown = await preview(api, run_id, "large")
    assert (status, shown.get("shape")) == (200, [1 << 18, 128]), shown


@pytest.mark.parametrize(
    "damage", ["unsigned run", "another value", "altered value", "no value"]
)
async def test_only_what_the_user_signed_is_loaded(
    api: Api, leave: Leave, jp_root_dir: Path, damage: str
) -> None:
    """The payload is a pickle that would leave a file behind."""
    mark = jp_root_dir / "was loaded"
    (jp_root_dir / "evil.py").write_text("def touch(path): open(path, 'w').close()\n")
    source = (
        "class Bomb:\n"
        "    def __reduce__(self):\n"
        f"        import pathlib; return pathlib.Path.touch, (pathlib.Path({str(mark)!r}),)\n"
        "x = Bomb()\nother = 1"
    )
    run_id = leave(source, "x", "other")
    store = RunStore(jp_root_dir)
    mark.unlink(missing_ok=True)
    await preview(api, run_id, "x")
    assert mark.exists(), "it bites where the user signed it"
    mark.unlink()
    summary, x = store.folder(run_id).summary, _file_of(store, run_id, "x")
    if damage == "unsigned run":
        summary.write_text(
            summary.read_text().replace('"signature": "', '"signature": "0', 1)
        )
        expected = (403, "run_untrusted")
    elif damage == "another value":
        other = _file_of(store, run_id, "other")
        summary.write_text(summary.read_text().replace(other.stem, x.stem))
        expected = (403, "run_untrusted")
    elif damage == "altered value":
        x.write_bytes(x.read_bytes()[:-1] + b"!")
        expected = (422, "value_unloadable")
    else:
        x.unlink()
        expected = (400, "artifact_unusable")
    name = "other" if damage == "another value" else "x"
    assert (await refusal(api, run_id, name))[:2] == expected
    assert not mark.exists()
    status, _ = await api("GET", "runs", run_id, "stages", "fit", "values")
    assert status == 200, "what it is can still be read"


def _file_of(store: RunStore, run_id: str, name: str) -> Path:
    from jupyter_pipe.artifacts.store import Store

    written = next(
        each for each in store.read(run_id).stage("fit").artifacts if name in each.names
    )
    return Store(store.state_folder).path(written.artifact)
