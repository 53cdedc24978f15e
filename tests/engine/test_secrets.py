"""A secret in every channel that a stage has, in every common encoding: no file and no
output shows it."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.errors import ParameterError
from jupyter_pipe.events import StageFailed
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.server.payloads import StartRequest
from jupyter_pipe.server.runs.runner import Order
from tests.cli.conftest import write_notebook
from tests.engine.conftest import Runs
from tests.engine.packages import Package
from tests.hostile.repository import notebook_json

pytestmark = pytest.mark.kernel
Capture = pytest.CaptureFixture[str]

PLAIN = "hunter2-Token/of+mine"
ODD = 'it\'s "odd" \\ <b>&\nsecond line é'
SECRETS = {"plain": PLAIN, "odd": ODD}

# What cells do with it: FORMS maps names of encodings to texts.
PRELUDE = """\
import base64, html, json, os, urllib.parse
T = os.environ['API_TOKEN']
FORMS = {
    'itself': T,
    'repr': repr(T),
    'json': json.dumps({'token': T}),
    'html': html.escape(T),
    'url': urllib.parse.quote(T, safe=''),
    'base64': base64.b64encode(('user:' + T).encode()).decode(),
    'hex': T.encode().hex(),
}
ALL = chr(10).join(FORMS.values())
"""
SHOWN = {
    "stdout": "print(ALL)",
    "stderr": "import sys; print(ALL, file=sys.stderr)",
    "split": "for c in ALL: print(c, end='', flush=True)",
    "two streams": "print(T[:9], end='', flush=True); print(T[9:], file=sys.stderr, flush=True)",
    "cleared": "from IPython.display import clear_output; print(1); clear_output(wait=True); print(ALL)",
    "result": "FORMS",
    "text": "ALL",
    "html": "from IPython.display import *; display(HTML(ALL))",
    "markdown": "display(Markdown(ALL))",
    "json display": "display(JSON({'a': [FORMS, {T: T}]}))",
    "svg": 'display(SVG(f\'<svg xmlns="http://www.w3.org/2000/svg"><text>{FORMS["html"]}</text></svg>\'))',
    "metadata": "display('x', metadata={'note': ALL})",
    "update": "handle = display('x', display_id=True); handle.update(ALL)",
    "colours": "print(T[:4] + chr(27) + '[31m' + T[4:] + chr(27) + '[0m')",
    "overwritten": "print(T[:5] + 'x' + chr(8) + T[5:])",
    "warning": "import warnings; warnings.warn(ALL)",
    "log": "import logging; logging.getLogger('a').error(ALL)",
    "descriptor": "os.write(1, ALL.encode()); [os.write(2, T[i:i+1].encode()) for i in range(len(T))]",
    "child": "import subprocess; subprocess.run(['env'], check=True)",
    "shell": "!printenv API_TOKEN",
    "widget": "import ipywidgets; ipywidgets.HTML(ALL)",
    "traceback": "import traceback\ntry: raise ValueError(ALL)\nexcept ValueError: traceback.print_exc()",
    "environment": "os.environ['COPIED'] = ALL",
    "title": "import ctypes; print(repr(T.encode('utf-16')))",
}
RAISED = {
    "message": "raise ValueError(ALL)",
    "name": "raise type(T, (Exception,), {})(1)",
    "cause": "try:\n    {}[T]\nexcept KeyError as error:\n    raise RuntimeError('x') from error",
    "line": "def check(value):\n    assert value == '', ALL\ncheck(T)",
    "shown": "class Odd:\n    def __repr__(self): raise ValueError(ALL)\nOdd()",
    "exit": "import sys; sys.exit(ALL)",
}


def needles(value: str) -> dict[str, bytes]:
    """What may stand nowhere, worked out without our own code."""
    data = value.encode()
    texts = {
        "itself": value,
        "most of it": value[:14],
        "repr": repr(value)[1:-1],
        "json": json.dumps(value)[1:-1],
        "json with letters": json.dumps(value, ensure_ascii=False)[1:-1],
        "html": html.escape(value),
        "url": urllib.parse.quote(value, safe=""),
        "hex": data.hex(),
        "base64": base64.b64encode(data)[: len(data) // 3 * 4].decode(),
        "base64 behind": base64.b64encode(b"user:" + data)[
            8 : (5 + len(data)) // 3 * 4
        ].decode(),
    }
    return {name: text.encode() for name, text in texts.items()}


def found_in(folder: Path, value: str) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        yield from (
            f"{name} in {path.relative_to(folder)}"
            for name, text in needles(value).items()
            if text in data
        )


def package() -> Package:
    made = Package().stage("show", PRELUDE, *SHOWN.values(), secrets=["API_TOKEN"])
    for name, source in RAISED.items():
        made.stage(
            f"raise_{name}",
            PRELUDE,
            source,
            secrets=["API_TOKEN"],
            retries=int(name == "message"),
        )
    measures = "metric = T; sized = {T: 1}; number = float('nan')\nclass Named: pass\n"
    measures += "Named.__qualname__ = ALL\nnamed = Named()"
    return made.stage(
        "measure",
        PRELUDE,
        measures,
        binds="short",
        metrics="metric sized number named",
        gates={
            "metric == ''": "metric",
            "len(FORMS[T]) > 1": "T FORMS",
            "sized is None": "sized",
        },
        secrets=["API_TOKEN"],
    )


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("CI", "GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kernels", ["fork", "fresh"])
@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS)
def test_no_file_and_no_output_shows_a_secret(
    quiet: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Capture,
    value: str,
    kernels: str,
) -> None:
    monkeypatch.setenv("API_TOKEN", value)
    folder = str(package().write(quiet))
    options = [
        "--keep-going",
        "--kernels",
        kernels,
        "--junit",
        "junit.xml",
        "--html",
        "page.html",
        "--json",
    ]
    assert main(["run", folder, *options]) == 1
    shown = quiet / "shown.txt"
    for command in (
        ["show", "latest", "--json"],
        ["show", "latest"],
        ["runs"],
        ["logs", "latest"],
        ["logs", "latest", "--json"],
        ["logs", "latest", "show"],
        ["logs", "latest", "raise_message"],
        ["debug", "latest", "raise_message", "-o", "debug.ipynb"],
        ["plan", folder],
        ["compare", "latest", "latest"],
    ):
        main(command)
    printed = capfd.readouterr()
    shown.write_text(printed.out + printed.err)
    assert list(found_in(quiet, value)) == []
    assert "***" in shown.read_text()
    logs = {
        path.parent.parent.parent.name: path.read_text()
        for path in quiet.rglob("kernel.log")
    }
    assert "***" in logs["show"]
    executed = json.loads(
        next(
            (quiet / ".jupyter_pipe" / "runs").glob("*/stages/show/executed.ipynb")
        ).read_text()
    )
    cells = [cell for cell in executed["cells"] if cell["source"] in SHOWN.values()]
    silent = {
        SHOWN["environment"],
        SHOWN["descriptor"],
        SHOWN["child"],
        SHOWN["widget"],
    }
    assert [
        c["source"]
        for c in cells
        if "***" not in json.dumps(c["outputs"]) and c["source"] not in silent
    ] == []


@pytest.mark.parametrize("place", ["dask", "url", "lab"])
def test_no_file_shows_a_secret_wherever_the_run_is(
    quiet: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture, place: str
) -> None:
    """On workers of Dask, below a root that is a URL, and in a run that the server
    starts."""
    monkeypatch.setenv("API_TOKEN", ODD)
    monkeypatch.setenv("XDG_CACHE_HOME", str(quiet / "cache"))
    shown = ["stdout", "two streams", "descriptor", "result", "traceback"]
    sources = [
        f"import sys\n{PRELUDE}",
        *(SHOWN[name] for name in shown),
        RAISED["message"],
    ]
    cells = [
        (sources[0], "stage:show", "secret:API_TOKEN"),
        *((source,) for source in sources[1:]),
    ]
    notebook = quiet / "flow.ipynb"
    notebook.write_text(json.dumps(notebook_json(cells)))
    if place == "lab":
        order = Order(
            str(quiet),
            "20260101-000000-abcd",
            str(notebook),
            StartRequest("flow.ipynb"),
        )
        command = own_module("jupyter_pipe.server.runs.runner")
        done = subprocess.run(
            command,
            input=msgspec.json.encode(order),
            cwd=quiet,
            capture_output=True,
            check=False,
        )
        code, printed = done.returncode, (done.stdout + done.stderr).decode()
    else:
        options = (
            ["--executor", "dask", "-j", "1"]
            if place == "dask"
            else ["--root", (quiet / "far").as_uri()]
        )
        code = main(["run", "flow.ipynb", *options])
        printed = "".join(capfd.readouterr())
    (quiet / "printed.txt").write_text(printed)
    assert code == 1, printed
    assert list(found_in(quiet, ODD)) == []
    executed = [path.read_text() for path in quiet.rglob("executed.ipynb")]
    assert executed
    assert all("***" in text for text in executed)


def test_annotations_and_summaries_hide_it_and_the_log_is_told_first(
    quiet: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setenv("API_TOKEN", ODD)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    made = Package().stage("a", PRELUDE, RAISED["message"], secrets=["API_TOKEN"])
    assert main(["run", str(made.write(quiet))]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[:3] == [
        "::add-mask::" + ODD.replace("\n", "%0A"),
        *(f"::add-mask::{line}" for line in ODD.splitlines()),
    ]
    assert any(line.startswith("::error ") and "***" in line for line in lines)
    assert list(found_in(quiet, ODD)) == []
    assert not any(
        text.decode() in "\n".join(lines[3:]) for text in needles(ODD).values()
    )


CROSSING = {
    "itself": ("x = T", "'x' holds the value of the secret API_TOKEN;"),
    "within": ("x = {'user': 1, 'header': ['Bearer ' + T]}", "(at x['header'][0])"),
    "encoded": ("x = FORMS['base64']", "'x' holds"),
    "a key": ("x = {T: 1}", "'x' holds"),
    "bytes": ("x = bytearray(T.encode())", "'x' holds"),
    "numpy": ("import numpy; x = numpy.array([T, 'a'])", "'x' holds"),
    "bytes in numpy": (
        "import numpy; x = numpy.frombuffer(T.encode(), 'u1')",
        "'x' holds",
    ),
    "pandas": ("import pandas; x = pandas.DataFrame({'a': ['b', T]})", "'x' holds"),
    "closure": ("def make(t):\n    return lambda: t\nx = make(T)", "'x' holds"),
    "instance": ("class Client: pass\nx = Client()\nx.token = T", "'x' holds"),
}


@pytest.mark.parametrize(("source", "said"), CROSSING.values(), ids=CROSSING)
def test_a_value_that_holds_a_secret_does_not_cross(
    ran: Runs, source: str, said: str
) -> None:
    made = (
        Package()
        .stage("a", PRELUDE, source, binds="x", secrets=["API_TOKEN"])
        .stage("b", "x", reads="x")
    )
    environment = {**os.environ, "API_TOKEN": PLAIN}
    done = ran(made, environment=environment)
    failure = done.failure("a")
    assert (failure.ename, failure.kind.value) == ("SecretValue", "cannot_travel")
    assert said in failure.evalue
    assert "--allow-secret-values" in failure.hint
    assert list(found_in(done.store.root, PLAIN)) == []


def test_it_crosses_if_that_is_allowed_and_is_not_reused_or_shown(
    ran: Runs, tmp_path: Path
) -> None:
    made = (
        Package()
        .stage("a", PRELUDE, "x = [T]; y = 1", binds="x y", secrets=["API_TOKEN"])
        .stage(
            "b", "z = x[0] * 2\nprint(z)\nprint(y)", reads="x y", binds="z", metrics="z"
        )
        .stage("c", "print(len(z))", reads="z")
    )
    environment = {**os.environ, "API_TOKEN": PLAIN}
    allowed = ran(made, environment=environment, allow_secret_values=True)
    assert allowed.states() == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}
    assert allowed.printed("b") == "******\n1\n"
    assert [warning.code for warning in allowed.run.warnings] == ["secret_stored"] * 2
    stored = {
        name.rpartition(" in ")[2].split("/")[1] for name in found_in(tmp_path, PLAIN)
    }
    assert stored == {"artifacts"}
    again = ran(made, environment=environment)
    assert again.states()["a"] == "failed"


def test_a_stage_without_the_tag_cannot_find_it(ran: Runs) -> None:
    look = "import os\nfound = open('/proc/self/environ', 'rb').read() + repr(dict(os.environ)).encode()\n"
    look += "open('seen', 'wb').write(found)"
    made = Package().stage(
        "a", "import os; assert os.environ['API_TOKEN']", secrets=["API_TOKEN"]
    )
    made.stage("b", look, after=["a"])
    for kernels in ("fork", "fresh"):
        done = ran(
            made,
            environment={**os.environ, "API_TOKEN": PLAIN},
            kernels=kernels,
            use_cache=False,
        )
        assert set(done.states().values()) == {"succeeded"}
        assert PLAIN.encode() not in (done.store.root / "seen").read_bytes()


def test_a_parameter_cannot_be_a_secret(ran: Runs) -> None:
    made = Package().stage("a", "n = 'x'", parameters="n", secrets=["API_TOKEN"])
    made.parameters = (Parameter("n", "str", "x", "'x'"),)
    given = resolve_parameters(made.parameters, texts={"n": PLAIN})
    with pytest.raises(
        ParameterError, match="Parameter 'n' holds the value of the secret API_TOKEN"
    ):
        ran(made, environment={"API_TOKEN": PLAIN}, parameters=given)


def test_a_secret_that_is_too_short_to_be_hidden_is_named(ran: Runs) -> None:
    done = ran(
        Package().stage("a", "1", secrets=["PIN"]),
        environment={**os.environ, "PIN": "12"},
    )
    assert [
        (warning.code, "PIN" in warning.message) for warning in done.run.warnings
    ] == [("secret_short", True)]
    assert not [event for event in done.events if isinstance(event, StageFailed)]


def test_verify_hides_it_on_both_sides(
    quiet: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setenv("API_TOKEN", PLAIN)
    show = "import os\nT = os.environ['API_TOKEN']\nprint(T, [T])"
    notebook = write_notebook(
        quiet / "v.ipynb", [(show, ["stage:a", "secret:API_TOKEN"]), ("1", ["stage:b"])]
    )
    assert main(["verify", str(notebook)]) == 0
    notebook = write_notebook(
        quiet / "v.ipynb", [(f"{show}\nraise ValueError(T)", ["secret:API_TOKEN"])]
    )
    assert main(["verify", str(notebook)]) == 2
    printed = capfd.readouterr()
    assert "ValueError: ***" in printed.err
    assert PLAIN not in printed.out + printed.err
    assert list(found_in(quiet, PLAIN)) == []
