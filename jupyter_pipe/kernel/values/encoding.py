"""From values to a stream: tries what is cheapest first.

Plain pickle, cloudpickle where plain pickle refuses, a second pass where object arrays
share memory, where sets would lose their order, or where a NaN would become another
one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..definitions import Definitions
from .encoder import Encoder, SetEncoder
from .memory.arrays import overlapping, root_of
from .nans import may_hold_nan
from .ordered_sets import Recipe, find_recipe, keeps_order
from .plain_containers import ATOMS, mutable_parts

__all__ = ["Encoded", "encode"]

_SET_OPCODES = (b"\x8f", b"\x91")


@dataclass(eq=False)
class Encoded:
    """Values as a stream and the memory that it refers to, before they have a place in
    a file.

    `ordered` is False if a set in them will iterate differently once it has been
    loaded.
    """

    values: dict[str, Any]
    encoder: Encoder
    ordered: bool
    sets: dict[int, Any]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    @property
    def stream(self) -> memoryview:
        return self.encoder.file.getbuffer()

    def members(self) -> dict[int, Any]:
        """Every object that the values reach and pickle tells apart, by id; of flat
        values only those that can change."""
        parts = [mutable_parts(value) for value in self.values.values()]
        known = _memo(self.encoder) if None in parts else {}
        for part in parts:
            known.update(part or {})
        return {**known, **self.sets, **self.encoder.nans.own()}


def encode(
    values: dict[str, Any], definitions: Definitions, namespace: dict[str, Any]
) -> Encoded:
    """Raises CannotTravelError, or whatever the classes of the values raise."""
    with warnings.catch_warnings():
        # What a class warns of when it is pickled is not what the user's cell did.
        warnings.simplefilter("ignore")
        try:
            return _encode(values, definitions, namespace, cloudpickle=None)
        # Plain pickle first: it needs nothing installed, and most values pass.
        except Exception as plain:
            try:
                import cloudpickle
            except ImportError:
                raise plain from None
            return _encode(values, definitions, namespace, cloudpickle=cloudpickle)


def _encode(
    values: dict[str, Any],
    definitions: Definitions,
    namespace: dict[str, Any],
    cloudpickle: Any,
) -> Encoded:
    encoder = Encoder(definitions, namespace, cloudpickle=cloudpickle)
    encoder.dump(values)
    shared = _shared_owners(encoder)
    stream = encoder.file.getvalue()
    recipes, ordered, sets = _recipes(encoder, stream)
    if shared or recipes or may_hold_nan(stream):
        encoder = SetEncoder(
            definitions,
            namespace,
            cloudpickle=cloudpickle,
            shared=shared,
            recipes=recipes,
        )
        encoder.dump(values)
    return Encoded(values, encoder, ordered, sets)


def _memo(encoder: Encoder) -> dict[int, Any]:
    return {key: entry[1] for key, entry in encoder.memo.copy().items()}


def _shared_owners(encoder: Encoder) -> frozenset[int]:
    """The owners of object arrays of which the values hold more than one overlapping
    view."""
    found: set[int] = set()
    for cluster in overlapping(encoder.objects.spans):
        # One view alone is pickled with its elements, as any array of objects.
        if len(cluster) > 1:
            found.update(
                id(root_of(encoder.objects.arrays[span.number])) for span in cluster
            )
    return frozenset(found)


def _recipes(
    encoder: Encoder, stream: bytes
) -> tuple[dict[int, Recipe], bool, dict[int, Any]]:
    """Recipes for the sets whose order pickle would lose, by id; whether that saves all
    of them; and those sets themselves."""
    # A byte may be there by chance, which costs a look at the memo, and nothing else.
    if not any(opcode in stream for opcode in _SET_OPCODES):
        return {}, True, {}
    members = _memo(encoder)
    found = {
        key: one
        for key, one in members.items()
        # A frozenset is made in one go, so no order of insertion can be given for it.
        if type(one) in (set, frozenset) and not keeps_order(one)
    }
    recipes = {
        key: find_recipe(one)
        for key, one in found.items()
        if type(one) is set and _is_flat(one)
    }
    kept = {key: recipe for key, recipe in recipes.items() if recipe is not None}
    return kept, len(kept) == len(found), {key: found[key] for key in kept}


def _is_flat(items: Iterable[Any]) -> bool:
    """Whether the elements cannot lead back to the set."""
    return all(
        type(item) in ATOMS or (type(item) is tuple and _is_flat(item))
        for item in items
    )
