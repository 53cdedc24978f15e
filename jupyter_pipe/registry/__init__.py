"""Versions of models, the aliases that say which one answers, and the proof that a new
one is better.

Takes the bundles of `scoring`; keeps them as MLflow's registered models, so that
whatever loads those can serve them. `registry` finds and points, `saving` writes a
bundle as MLflow's model, `lineage` says what a version came from, `comparing` and
`promotion` decide, `making` gets from a notebook or a run to a version. Loads no bundle
but to compare it, and then only what a key of this user has signed.

    registry = open_registry(folder)            # or a URI, as MLflow takes it
    version = registry.resolve("home_value", "champion")
    load_bundle(version.bundle)

Reading a registry of this machine needs no MLflow and takes milliseconds.
"""

from jupyter_pipe.registry.model import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    ModelVersion,
    Reference,
    parse_reference,
)
from jupyter_pipe.registry.registry import Registry, open_registry

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "PREVIOUS",
    "ModelVersion",
    "Reference",
    "Registry",
    "open_registry",
    "parse_reference",
]
