"""Where a service keeps what is its own: `.jupyter_pipe/serving/NAME`, with its request
log in `log`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["log_folder", "model_folder"]


def model_folder(root: Path, target: str) -> Path:
    """The folder of a model: `target` is its name, with or without an alias, or the
    folder of a bundle."""
    name = (
        Path(target).absolute().name
        if Path(target).is_dir()
        else target.partition("@")[0]
    )
    return root / ".jupyter_pipe" / "serving" / name


def log_folder(root: Path, target: str) -> Path:
    """The folder of its request log."""
    return model_folder(root, target) / "log"
