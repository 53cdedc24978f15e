"""Warm kernels: each hazard of forking a Python process, and what happens where it
cannot be done."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import zmq

from jupyter_pipe.artifacts.bootstrap import kernel_folder
from jupyter_pipe.engine.kernels.forked import PRELOADED, ForkedKernels, can_fork
from jupyter_pipe.engine.kernels.lifecycle import FreshKernels, KernelRequest
from jupyter_pipe.events import FailureKind
from jupyter_pipe.kernel import forking
from tests.engine.conftest import Ran, Runs
from tests.engine.packages import Package
from tests.engine.processes import children

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not can_fork(), reason="this system has fresh kernels only"),
]

WHO = (
    "import os, sys, json\n"
    "print(json.dumps([os.getppid(), os.getpid() == os.getsid(0), 'numpy' in sys.modules]))"
)


def printed_by_both(ran: Runs, package: Package) -> str:
    """What stage `a` prints in a forked kernel, which must be what it prints in a fresh
    one."""
    forked, fresh = (
        ran(package, kernels=kind).printed("a") for kind in ("fork", "fresh")
    )
    assert forked == fresh
    return forked


def request_in(folder: Path) -> KernelRequest:
    return KernelRequest("python3", folder, dict(os.environ), folder / "log")


def test_stages_are_children_of_one_parent_with_sessions_of_their_own(
    ran: Runs,
) -> None:
    done = ran(
        Package()
        .stage("a", WHO, imports="numpy")
        .stage("b", WHO, imports="numpy", after=["a"])
    )
    first, second = (json.loads(done.printed(stage)) for stage in ("a", "b"))
    assert first == second
    assert first[0] != os.getpid()
    assert first[1:] == [True, True]
    assert not children()


def test_a_fresh_kernel_on_request(ran: Runs) -> None:
    done = ran(Package().stage("a", WHO, imports="numpy"), kernels="fresh")
    assert json.loads(done.printed("a")) == [os.getpid(), True, False]


def test_after_an_installation_nothing_is_warm(ran: Runs) -> None:
    """What the parent has imported may be what was installed before."""
    package = (
        Package()
        .stage("a", WHO, imports="numpy")
        .stage("b", WHO, imports="numpy", binds="@packages")
    )
    done = ran(package.stage("c", WHO, imports="numpy", reads="@packages"))
    warm = {stage: json.loads(done.printed(stage))[2] for stage in "abc"}
    assert warm == {"a": True, "b": False, "c": False}


def test_every_child_has_entropy_of_its_own(ran: Runs) -> None:
    draw = "import random, numpy as np\nprint(random.random(), np.random.random())"
    done = ran(
        Package().stage("a", draw, imports="numpy").stage("b", draw, imports="numpy")
    )
    drawn = {*done.printed("a").split(), *done.printed("b").split()}
    assert len(drawn) == 4


@pytest.mark.parametrize("name", ["random", "numpy.random", "torch"])
def test_a_generator_that_was_made_before_the_fork_is_seeded_anew(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seeded: list[str] = []
    monkeypatch.setitem(
        sys.modules, name, SimpleNamespace(seed=lambda: seeded.append(name))
    )
    forking.reseed()
    assert seeded == [name]


def test_seeds_give_the_same_numbers_as_anywhere(ran: Runs) -> None:
    import numpy as np

    draw = "import numpy as np\nnp.random.seed(3)\nprint(np.random.random())"
    expected = np.random.RandomState(3).random_sample()
    assert (
        float(ran(Package().stage("a", draw, imports="numpy")).printed("a")) == expected
    )


def test_figures_are_shown_though_matplotlib_was_imported_before(ran: Runs) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint(plt.get_backend())"
    done = ran(Package().stage("a", plot, imports="matplotlib"))
    kinds = [
        sorted(output.get("data", {})) for output in done.executed("a")[0]["outputs"]
    ]
    assert ["image/png", "text/plain"] in kinds
    assert "inline" in done.printed("a")


def test_openmp_runs_in_several_children(ran: Runs) -> None:
    """A parent that had computed would leave children waiting for threads that a fork
    does not copy."""
    fit = (
        "import numpy as np\nfrom sklearn.ensemble import HistGradientBoostingRegressor\n"
        "X = np.arange(400.0).reshape(-1, 1)\n"
        "print(HistGradientBoostingRegressor(max_iter=3).fit(X, X[:, 0]).score(X, X[:, 0]) > 0)\n"
        "print((np.ones((300, 300)) @ np.ones((300, 300)))[0, 0])"
    )
    package = Package()
    for name in ("a", "b", "c"):
        package.stage(name, fit, imports="numpy sklearn", timeout_seconds=120.0)
    done = ran(package)
    assert {done.printed(name) for name in ("a", "b", "c")} == {"True\n300.0\n"}


# What a shell that was made before the fork has to have of its own, or leave as it is
# in every kernel.
OF_ITS_OWN = {
    "namespace": "print(sorted(globals()), __name__, In)",
    "folder": "print(_dh == [__import__('pathlib').Path.cwd()], get_ipython().starting_dir)",
    "environment": "import os, sys\nprint(os.environ['TERM'], os.environ['PAGER'], os.environ['MPLBACKEND'])",
    "main": "print(vars(sys.modules['__main__']) is globals(), sys.path[0])",
    "awaiting": "import asyncio\nprint(await asyncio.sleep(0, 'slept'))",
    "below Python": "n = os.write(1, b'from below\\n')\nimport time; time.sleep(0.2)",
    "a program": "!echo from a program",
    "errors": "sys.stderr.write('first ')\nsys.stderr.write('second')\nsys.stderr.flush()",
    "display": "from IPython.display import display\ndisplay({'a': 1})\nget_ipython().kernel.ident != ''",
    "magics": "%alias_magic t timeit",
    "comms": "import comm\nprint(comm.create_comm(target_name='none').kernel.shell is get_ipython())",
}


def test_a_shell_made_before_the_fork_behaves_as_one_of_its_own(
    ran: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(
        "PYTEST_CURRENT_TEST"
    )  # with it, ipykernel takes nothing from below Python
    package = Package().stage("a", *OF_ITS_OWN.values())
    forked, fresh = (
        ran(package, kernels=kind).executed("a") for kind in ("fork", "fresh")
    )
    for what, one, other in zip(OF_ITS_OWN, forked, fresh, strict=True):
        assert one["outputs"], what
        assert (what, one["outputs"]) == (what, other["outputs"])


def test_at_its_end_a_stage_is_finished_as_by_an_interpreter(
    ran: Runs, tmp_path: Path
) -> None:
    """Its threads, its exit handlers, what it left open, its children."""
    leave = (
        "import atexit, gzip, subprocess, sys, threading, zipfile\n"
        "log = open('log.txt', 'w')\nn = log.write('written, ')\n"
        "done = atexit.register(log.write, 'and left')\n"
        "packed = zipfile.ZipFile('packed.zip', 'w')\npacked.writestr('a', 'b')\n"
        "cycle = [gzip.open('text.gz', 'wt')]\nn = cycle[0].write('in a cycle')\ncycle.append(cycle)\n"
        "threading.Timer(0.2, lambda: open('thread.txt', 'w').write('late')).start()\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    done = ran(Package().stage("a", leave))
    assert done.states() == {"a": "succeeded"}
    assert (tmp_path / "log.txt").read_text() == "written, and left"
    assert (tmp_path / "thread.txt").read_text() == "late"
    assert zipfile.ZipFile(tmp_path / "packed.zip").namelist() == ["a"]
    assert gzip.decompress((tmp_path / "text.gz").read_bytes()) == b"in a cycle"
    assert not children()


def test_a_stage_that_left_nothing_open_is_not_searched_for_files(
    ran: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's own log is a file that is written to, too."""
    monkeypatch.delenv(
        "PYTEST_CURRENT_TEST"
    )  # with it, ipykernel does not write the log through a copy
    look = (
        "ending = __import__('jupyter_pipe_kernel.warm.ending', fromlist=['ending'])\n"
        "print(any(ending._open_for_writing()))\n"
        "file = open('left.txt', 'w')\nprint(any(ending._open_for_writing()))"
    )
    assert ran(Package().stage("a", look)).printed("a") == "False\nTrue\n"


