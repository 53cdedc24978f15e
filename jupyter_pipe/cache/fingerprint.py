"""What a stage's result depends on, as named components.

A fingerprint is compared as a whole (`key`) and explained part by part (`explain`), so
that a plan can say "code changed in cell 7" instead of "stale". Pure: no I/O.

The key finds candidates; it is the first of two levels, as in ccache's manifests.
Files, folders, variables and generators' states are not part of it: each entry says
which of them its stage used, so that an unseeded draw upstream reruns only stages that
draw, and a new file only stages that listed its folder.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

__all__ = ["Fingerprint", "digest_of", "explain", "in_short"]


class Fingerprint(Struct, frozen=True):
    """The components, each a mapping from what it names to a digest or a short value.

    `code` maps cell ids (and `replay:NAMES`) in order to the digest of their normalised
    source, `parameters` names to Python literals, `inputs` names to content digests,
    `modules` relative paths to file digests, `versions` distributions to versions,
    `ambient` components to digests, `settings` whatever else (Python's minor version,
    serialiser).
    """

    code: dict[str, str] = {}
    parameters: dict[str, str] = {}
    inputs: dict[str, str] = {}
    modules: dict[str, str] = {}
    versions: dict[str, str] = {}
    ambient: dict[str, str] = {}
    settings: dict[str, str] = {}

    @property
    def key(self) -> str:
        """The sha256 that addresses the stage's entries. Cell ids do not count, their
        order does."""
        parts = [
            # By digest alone: a cell that got another id, as on a copy of the notebook,
            # has the same code.
            tuple(self.code.values()),
            *(
                tuple(sorted(part.items()))
                for part in (
                    self.parameters,
                    self.inputs,
                    self.modules,
                    self.versions,
                    self.ambient,
                    self.settings,
                )
            ),
        ]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def digest_of(text: str) -> str:
    """The sha256 of a text."""
    # A source may hold half of a surrogate pair, which UTF-8 refuses.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def explain(
    before: Fingerprint,
    after: Fingerprint,
    *,
    cell_numbers: Mapping[str, int | None],
    sources: Mapping[str, str],
) -> str:
    """Why a stage must run, in one phrase, from what differs; empty if nothing does.

    `cell_numbers` gives the number of each cell, `sources` the stage that each input
    comes from.
    """
    reasons = [
        *_code_reasons(before.code, after.code, cell_numbers),
        *_value_reasons("parameter", before.parameters, after.parameters),
        *(
            f"input {name} from {sources[name]} changed"
            if name in sources
            else f"input {name} changed"
            for name in _different(before.inputs, after.inputs)
        ),
        *(f"{path} changed" for path in _different(before.modules, after.modules)),
        *_value_reasons("", before.versions, after.versions),
        *(
            f"{component} changed"
            for component in _different(before.ambient, after.ambient)
        ),
        *_value_reasons("", before.settings, after.settings),
    ]
    return in_short(reasons)


def in_short(reasons: Sequence[str]) -> str:
    """The first two reasons, and how many more there are."""
    return ", ".join(reasons[:2]) + (
        f" and {len(reasons) - 2} more" if len(reasons) > 2 else ""
    )


def _code_reasons(
    before: Mapping[str, str],
    after: Mapping[str, str],
    numbers: Mapping[str, int | None],
) -> Iterable[str]:
    """Which cells and definitions are new, in words; silent if the code is what it
    was."""
    if list(before.values()) == list(after.values()):
        return
    # Cells are told by digest, so that one that only moved is not called changed.
    known = set(before.values())
    cells = [name for name, digest in after.items() if digest not in known]
    if not cells:
        yield "cells removed or reordered"
        return
    replays = []
    places = []
    for name in cells:
        if name.startswith("replay:"):
            replays.append(name.removeprefix("replay:"))
        else:
            places.append(str(numbers.get(name) or name))
    if places:
        yield f"code changed in cell{'s' if len(places) > 1 else ''} {', '.join(places)}"
    if replays:
        yield f"definition of {', '.join(replays)} changed"


def _value_reasons(
    word: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterable[str]:
    for name in _different(before, after):
        old, new = before.get(name), after.get(name)
        label = f"{word} {name}: " if word else f"{name} "
        if old is None:
            yield f"{label}{new} is new"
        elif new is None:
            yield f"{label.rstrip(': ')} is gone"
        else:
            arrow = f"{old} -> {new}"
            yield f"{label}{arrow}"


def _different(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name in {**after, **before} if before.get(name) != after.get(name)]
