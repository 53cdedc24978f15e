"""Compiled packages without the compiler: stages as lists of cells, with their effects
written out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.compiler.graph import resolve
from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.model import (
    Effect,
    EffectKind,
    Gate,
    Metric,
    Parameter,
    Pipeline,
    Source,
    Stage,
    StageOptions,
    to_json,
)
from jupyter_pipe.runs import RunOptions, RunStore


def request_of(package: Path, *, root: Path | None = None, **given: Any) -> RunRequest:
    """A run of a written package; `given` are fields of the request and of its
    options."""
    options = {
        name: given.pop(name) for name in RunOptions.__struct_fields__ if name in given
    }
    target = open_target(package, None if root is None else RunStore(root))
    return RunRequest(target=target, options=RunOptions(**options), **given)


class Package:
    """A package in the making: `stage` adds one, `write` writes it beside its
    notebook."""

    def __init__(self, kernel: str = "python3") -> None:
        self.kernel = kernel
        self.parameters: tuple[Parameter, ...] = ()
        self._stages: list[Stage] = []
        self._cells: dict[str, list[str]] = {}

    def stage(
        self,
        name: str,
        *cells: str,
        reads: str = "",
        binds: str = "",
        mutates: str = "",
        after: Sequence[str] = (),
        metrics: str = "",
        gates: Mapping[str, str] = {},
        parameters: str = "",
        imports: str = "",
        opens: str = "",
        writes: str = "",
        **options: object,
    ) -> Package:
        """`reads`, `binds`, `mutates`, `metrics`, `parameters`, `imports` are words,
        `opens` and `writes` files; `gates` maps an expression to the names that it
        reads; `options` are those of `StageOptions`."""
        reads = " ".join([reads, *(f"file:{name}" for name in opens.split())])
        binds = " ".join([binds, *(f"file:{name}" for name in writes.split())])
        kinds = {
            EffectKind.reads: reads,
            EffectKind.binds: binds,
            EffectKind.mutates: mutates,
        }
        effects = [
            Effect(word, kind)
            for kind, words in kinds.items()
            for word in words.split()
        ]
        effects += [Effect(word, EffectKind.reads) for word in mutates.split()]
        self._cells[name] = list(cells)
        self._stages.append(
            Stage(
                name,
                cells=tuple(
                    f"{name}-{number}" for number, _ in enumerate(cells, start=1)
                ),
                module=f"p/{name}.py",
                notebook=f"notebooks/{name}.ipynb",
                effects=tuple(effects),
                after=tuple(after),
                metrics=tuple(Metric(word) for word in metrics.split()),
                gates=tuple(
                    Gate(text, tuple(names.split())) for text, names in gates.items()
                ),
                parameters=tuple(parameters.split()),
                imports=tuple(imports.split()),
                options=msgspec.convert(options, StageOptions),
            )
        )
        return self

    @property
    def pipeline(self) -> Pipeline:
        wiring = resolve(self._stages)
        stages = tuple(
            msgspec.structs.replace(
                stage,
                inputs=wiring.inputs[stage.name],
                outputs=wiring.outputs[stage.name],
            )
            for stage in self._stages
        )
        return Pipeline(
            1,
            "p",
            self.kernel,
            Source("../p.ipynb", "0"),
            parameters=self.parameters,
            stages=stages,
            edges=wiring.edges,
        )

    @property
    def files(self) -> dict[str, bytes]:
        return {stage.notebook: self._notebook(stage) for stage in self._stages}

    def write(self, folder: Path) -> Path:
        """Write the notebook `p.ipynb` and the package `p_pipeline`; return the
        latter."""
        package = folder / "p_pipeline"
        for name, data in self.files.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (package / "pipeline.json").write_bytes(to_json(self.pipeline))
        (folder / "p.ipynb").write_text(json.dumps(self._source()))
        return package

    def _source(self) -> dict[str, object]:
        cells = [
            _cell(f"{stage.name}-{number}", source, None)
            for stage in self._stages
            for number, source in enumerate(self._cells[stage.name], start=1)
        ]
        return _notebook(cells)

    def _notebook(self, stage: Stage) -> bytes:
        own = [
            _cell(cell_id, source, "cell", source_cell=cell_id)
            for cell_id, source in zip(
                stage.cells, self._cells[stage.name], strict=True
            )
        ]
        for cell in own:
            if stage.parameters and any(
                name in str(cell["source"]) for name in stage.parameters
            ):
                cell["metadata"]["tags"] = ["parameters"]  # type: ignore[index]
        return json.dumps(_notebook(own)).encode()


def _notebook(cells: list[dict[str, object]]) -> dict[str, object]:
    metadata = {
        "kernelspec": {
            "name": "python3",
            "language": "python",
            "display_name": "Python 3",
        }
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(
    cell_id: str, source: str, role: str | None, **more: str
) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"jupyter_pipe": {"role": role, **more}} if role else {},
        "outputs": [],
        "source": source,
    }