def test_a_stage_that_cannot_begin_says_so(ran: Runs) -> None:
    """The kernel begins it with the first request, and answers that with what went
    wrong."""
    damage = (
        "import glob, os\n"
        "for path in filter(os.path.isfile, glob.glob('.jupyter_pipe/artifacts/**/*', recursive=True)):\n"
        "    os.chmod(path, 0o600)\n    n = open(path, 'wb').write(b'damaged')"
    )
    package = Package().stage(
        "a", "import os\nos.environ['MOOD'] = 'calm'", binds="@os.environ.MOOD"
    )
    package.stage("b", damage, after=["a"])
    package.stage(
        "c",
        "import os\nprint(os.environ['MOOD'])",
        reads="@os.environ.MOOD",
        after=["b"],
    )
    done = ran(package, workers=1)
    assert done.states() == {"a": "succeeded", "b": "succeeded", "c": "failed"}
    failure = done.failure("c")
    assert (failure.ename, failure.kind, failure.position) == (
        "PayloadError",
        FailureKind.internal,
        None,
    )


class Replaying(Package):
    """Its stages replay these cells."""

    def __init__(self, *sources: str) -> None:
        super().__init__()
        self._replayed = sources

    @property
    def files(self) -> dict[str, bytes]:
        return {name: self._with_replays(data) for name, data in super().files.items()}

    def _with_replays(self, data: bytes) -> bytes:
        notebook = json.loads(data)
        model = {
            **notebook["cells"][0],
            "metadata": {"jupyter_pipe": {"role": "replay"}},
        }
        notebook["cells"][:0] = [
            {**model, "id": f"replayed-{number}", "source": source}
            for number, source in enumerate(self._replayed)
        ]
        return json.dumps(notebook).encode()


