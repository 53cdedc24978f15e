"""A pipeline that light engines really run: other parameters, a secret, an attempt that fails, a pair side by
side, a false gate, a name with a space. `make test-engines` makes the environment and calls this.

Values are those of a local run; each engine is given a folder of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from tests.cli.conftest import write_notebook

# Each test starts a dozen kernels, one after the other: a limit for a machine that is very busy.
LIMIT_SECONDS = 1200
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
# The Python of an environment that has the engines.
ENGINES = Path(os.environ["ENGINES_PYTHON"])
WORD = "it's $(touch canary) {y} é"
CELLS = [
    (f"count: int = 3\nlimit: float = 1000.0\nword: str = {WORD!r}", ["parameters"]),
    (
        "import os\nmark = os.path.join(os.environ['MARKS'], f'{count}-{limit}')\n"
        "if not os.path.exists(mark):\n    open(mark, 'w').close()\n    raise OSError('the first attempt')\n"
        "assert os.environ['TOKEN'] == 'sesame-open'\nxs = list(range(count))",
        ["stage:make", "secret:TOKEN", "retries:1"],
    ),
    ("import helper\na = helper.total(xs)", ["stage:left"]),
    ("b = len(xs) + len(word)", ["stage:right"]),
    ("total = a * b", ["stage:join", "metric:total", "gate:total < limit"]),
]
NAME = "trial run"
KFP = """
import importlib.util, sys
from kfp import local
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="kfp", raise_on_error=False)
result = module.pipeline(count=5, limit=float(sys.argv[2]))
"""
KEDRO = """
import importlib.util, json, sys, yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import ThreadRunner
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
values = {**yaml.safe_load(open("parameters.yml")), "count": 5, "limit": float(sys.argv[2])}
catalog = DataCatalog({f"params:{name}": MemoryDataset(value) for name, value in values.items()})
ran = ThreadRunner(max_workers=2).run(module.create_pipeline(), catalog)
found = ran["join.metrics"]
json.dump({"metrics": found.load() if hasattr(found, "load") else found}, open("join.json", "w"))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiled package beside its notebook and module, and the environment of a worker."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marks").mkdir()
    (tmp_path / "helper.py").write_text("def total(xs):\n    return sum(xs)\n")
    write_notebook(tmp_path / f"{NAME}.ipynb", CELLS)
    monkeypatch.setenv("MARKS", str(tmp_path / "marks"))
    monkeypatch.setenv("TOKEN", "sesame-open")
    monkeypatch.setenv("PATH", f"{ENGINES.parent}:{os.environ['PATH']}")
    assert main(["compile", f"{NAME}.ipynb"]) == 0
    return tmp_path


def exported(engine: str) -> None:
    command = str(Path(sys.executable).parent / "jupyter-pipe")
    assert main(["export", engine, f"{NAME}_pipeline", "--command", command]) == 0


def carried_out(*command: str, **environment: str) -> int:
    """Runs the engine's own command to its end."""
    done = subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=LIMIT_SECONDS)
    return done.returncode


def newest_run() -> Run:
    return RunStore(Path()).list()[0]


def check_runs(run: Callable[[str], int]) -> None:
    """In a root: one that succeeds after an attempt that failed, and one whose gate is false."""
    assert run("1000.0") == 0
    good = newest_run()
    assert (good.state.value, good.metrics) == ("succeeded", {"total": 10 * (5 + len(WORD))})
    assert good.stage("make").attempts == 2
    assert run("1.0") != 0
    failed = newest_run()
    assert failed.run_id != good.run_id
    assert (failed.exit_code, failed.stage("join").attempts) == (3, 1)
    assert not Path("canary").exists()


def check_results(run: Callable[[str], int], result: Callable[[], Path]) -> None:
    """The same with bundles: `result` is where the last stage tells of itself."""
    assert run("1000.0") == 0
    assert json.loads(result().read_text())["metrics"] == {"total": 10 * (5 + len(WORD))}
    assert run("1.0") != 0
    assert not Path("canary").exists()


def test_make(folder: Path) -> None:
    exported("make")
    check_runs(
        lambda limit: carried_out(
            "make", "-j2", "-f", f"{NAME}.mk", JUPYTER_PIPE_COUNT="5", JUPYTER_PIPE_LIMIT=limit
        )
    )


