"""Pipelines drawn by the tests of pictures."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_pipe.model import Edge, Pipeline, Source, Stage


def make_pipeline(
    stages: Iterable[str], edges: Iterable[tuple[str, str, str]]
) -> Pipeline:
    """A pipeline from names and `(from, to, "x, y")`."""
    return Pipeline(
        version=1,
        name="drawn",
        kernel="python3",
        source=Source("drawn.ipynb", "0" * 64),
        stages=tuple(
            Stage(name, (), f"drawn.{name}", f"notebooks/{name}.ipynb")
            for name in stages
        ),
        edges=tuple(
            Edge(a, b, tuple(filter(None, names.split(", ")))) for a, b, names in edges
        ),
    )
