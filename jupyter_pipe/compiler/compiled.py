"""What compiling gives."""

from msgspec import Struct

from jupyter_pipe.model import Pipeline

__all__ = ["Compiled"]


class Compiled(Struct, frozen=True):
    """`files` maps paths in the package, with forward slashes, to their bytes."""

    pipeline: Pipeline
    files: dict[str, bytes]