def test_snakemake(folder: Path) -> None:
    exported("snakemake")
    command = ["snakemake", "-s", f"{NAME}.smk", "--cores", "2", "--quiet", "all", "--config", "count=5"]
    check_runs(lambda limit: carried_out(*command, f"limit={limit}"))
    assert carried_out(*command, "nobody=1") != 0


def test_luigi(folder: Path) -> None:
    exported("luigi")
    command = [str(ENGINES), f"{NAME}_luigi.py", "All", "--local-scheduler", "--workers", "2", "--count", "5"]
    check_runs(lambda limit: carried_out(*command, "--limit", limit))


def test_kfp(folder: Path) -> None:
    exported("kfp")
    Path("run.py").write_text(KFP)
    newest = lambda: max(Path("kfp").glob("*/stage-join/pipe_metrics"), key=lambda path: path.stat().st_mtime)  # noqa: E731

    def run(limit: str) -> int:
        carried_out(str(ENGINES), "run.py", f"{NAME}_kfp.py", limit)
        return int(json.loads(newest().read_text())["exit_code"])

    check_results(run, newest)
    assert run("1.0") == 3


def test_kedro(folder: Path) -> None:
    exported("kedro")
    Path("run.py").write_text(KEDRO)
    check_results(
        lambda limit: carried_out(str(ENGINES), "run.py", f"{NAME}_kedro.py", limit),
        lambda: Path("join.json"),
    )


def test_dvc(folder: Path) -> None:
    exported("dvc")
    assert carried_out("dvc", "init", "--no-scm", "--quiet") == 0
    result = Path(".jupyter_pipe/dvc/join.json")

    def run(limit: str) -> int:
        Path("params.yaml").write_text(json.dumps({"count": 5, "limit": float(limit), "word": WORD}))
        return carried_out("dvc", "repro", "--quiet")

    check_results(run, lambda: result)
    assert json.loads(result.read_text())["exit_code"] == 3


@pytest.fixture
def slurm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A controller and one node, on this machine."""
    place = tmp_path_factory.mktemp("slurm")
    (place / "key").write_bytes(os.urandom(1024))
    (place / "key").chmod(0o600)
    configuration = place / "slurm.conf"
    configuration.write_text(SLURM.replace("PLACE", str(place)))
    monkeypatch.setenv("SLURM_CONF", str(configuration))
    munge = ["munged", "--foreground", "--force", f"--socket={place}/munge", f"--key-file={place}/key"]
    munge += [f"--pid-file={place}/munge.pid", f"--log-file={place}/munge.log", f"--seed-file={place}/seed"]
    daemons = [subprocess.Popen(munge)]
    try:
        daemons.append(subprocess.Popen(["slurmctld", "-D", "-f", str(configuration)]))
        daemons.append(subprocess.Popen(["slurmd", "-D", "-f", str(configuration), "-N", "localhost"]))
        _wait(lambda: "idle" in _said("sinfo", "--noheader"))
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(30)


SLURM = """\
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=PLACE/munge
CryptoType=crypto/munge
StateSaveLocation=PLACE
SlurmdSpoolDir=PLACE/spool
SlurmctldPidFile=PLACE/controller.pid
SlurmdPidFile=PLACE/node.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def _wait(until: Callable[[], bool]) -> None:
    """Asks again until it is so; the limit is for a machine that is very busy."""
    ends = time.monotonic() + LIMIT_SECONDS / 2
    while not until():
        assert time.monotonic() < ends
        time.sleep(0.3)


@pytest.mark.usefixtures("slurm")
def test_slurm(folder: Path) -> None:
    exported("slurm")

    def run(limit: str) -> int:
        given = {"JUPYTER_PIPE_COUNT": "5", "JUPYTER_PIPE_LIMIT": limit}
        assert carried_out("bash", f"{NAME}.slurm.sh", **given) == 0
        _wait(lambda: not _said("squeue", "--noheader"))
        return newest_run().exit_code or 0

    check_runs(run)


def test_the_local_run_is_what_engines_are_compared_with(folder: Path) -> None:
    assert main(["run", f"{NAME}.ipynb", "-p", "count=5"]) == 0
    assert newest_run().metrics == {"total": 10 * (5 + len(WORD))}
    shutil.rmtree("marks")
