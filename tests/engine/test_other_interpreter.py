from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.conftest import Runs
from tests.engine.environments import make_environment, write_kernelspec
from tests.engine.packages import Package

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("environment") / "venv")


def test_a_kernel_of_another_environment_needs_nothing_of_ours(
    ran: Runs, tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_kernelspec(tmp_path / "jupyter", "other", python)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    look = """\
import importlib.util, sys
print(sys.prefix)
print([name for name in ('jupyter_pipe', 'cloudpickle', 'msgspec') if importlib.util.find_spec(name)])
values = {'a': [1, 2]}
same = values['a']
"""
    done = ran(
        Package(kernel="other")
        .stage("make", look, binds="values same", metrics="")
        .stage(
            "use", "print(values['a'] is same, values)", "1 / 0", reads="values same"
        )
    )
    assert done.printed("make").splitlines() == [str(python.parent.parent), "[]"]
    assert done.printed("use") == "True {'a': [1, 2]}\n"
    assert done.failure("use").line == 1
