"""One attempt at one stage, as its kernel sees it: begin, load inputs, store outputs.

Works on any namespace: a kernel's user namespace, or a plain dict in process. Holds what the guard
needs to know between loading and storing; writes the `StageResult` atomically.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import checks
from .context import Context, Input, Ref
from .culprit import find_culprit
from .decoder import decode
from .definitions import Definitions
from .digest import NoRuleError, content_digest
from .encoder import Encoded, encode
from .groups import find_groups
from .payload import PayloadFile, payload_path, write_payload
from .store import mark_verified, open_payload, prepare_store
from .summary import summarize, type_name

__all__ = ["Session"]


@dataclass
class Loaded:
    """A payload in use and the values that came out of it."""

    source: Input
    payload: PayloadFile
    members: dict[str, Any]


@dataclass
class Session:
    """The stage's context over the namespace that its cells run in."""

    context: Context
    namespace: dict[str, Any]
    loaded: list[Loaded] = field(default_factory=list)

    def __post_init__(self) -> None:
        prepare_store(self.context.store, trust=self.context.trust)
        self.definitions = Definitions(self.context.definitions or {}, self.namespace)

    def begin(self) -> None:
        """Restores the ambient state that earlier stages left and remembers it."""

    def load_inputs(self, names: Iterable[str]) -> None:
        """Binds the inputs. Raises PayloadError or DefinitionError."""
        wanted = set(names)
        for source in self.context.inputs:
            bound = wanted.intersection(source.names)
            if bound:
                members = self._load(source)
                self.namespace.update({name: members[name] for name in source.names if name in bound})

    def _load(self, source: Input) -> dict[str, Any]:
        payload = open_payload(self.context.store, source.ref.artifact)
        members = decode(payload, self.definitions, self.namespace)
        self.loaded.append(Loaded(source, payload, members))
        return members

    def store_outputs(self, names: Iterable[str]) -> dict[str, Any]:
        """Ends the stage; the result is also written to `context.result`, if that names a file."""
        try:
            result = self._end(list(dict.fromkeys(names)))
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        if self.context.result:
            _write_json(self.context.result, result)
        return result

    def _end(self, names: list[str]) -> dict[str, Any]:
        unbound = [name for name in names if name not in self.namespace]
        values = {name: self.namespace[name] for name in names if name in self.namespace}
        encoded, failures = self._encode_each(values)
        outputs = [self._store(group, values) for group in find_groups(encoded)]
        metrics, errors = checks.read_metrics(self.context.metrics, self.namespace)
        return {
            "outputs": outputs,
            "unbound": unbound,
            "untransportable": failures,
            "metrics": metrics,
            "metric_errors": errors,
            "gates": checks.evaluate_gates(self.context.gates, self.namespace),
            "peak_memory_bytes": _peak_memory(),
        }

    def _encode_each(self, values: dict[str, Any]) -> tuple[list[Encoded], list[dict[str, str]]]:
        encoded: list[Encoded] = []
        failures: list[dict[str, str]] = []
        for name, value in values.items():
            try:
                encoded.append(self._encode({name: value}))
            except Exception as error:  # noqa: PERF203
                failures.append(find_culprit(name, value, error, self._encode))
        return encoded, failures

    def _encode(self, values: dict[str, Any]) -> Encoded:
        return encode(values, self.definitions, self.namespace)

    def _store(self, group: list[Encoded], values: dict[str, Any]) -> dict[str, Any]:
        members = {name: values[name] for one in group for name in one.names}
        encoded = group[0] if len(group) == 1 else self._encode(members)
        regions, layout = encoded.encoder.memory.lay_out()
        description = {
            "names": list(members),
            "types": {name: type_name(value) for name, value in members.items()},
            "summary": {name: summarize(value) for name, value in members.items()},
            "definitions": encoded.encoder.used,
        }
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        written = write_payload(
            self.context.store, regions, encoded.stream, layout, {**description, "python": python}
        )
        mark_verified(payload_path(self.context.store, written.artifact))
        digest = self._content_digest(members, encoded, layout, written.buffers) or written.artifact
        return {"ref": vars(Ref(written.artifact, digest, written.bytes)), **description, "unordered": []}

    def _content_digest(self, members: dict[str, Any], encoded: Encoded, layout: Any, buffers: str) -> str:
        arrays = encoded.encoder.memory.arrays
        places = {id(array): place for array, place in zip(arrays, layout[0], strict=True)}
        try:
            return content_digest((members, buffers), self.definitions, places)
        except NoRuleError:
            return ""


def _peak_memory() -> int:
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _write_json(path: str, value: Any) -> None:
    temporary = f"{path}.writing-{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