def executed_cells(done: Ran) -> list[object]:
    """Of each cell, ours and the user's: how it went, its number, and the kinds of its
    outputs."""
    notebook = json.loads(done.folder.executed("a").read_text())
    return [
        (
            cell["metadata"]["papermill"]["status"],
            cell["execution_count"],
            [output["output_type"] for output in cell["outputs"]],
        )
        for cell in notebook["cells"]
    ]


def test_what_is_replayed_runs_with_the_first_request_as_if_one_by_one(
    ran: Runs,
) -> None:
    package = Replaying(
        "import asyncio",
        "n = await asyncio.sleep(0, 3)\nprint('unseen')",
        "%alias_magic t timeit",
    )
    package.stage("a", "print(n)", "n + 1", "In")
    forked, fresh = (ran(package, kernels=kind) for kind in ("fork", "fresh"))
    assert forked.printed("a") == "3\n"
    assert executed_cells(forked) == executed_cells(fresh)
    assert forked.executed("a")[2]["outputs"] == fresh.executed("a")[2]["outputs"]


def test_the_replayed_cell_that_fails_is_told(ran: Runs) -> None:
    package = Replaying(
        "x = 1", "def broken():\n    return 1 / 0\n\nbroken()", "y = 2"
    ).stage("a", "print(x)")
    forked, fresh = (ran(package, kernels=kind) for kind in ("fork", "fresh"))
    assert executed_cells(forked) == executed_cells(fresh)
    assert [status for status, *_ in executed_cells(forked)] == [
        "completed",
        "failed",
        *["pending"] * 4,
    ]
    one, other = forked.failure("a"), fresh.failure("a")
    assert (one.ename, one.line, one.traceback) == (
        "ZeroDivisionError",
        2,
        other.traceback,
    )


