"""matplotlib's transforms keep their parents by `id`, and pickle them so: in another process the ids are
those of other objects. A new transform could then take the place of a parent, which would hear of no
change any more, and a figure that travelled would be drawn wrong.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["is_transform", "reduce_transform", "restore_transform"]


def is_transform(kind: type) -> bool:
    """Whether the class is a node of matplotlib's graphs of transforms."""
    module = sys.modules.get("matplotlib.transforms")
    node = getattr(module, "TransformNode", None)
    return node is not None and issubclass(kind, node)


def reduce_transform(node: Any) -> tuple[Any, ...]:
    """Constructor, arguments and state, in which the parents have no ids."""
    make, arguments, state = node.__reduce_ex__(5)[:3]
    parents = [parent for parent in state["_parents"].values() if parent is not None]
    return make, arguments, {**state, "_parents": parents}


def restore_transform(node: Any, state: dict[str, Any]) -> None:
    """Fills a bare node from that state, with the ids of this process."""
    node.__setstate__({**state, "_parents": {id(parent): parent for parent in state["_parents"]}})
