"""One attempt at one stage, as its kernel sees it: begin, load inputs, store outputs.

Works on any namespace: a kernel's user namespace, or a plain dict in process. Holds
what the guard needs to know between loading and storing; writes the `StageResult`
atomically.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import checks
from .ambient import Ambience, find_components
from .context import Context, Input, Ref
from .definitions import Definitions
from .errors import CannotTravelError
from .observe.observer import Observer
from .payloads.groups import find_groups
from .payloads.guard import is_changed
from .payloads.payload_file import PayloadFile, payload_path, write_payload
from .payloads.store import mark_verified, open_payload, prepare_store
from .payloads.summary import summarize, type_name
from .payloads.untransferable import find_culprit
from .profiles import make_profile
from .profiles.schemas import ask_schemas
from .secrets.crossing import Secrets
from .secrets.results import masked_result
from .values.decoding import decode
from .values.digest import NoRuleError, content_digest
from .values.encoding import Encoded, encode

__all__ = ["Session"]

_VARIABLE = "os.environ."


@dataclass(frozen=True)
class Guarded:
    """A payload of which a later stage reads `names`, and the values that came out of
    it."""

    from_stage: str
    payload: PayloadFile
    members: dict[str, Any]
    names: tuple[str, ...]


@dataclass
class Session:
    """The stage's context over the namespace that its cells run in."""

    context: Context
    namespace: dict[str, Any]
    guarded: list[Guarded] = field(default_factory=list)
    entered: bool = False

    def __post_init__(self) -> None:
        prepare_store(self.context.store, trust=self.context.trust)
        self.definitions = Definitions(self.context.definitions or {}, self.namespace)
        self.ambience = Ambience((), {})
        self.warnings: list[str] = []
        given = (
            one.component
            for one in self.context.ambient
            if one.component.startswith(_VARIABLE)
        )
        variables = [name[len(_VARIABLE) :] for name in given]
        self.observer = Observer(
            self.namespace, self.context.workdir, self.context.salt, variables
        )
        self._cells = {
            number: cell for cell, number in (self.context.code_cells or {}).items()
        }
        self.secrets = Secrets(
            self.context.secrets, allowed=self.context.allow_secret_values
        )
        self.secret_values: list[str] = []

    def begin(self) -> None:
        """Restores the ambient state that earlier stages left, for the code that is
        replayed."""
        given = {
            one.component: self._read(one.ref)[one.component]
            for one in self.context.ambient
        }
        self.ambience = Ambience(find_components(), given)
        self.ambience.restore()
        self.observer.begin()

    def enter(self, number: int | None = None) -> None:
        """The stage's own cells begin: replayed code may have touched what earlier
        stages left. `number` is that of the cell, where it is known."""
        if number is not None:
            self.observer.enter(self._cells.get(number, ""))
        if not self.entered:
            self.entered = True
            self.definitions.enter()
            self.ambience.enter()

    def load_inputs(self, names: Iterable[str]) -> None:
        """Binds the inputs. Raises PayloadError or DefinitionError."""
        self.definitions.remember()
        wanted = set(names)
        for source in self.context.inputs:
            bound = wanted.intersection(source.names)
            if bound:
                members = self._load(source)
                self.namespace.update(
                    {name: members[name] for name in source.names if name in bound}
                )
        self.enter()

    def _load(self, source: Input) -> dict[str, Any]:
        payload = open_payload(self.context.store, source.ref.artifact)
        members = decode(payload, self.definitions, self.namespace)
        # A member that is not bound here can still be reached through one that is; a
        # name that another payload binds stands for another value.
        others = {
            name
            for one in self.context.inputs
            if one is not source
            for name in one.names
        }
        guarded = set(members).intersection(self.context.protect) - (
            others - set(source.names)
        )
        guarded = guarded.difference(self.context.mutates, self.context.pure)
        if guarded:
            self.guarded.append(
                Guarded(source.from_stage, payload, members, tuple(sorted(guarded)))
            )
        return members

    def _read(self, ref: Ref) -> dict[str, Any]:
        return decode(
            open_payload(self.context.store, ref.artifact),
            self.definitions,
            self.namespace,
        )

    def store_outputs(self, names: Iterable[str]) -> dict[str, Any]:
        """Ends the stage; the result is also written to `context.result`, if that names
        a file."""
        observed = self.observations()
        try:
            result = self._end(list(dict.fromkeys(names)))
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        # Only after the values have been encoded, see `Observer.remove`.
        self.observer.remove()
        result["observed"] = observed
        result = masked_result(result, self.secrets.masker)
        if self.context.result:
            _write_json(self.context.result, result)
        return result

    def observations(self) -> dict[str, Any]:
        """What the stage touched beyond its variables (`Observations`); from here on
        nothing is noted."""
        self.observer.stop()
        observed = self.observer.report()
        self.warnings += [
            f"What {self.context.stage} reads and writes could not be observed completely: {problem}"
            for problem in self.observer.problems
        ]
        return observed

    def _end(self, names: list[str]) -> dict[str, Any]:
        """Stores the outputs and the inputs that were changed in place, and returns the
        stage's result: payloads, metrics, gates, profiles, schemas and warnings, and
        what could not be transported."""
        values, unbound = self._bound(names)
        # Asked first: what was changed in place is stored beside the outputs.
        changed = [one for one in self.guarded if self._is_changed(one)]
        for one in changed:
            values.update(self._values_of(one))

        ambient, drawn = self._store_ambient()
        encoded, failures = self._encode_each(values)
        self._warn_of_drift(set[str]().union(*(one.encoder.used for one in encoded)))

        groups = find_groups(encoded)
        # The groups hold them now, and each is let go once it has been written.
        encoded.clear()
        outputs = [self._store(groups.pop(0), values) for _ in range(len(groups))]

        # Of outputs only: a payload that was changed may hold more than the stage hands
        # on.
        profiles = {
            name: self._profile(name, values[name]) for name in names if name in values
        }
        metrics, errors = checks.read_metrics(
            self.context.metrics, self.namespace, self.secrets.masker.text
        )
        return {
            "outputs": outputs,
            "unbound": unbound,
            "untransportable": failures,
            "changed": [
                {"from_stage": one.from_stage, "names": one.names} for one in changed
            ],
            "ambient": ambient,
            "drawn": drawn,
            "metrics": metrics,
            "metric_errors": errors,
            "gates": checks.evaluate_gates(
                self.context.gates, self.namespace, self.secrets.masker.text
            ),
            "profiles": profiles,
            "schemas": ask_schemas(
                self.context.schemas or {}, self.namespace, self.secrets.masker.text
            ),
            "warnings": [*self.ambience.complaints, *self.warnings],
            "secret_values": self.secret_values,
            "peak_memory_bytes": _peak_memory(),
        }

    def _profile(self, name: str, value: Any) -> dict[str, Any]:
        asked = (self.context.profiled or {}).get(name, {})
        return make_profile(value, **asked, show=self.secrets.masker.text)

    def _bound(self, names: list[str]) -> tuple[dict[str, Any], list[str]]:
        """The values of those names that are bound, and the names that are not."""
        values: dict[str, Any] = {}
        unbound: list[str] = []
        for name in names:
            if name in self.namespace:
                values[name] = self.namespace[name]
            else:
                unbound.append(name)
        return values, unbound

    def _values_of(self, one: Guarded) -> dict[str, Any]:
        """What the names of a payload stand for now, or the members that it had where
        they were deleted."""
        return {name: self.namespace.get(name, one.members[name]) for name in one.names}

    def _warn_of_drift(self, travelling: set[str]) -> None:
        """State in a definition that no output carries would be lost without a word."""
        for name in self.definitions.drifted():
            if name not in travelling:
                self.warnings.append(
                    f"{self.context.stage} changed state that {name!r} keeps in itself (an attribute, a "
                    f"default value, a closure or a cache); later stages start from its source again."
                )

    def _is_changed(self, one: Guarded) -> bool:
        return is_changed(
            one.payload, one.members, one.names, self.definitions, self.namespace
        )

    def _store_ambient(self) -> tuple[list[dict[str, Any]], list[str]]:
        """The parts that the stage changed, stored, and the generators that it drew
        from."""
        self.ambience.leave()
        stored: list[dict[str, Any]] = []
        drawn: list[str] = []
        for component, name, value in self.ambience.changed(self.context.written):
            if component.generator:
                drawn.append(name)
                # An unseeded draw is different in each run of the notebook, too; its
                # state need not be kept.
                if component.name not in self.context.seeded:
                    continue
            try:
                encoded = self._encode({name: value})
                held = self.secrets.held_by(encoded.encoder)
                if held and not self.secrets.allowed:
                    raise CannotTravelError(
                        f"it holds the value of the secret {', '.join(held)}"
                    )
                payload = self._store([encoded], {name: value})
                stored.append(
                    {
                        "component": name,
                        "ref": payload["ref"],
                        "from_stage": self.context.stage,
                    }
                )
            except Exception as error:
                self.warnings.append(
                    f"{name} was changed, but its value cannot travel: {error}"
                )
        return stored, drawn

    def _encode_each(
        self, values: dict[str, Any]
    ) -> tuple[list[Encoded], list[dict[str, Any]]]:
        encoded: list[Encoded] = []
        failures: list[dict[str, Any]] = []
        for name, value in values.items():
            try:
                made = self._encode({name: value})
            except Exception as error:
                failures.append(find_culprit(name, value, error, self._encode))
                continue
            held = self.secrets.held_by(made.encoder)
            if held and not self.secrets.allowed:
                failures.append(self._secret_culprit(name, value, held))
                continue
            self.secret_values += [name] if held else []
            encoded.append(made)
        return encoded, failures

    def _secret_culprit(self, name: str, value: Any, held: list[str]) -> dict[str, Any]:
        path = self.secrets.place_in(name, value, self._holds_secret)
        reason = f"it holds the value of the secret {', '.join(held)}"
        return {
            "name": name,
            "type_name": type_name(value),
            "path": path,
            "reason": reason,
            "secrets": held,
        }

    def _holds_secret(self, value: Any) -> bool:
        try:
            return bool(self.secrets.held_by(self._encode({"part": value}).encoder))
        except Exception:
            return False

    def _encode(self, values: dict[str, Any]) -> Encoded:
        return encode(values, self.definitions, self.namespace)

    def _store(self, group: list[Encoded], values: dict[str, Any]) -> dict[str, Any]:
        """Takes the group apart, so that what has been written needs no memory any
        more."""
        members = {name: values[name] for one in group for name in one.names}
        unordered = [name for one in group for name in one.names if not one.ordered]
        encoded = group.pop()
        # Encoded one by one they are streams apart, in which what they share is twice.
        if group:
            group.clear()
            encoded = self._encode(members)
        regions, layout = encoded.encoder.memory.lay_out()
        shown = self.secrets.masker.text
        description = {
            "names": list(members),
            "types": {name: shown(type_name(value)) for name, value in members.items()},
            "summary": {
                name: summarize(value, shown) for name, value in members.items()
            },
            "definitions": encoded.encoder.used,
        }
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        written = write_payload(
            self.context.store,
            regions,
            encoded.stream,
            layout,
            {**description, "python": python},
        )
        mark_verified(payload_path(self.context.store, written.artifact))
        digest = (
            self._content_digest(members, encoded, layout, written.buffers)
            # No canonical form: then only equal bytes count as an equal value.
            or written.artifact
        )
        return {
            "ref": vars(Ref(written.artifact, digest, written.bytes)),
            **description,
            "unordered": unordered,
        }

    def _content_digest(
        self, members: dict[str, Any], encoded: Encoded, layout: Any, buffers: str
    ) -> str:
        places = encoded.encoder.memory.places(layout)
        try:
            return content_digest((members, buffers), self.definitions, places.get)
        except NoRuleError:
            return ""


def _peak_memory() -> int:
    try:
        import resource
    except ImportError:
        return 0
    # getrusage gives bytes on macOS and KiB on Linux.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _write_json(path: str, value: Any) -> None:
    """Atomic, but not synced: after a power cut the stage runs again anyway."""
    temporary = f"{path}.writing-{os.getpid()}"
    # Halves of surrogate pairs are not text: who reads the file would refuse all of it.
    text = re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(value, ensure_ascii=False))
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