def test_no_records_are_made_that_nobody_hears(ran: Runs) -> None:
    look = "log = get_ipython().kernel.log\nprint(log.isEnabledFor(10), log.isEnabledFor(30))"
    more = "get_ipython().parent.parent.log_level = 20\nprint(log.isEnabledFor(10))"
    assert ran(Package().stage("a", look, more)).printed("a") == "False True\nTrue\n"


def test_collected_garbage_of_the_parent_stays_frozen(ran: Runs) -> None:
    done = ran(Package().stage("a", "import gc\nprint(gc.get_freeze_count() > 0)"))
    assert done.printed("a") == "True\n"


def test_a_module_beside_the_notebook_hides_the_library(
    ran: Runs, tmp_path: Path
) -> None:
    (tmp_path / "yaml.py").write_text("mine = True\n")
    done = ran(Package().stage("a", "import yaml\nprint(yaml.mine)", imports="yaml"))
    assert done.printed("a") == "True\n"
    assert [warning.code for warning in done.run.warnings] == ["fresh_kernels"]
    assert "yaml stands beside the notebook" in done.run.warnings[0].message


def test_a_stage_goes_on_when_the_parent_dies_and_the_next_has_a_new_one(
    ran: Runs,
) -> None:
    kill = "import os, signal, time\nparent = os.getppid()\nos.kill(parent, signal.SIGKILL)"
    survive = "while os.getppid() == parent: time.sleep(0.01)\nprint('survived')"
    done = ran(
        Package().stage("a", kill, survive).stage("b", WHO, imports="numpy"), workers=1
    )
    assert done.states() == {"a": "succeeded", "b": "succeeded"}
    assert done.printed("a") == "survived\n"
    parent, *rest = json.loads(done.printed("b"))
    assert parent != os.getpid()
    assert rest == [True, True]
    assert not done.run.warnings
    assert not children()


def test_a_stage_that_dies_after_its_parent_fails(ran: Runs) -> None:
    kill = "import os, signal\nfor pid in (os.getppid(), os.getpid()): os.kill(pid, signal.SIGKILL)"
    done = ran(Package().stage("a", kill))
    failure = done.run.stage("a").failure
    assert failure is not None
    assert failure.kind == FailureKind.kernel_died
    assert not children()


def test_where_parents_keep_dying_kernels_are_fresh(ran: Runs) -> None:
    kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    package = Package()
    for name in "abcd":
        package.stage(name, kill)
    done = ran(package.stage("e", WHO), workers=1)
    assert json.loads(done.printed("e"))[0] == os.getpid()
    assert [warning.code for warning in done.run.warnings] == ["fresh_kernels"]
    assert "was killed 4 times" in done.run.warnings[0].message


