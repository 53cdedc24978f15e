"""What the process of a preview does: an order in JSON from standard input, the answer
in JSON on standard output.

The order: `store`, `artifact` and `name` of the value, `definitions` of the notebook's
classes, `folder` of the notebook, names of `secrets`, and what may be used of memory
(`bytes`) and time (`seconds`).

The answer: `value`, or a `problem` of some `kind`: `altered`, `gone` (a class or module
is not there any more), `memory` or `loading`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from ..definitions import Definitions
from ..errors import DefinitionError, PayloadError
from ..payloads.store import open_payload
from ..secrets.crossing import Secrets
from ..values.decoding import decode
from .describing import describe

__all__ = ["answer"]

_LONGEST_PROBLEM = 500


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Load the value and describe it. What its classes raise becomes a `problem`."""
    show = Secrets(order.get("secrets", ())).masker.text
    try:
        return {"value": describe(_load(order), show)}
    except MemoryError:
        return {
            "kind": "memory",
            "problem": "it needs more memory than a preview may take",
        }
    except PayloadError as error:
        return _problem("altered", show(str(error)))
    except (DefinitionError, ImportError, AttributeError) as error:
        return _problem("gone", show(_words(error)))
    except Exception as error:
        return _problem("loading", show(_words(error)))


def main() -> None:
    """Answer the order on standard input. What the value's code prints goes where
    errors go."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = json.loads(sys.stdin.buffer.read())
    _limit(int(order["bytes"]), float(order["seconds"]))
    # Last: a `numpy.py` that has come to lie beside the notebook is not what the value
    # was made with.
    sys.path.append(order["folder"])
    said = json.dumps(answer(order))
    answers.write(said)
    answers.flush()
    # Threads and exit handlers of the libraries have nothing to say any more.
    os._exit(0)


def _limit(memory: int, seconds: float) -> None:
    """So many bytes for the process's own data (files that are mapped to be read do not
    count), and so many seconds, also when nobody is left who would end it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(
        resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1])
    )
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _load(order: dict[str, Any]) -> Any:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    payload = open_payload(order["store"], order["artifact"])
    definitions = Definitions(order.get("definitions") or {}, namespace)
    return decode(payload, definitions, namespace)[order["name"]]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _problem(kind: str, problem: str) -> dict[str, Any]:
    return {"kind": kind, "problem": problem[:_LONGEST_PROBLEM]}
