from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.registry import Registry, open_registry
from jupyter_pipe.registry.making import Subject
from jupyter_pipe.registry.writing import Writer, open_writer
from tests.registry.models import BAD, register, subject


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of MLflow: its migrations take seconds, a copy none."""
    root = tmp_path_factory.mktemp("template")
    open_writer(open_registry(root).address)
    return root / ".jupyter_pipe" / "mlflow.db"


@pytest.fixture
def registry(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    """A registry without models."""
    return _empty(template, tmp_path / "project", monkeypatch)


def _empty(template: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    (root / ".jupyter_pipe").mkdir(parents=True)
    shutil.copyfile(template, root / ".jupyter_pipe" / "mlflow.db")
    return open_registry(root)


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    """Scorers: `good` and `better` of other data, `bad` knows the mean alone."""
    folder = tmp_path_factory.mktemp("subjects")
    return {
        "bad": subject(folder, model=BAD, seed=3, run="r-bad"),
        "good": subject(folder, seed=4, run="r-good"),
        "same": subject(folder, seed=4, run="r-same"),
        "worse": subject(folder, model=BAD, seed=5, run="r-worse"),
        "undeclared": subject(folder, seed=3, metric="", run="r-undeclared"),
    }


@pytest.fixture(scope="session")
def shelf(
    template: Path,
    subjects: dict[str, Subject],
    tmp_path_factory: pytest.TempPathFactory,
) -> Registry:
    """A registry with versions 1 `bad` and 2 `good`, to look at and not to change."""
    with pytest.MonkeyPatch.context() as patch:
        made = _empty(template, tmp_path_factory.mktemp("shelf") / "project", patch)
    register(made, subjects["bad"])
    register(made, subjects["good"])
    return made


@pytest.fixture
def filled(shelf: Registry, tmp_path: Path) -> Registry:
    """A copy of the shelf, to change. It lies elsewhere, as a project that was
    moved."""
    root = tmp_path / "moved"
    shutil.copytree(shelf.address.root, root)
    return open_registry(root)


class KilledError(BaseException):
    """Stands for a kill: nothing is caught or put right."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Calling it makes the process die after the given number of writes."""

    def after(writes: int) -> None:
        left = [writes]
        for name in ("point", "tag_model", "tag_version"):
            original = getattr(Writer, name)

            def counted(
                self: Writer, *args: object, original: object = original
            ) -> object:
                if left[0] == 0:
                    raise KilledError
                left[0] -= 1
                return original(self, *args)  # type: ignore[operator]

            monkeypatch.setattr(Writer, name, counted)

    return after
