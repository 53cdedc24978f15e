"""Writes a package to disk. Raises PipeError."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.bundle import MANIFEST, load_bundle
from jupyter_pipe.serving.live.models import Model, load_model
from jupyter_pipe.serving.packaging.files import Package, package_files
from jupyter_pipe.serving.sources import Release

__all__ = ["write_mlflow_model", "write_package"]


def write_package(
    target: str, release: Release, folder: Path, image: str, *, trust: bool = False
) -> list[str]:
    """Write the package of a version into a folder that is not there yet, or empty.
    Returns its files.

    The version repeats its golden rows first, and its signature is checked, since where
    the package runs nobody has the key.
    """
    _require_free(folder)
    model = load_model(release, trust=trust)
    files = package_files(target, Package(model.manifest, release.version, image))
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8", newline="\n")
        _copy_bundle(release.folder, model, made / "bundle")
        # The copy is loaded as well: what was copied is what is shipped.
        load_bundle(made / "bundle", trust=trust)
        os.chmod(made, 0o755)  # noqa: S103 - made for one user alone, meant to be built from
        if folder.exists():
            folder.rmdir()
        # Last, so that a folder of this name is a whole package.
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return sorted([*files, "bundle/"])


def write_mlflow_model(release: Release, folder: Path, *, trust: bool = False) -> None:
    """Write the version as a model of MLflow, which loads where nobody has the key that
    signed it."""
    from jupyter_pipe.registry.saving import save_model

    _require_free(folder)
    model = load_model(release, trust=trust)
    if folder.exists():
        folder.rmdir()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(scratch) / "bundle"  # MLflow keeps the name of the folder
        _copy_bundle(release.folder, model, bundle)
        save_model(bundle, folder, packaged=True, trust=trust)


def _copy_bundle(source: Path, model: Model, target: Path) -> None:
    target.mkdir()
    for name in (MANIFEST, *model.manifest.digests):
        shutil.copyfile(source / name, target / name)


def _require_free(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise PipeError(
            f"The folder '{folder}' is not empty.",
            code="export_exists",
            hint="Name another one: -o FOLDER",
        )
