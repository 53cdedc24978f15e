"""The source of a model in the registry: the version that an alias, or a number, names
at the moment."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.errors import PipeError, RegistryError, UntrustedError
from jupyter_pipe.registry import (
    CHAMPION,
    ModelVersion,
    Registry,
    open_registry,
    parse_reference,
)
from jupyter_pipe.serving.sources import Release, SourceAwayError, bundle_digest

__all__ = ["RegistrySource"]


class RegistrySource:
    """`text` is `NAME`, `NAME@ALIAS` or `NAME@4`; `root` is the folder whose registry
    is asked."""

    def __init__(self, text: str, root: Path, registry: Registry | None = None) -> None:
        reference = parse_reference(text)
        self._name = reference.name
        self._which = reference.which or CHAMPION
        self._registry = registry or open_registry(root=root)
        self._known: tuple[int, str, Release] | None = None

    def check(self) -> None:
        """Raise RegistryError for a model that nobody registered. That no version has
        the alias yet, and a registry that is away, are no mistakes: a service waits for
        both."""
        try:
            self._registry.versions(self._name) or self._registry.find(
                self._name, self._which
            )
        except RegistryError as error:
            if error.code != "registry_away":
                raise

    def current(self) -> Release | None:
        """The version; None for an alias that no version has, other than the
        champion's."""
        try:
            version = self._registry.find(self._name, self._which)
            if self._known is None or self._known[:2] != (
                version.number,
                version.digest,
            ):
                release = self._release(
                    self._registry.resolve(self._name, version.number)
                )
                self._known = (version.number, version.digest, release)
        except RegistryError as error:
            if error.code == "registry_away":
                raise SourceAwayError(error.message) from None
            if error.code == "model_unknown" and self._which != CHAMPION:
                return None
            raise
        return self._known[2]

    def _release(self, version: ModelVersion) -> Release:
        if version.bundle is None:
            raise PipeError(
                f"The files of {version.label} are not here.", code="version_unusable"
            )
        digest = bundle_digest(version.bundle)
        if digest != version.digest:
            raise UntrustedError(
                f"The bundle of {version.label} is not the one that was registered.",
                code="scorer_untrusted",
            )
        return Release(version.name, str(version.number), version.bundle, digest)