def test_a_parent_whose_runner_died_before_it_was_ready_ends(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(kernel_folder() / "forking.py"),
        str(tmp_path / "fork"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as parent:
        assert parent.stdin is not None
        parent.stdin.close()
        try:
            assert parent.wait(180) == 0
        finally:
            parent.kill()


def test_a_cell_that_forks_and_one_that_starts_processes(ran: Runs) -> None:
    fork = (
        # A kernel has threads, of which Python 3.12 and later warn whoever forks.
        "import os, warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n"
        "pid = os.fork()\nif pid == 0:\n    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    pool = "from concurrent.futures import ThreadPoolExecutor\nprint(sum(ThreadPoolExecutor(2).map(int, '123')))"
    assert ran(Package().stage("a", fork, pool)).printed("a") == "7\n6\n"


def test_environment_and_folder_are_the_stage_s_own(ran: Runs, tmp_path: Path) -> None:
    look = "import os\nprint(os.environ['JUPYTER_PIPE_STAGE'], os.getcwd())"
    done = ran(Package().stage("a", look).stage("b", look))
    for name in ("a", "b"):
        assert done.printed(name) == f"{name} {tmp_path}\n"


def test_what_python_shows_of_itself_is_what_a_fresh_kernel_shows(ran: Runs) -> None:
    look = (
        "import gc, signal, sys, warnings\n"
        "print(sys.path, sys.flags, sys.argv[0].rpartition('/')[2], __name__)\n"
        "print([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGCHLD, signal.SIGTERM)])\n"
        "print(warnings.filters, gc.isenabled(), sorted(hash(x) for x in 'abc'))"
    )
    printed_by_both(ran, Package().stage("a", look))


def test_the_command_line_of_a_kernel_is_obeyed(ran: Runs) -> None:
    """Forked kernels read it without ipykernel's parser."""
    look = (
        "shell = get_ipython()\n"
        "given = shell.parent.parent.cli_config\n"
        "print(given.IPKernelApp.pop('connection_file').rpartition('/')[2], given)\n"
        "print(shell.history_manager.hist_file, shell.parent.parent.extra_args)"
    )
    assert printed_by_both(ran, Package().stage("a", look)).endswith(":memory: []\n")


def test_a_client_that_comes_before_its_kernel_soon_tries_again(tmp_path: Path) -> None:
    async def interval() -> int:
        kernel = await FreshKernels().start(request_in(tmp_path))
        try:
            return int(kernel.client.shell_channel.socket.getsockopt(zmq.RECONNECT_IVL))
        finally:
            await kernel.shut_down()

    assert asyncio.run(interval()) == 5


def test_a_kernel_that_has_just_been_killed_can_be_interrupted(tmp_path: Path) -> None:
    """Its parent knows that it is gone, the runner does not yet."""

    async def interrupt() -> None:
        source = ForkedKernels(lambda reason: None)
        try:
            kernel = await source.start(request_in(tmp_path))
            kernel.kill()
            with contextlib.suppress(ProcessLookupError):
                while True:
                    os.kill(kernel.process.pid, 0)
            assert not kernel.exited.done()
            await kernel.interrupt()
            await kernel.shut_down()
        finally:
            source.close()

    asyncio.run(interrupt())


def test_a_cancelled_end_gives_everything_back(tmp_path: Path) -> None:
    """Sockets that stay would block whoever collects them as garbage, for ever."""

    async def cancel() -> bool:
        kernel = await FreshKernels().start(request_in(tmp_path))
        ending = asyncio.ensure_future(kernel.shut_down())
        kernel.exited.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ending
        return bool(kernel.client.context.closed)

    assert asyncio.run(cancel())


def test_options_of_libraries_are_those_of_a_fresh_kernel(ran: Runs) -> None:
    """Some are chosen while the library is imported, by what it finds around it."""
    look = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import matplotlib, numpy, pandas\n"
        "from pandas._config.config import _registered_options\n"
        "print({name: pandas.get_option(name) for name in sorted(_registered_options)})\n"
        "print({name: option.defval for name, option in sorted(_registered_options.items())})\n"
        "print(dict(matplotlib.rcParams), numpy.get_printoptions())"
    )
    shown = printed_by_both(
        ran, Package().stage("a", look, imports="pandas matplotlib")
    )
    assert "'display.max_columns': 20" in shown


def test_preloading_starts_no_python_thread() -> None:
    """What the parent would refuse to fork after."""
    code = (
        "import importlib, threading\n"
        f"for name in {sorted({m for ms in PRELOADED.values() for m in ms})!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ImportError: pass\n"
        "raise SystemExit(threading.active_count() - 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_listens_for_others(ran: Runs) -> None:
    """The parent's socket lies in a folder that only its owner can enter."""
    look = (
        "import os, stat\nfolder = os.readlink(f'/proc/{os.getppid()}/cwd')\n"
        "print(*(oct(stat.S_IMODE(os.stat(path).st_mode)) for path in (folder, folder + '/fork')))"
    )
    assert ran(Package().stage("a", look)).printed("a") == "0o700 0o600\n"
