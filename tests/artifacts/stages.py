"""Stages without kernels: code in plain namespaces, values through the real payload
files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts import ArtifactRef, StageResult
from jupyter_pipe.artifacts.protocol import AmbientValue, InputPayload, StageContext
from jupyter_pipe.kernel.context import parse_context
from jupyter_pipe.kernel.session import Session


def definition(source: str) -> dict[str, Any]:
    return {
        "source": source,
        "digest": hashlib.sha256(source.encode()).hexdigest(),
        "cell_id": "d",
    }


def execute(code: str, namespace: dict[str, Any]) -> None:
    """As a kernel does: without the future imports of this file."""
    exec(compile(code, "<cell>", "exec", dont_inherit=True), namespace)


class Stages:
    """Runs pieces of code one after the other, each in a namespace of its own."""

    def __init__(self, folder: Path, **definitions: str) -> None:
        self.store = str(folder / "artifacts")
        self.definitions = {
            name: definition(source) for name, source in definitions.items()
        }
        self.results: dict[str, StageResult] = {}
        self.sessions: dict[str, Session] = {}

    def run(
        self,
        name: str,
        code: str = "",
        outputs: str = "",
        *,
        inputs: dict[str, str] | None = None,
        ambient: tuple[AmbientValue, ...] = (),
        values: dict[str, Any] | None = None,
        replays: str = "",
        replays_all: bool = False,
        **options: Any,
    ) -> dict[str, Any]:
        """`inputs` maps a stage to the names that it gives. The namespace after the
        stage."""
        namespace: dict[str, Any] = {
            "__name__": "__main__",
            **({"values": values} if values else {}),
        }
        definitions = options.pop("definitions", self.definitions)
        context = StageContext(
            run_id="r",
            stage=name,
            attempt=1,
            store=self.store,
            result="",
            workdir="",
            ambient=ambient,
            inputs=tuple(
                one
                for source, names in (inputs or {}).items()
                for one in self._inputs(source, names)
            ),
            definitions=definitions,
            **options,
        )
        session = Session(parse_context(msgspec.to_builtins(context)), namespace)
        session.begin()
        execute(replays, namespace)
        for known in definitions.values() if replays_all else ():
            execute(known["source"], namespace)
        session.load_inputs([name for one in context.inputs for name in one.names])
        for known in definitions.values():
            if known["cell_id"] == name:
                execute(known["source"], namespace)
        execute(code, namespace)
        result = msgspec.convert(session.store_outputs(outputs.split()), StageResult)
        assert not result.error, result.error
        self.results[name], self.sessions[name] = result, session
        return namespace

    def _inputs(self, source: str, names: str) -> list[InputPayload]:
        wanted = set(names.split())
        return [
            InputPayload(
                stored.ref,
                tuple(name for name in stored.names if name in wanted),
                source,
            )
            for stored in self.results[source].outputs
            if wanted.intersection(stored.names)
        ]

    def ref(self, stage: str, name: str) -> ArtifactRef:
        return next(one.ref for one in self.results[stage].outputs if name in one.names)

    def groups(self, stage: str) -> list[tuple[str, ...]]:
        return [one.names for one in self.results[stage].outputs]
