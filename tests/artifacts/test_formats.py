"""Formats that other distributions add."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.kernel.errors import PayloadError
from jupyter_pipe.kernel.plugins import find_plugins, read_entry_points
from tests.artifacts.stages import Stages

PLUGIN = """
import numpy
class Cloud:
    def __init__(self, points):
        self.points = points
        self.handle = (x for x in "what pickle refuses")
class Clouds:
    kind = "clouds_of_test.Cloud"
    def dump(self, value): return {"points": value.points}
    def load(self, stored): return Cloud(stored["points"])
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "clouds_of_test.py").write_text(PLUGIN)
    folder = tmp_path / "clouds-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text(
        "[jupyter_pipe.formats]\ncloud = clouds_of_test:Clouds\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    find_plugins.cache_clear()
    yield folder
    find_plugins.cache_clear()


def test_a_format_stores_what_pickle_refuses(stages: Stages, plugin: Path) -> None:
    code = "import numpy as np, clouds_of_test as ct\na = np.arange(5.0)\nc = [ct.Cloud(a)]"
    stages.run("A", code, "a c")
    assert stages.groups("A") == [("a", "c")]
    stages.run(
        "B", "c[0].points[0] = 7\nassert a[0] == 7", inputs={"A": "a c"}, protect=("a",)
    )
    assert stages.results["B"].changed[0].names == ("a",)
    stages.run("same", code, "a c")
    assert stages.ref("same", "c").digest == stages.ref("A", "c").digest


def test_a_format_that_is_missing_is_told(stages: Stages, plugin: Path) -> None:
    stages.run("A", "import clouds_of_test as ct\nc = ct.Cloud(1)", "c")
    (plugin / "entry_points.txt").unlink()
    read_entry_points.cache_clear()
    find_plugins.cache_clear()
    with pytest.raises(PayloadError, match="format that is not installed"):
        stages.run("B", inputs={"A": "c"})
