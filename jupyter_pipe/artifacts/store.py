"""The content-addressed store, seen from the host:
`.jupyter_pipe/artifacts/ab/abcd….payload`.

Kernels write payloads (see `jupyter_pipe.kernel.payloads.payload_file` for the format);
here they are found, verified, loaded for reports and comparisons, and removed. Raises
ArtifactError and UntrustedError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.artifacts.protocol import ArtifactRef
from jupyter_pipe.errors import ArtifactError, UntrustedError
from jupyter_pipe.kernel.errors import (
    DefinitionError,
    PayloadError,
    UntrustedStoreError,
)
from jupyter_pipe.kernel.payloads.payload_file import (
    FORMAT_VERSION,
    PayloadFile,
    file_digest,
    payload_path,
)
from jupyter_pipe.kernel.payloads.store import (
    is_verified,
    mark_verified,
    open_payload,
    prepare_store,
)

__all__ = ["FORMAT_VERSION", "Store"]

# A sha256. Everything else, such as `../../key`, could lead out of the store.
_ADDRESS = re.compile("[0-9a-f]{64}")


class Store:
    """The artifacts below `root` (a `.jupyter_pipe` folder). Loading executes code of
    the values' classes, so a store that others can write is refused unless `trust`."""

    def __init__(self, root: str | Path, *, trust: bool = False) -> None:
        self.folder = Path(root) / "artifacts"
        try:
            prepare_store(str(self.folder), trust=trust)
        except UntrustedStoreError as error:
            raise UntrustedError(
                str(error),
                code="store_untrusted",
                hint="If you trust it nevertheless, pass --trust.",
            ) from None

    def path(self, ref: ArtifactRef | str) -> Path:
        """Where the payload lies or would lie. Raises ArtifactError for an address that
        leads elsewhere."""
        if not _ADDRESS.fullmatch(_address(ref)):
            raise ArtifactError(
                f"{_address(ref)[:80]!r} is not the address of a value.",
                code="artifact_unusable",
            )
        return Path(payload_path(str(self.folder), _address(ref)))

    def has(self, ref: ArtifactRef | str) -> bool:
        return self.path(ref).is_file()

    def size(self, ref: ArtifactRef | str) -> int:
        """Bytes on disk; 0 if the payload is missing."""
        try:
            return self.path(ref).stat().st_size
        except FileNotFoundError:
            return 0

    def verify(self, ref: ArtifactRef | str) -> None:
        """Reads the whole file. Raises ArtifactError if it is missing or altered."""
        path = self.path(ref)
        try:
            PayloadFile(str(path), writable=False)
            if file_digest(str(path)) != _address(ref):
                raise PayloadError(
                    f"The stored value {path} was altered after it was written."
                )
        except (OSError, PayloadError) as error:
            raise _artifact_error(error) from None
        mark_verified(str(path))

    def is_sound(self, ref: ArtifactRef | str) -> bool:
        """Whether the payload is there and unaltered. A damaged one is removed, so that
        the stage that made it makes it anew."""
        # Reading all of a large payload again takes seconds, so that it was sound is
        # noted beside it.
        if is_verified(str(self.path(ref))):
            return True
        if not self.has(ref):
            return False
        try:
            self.verify(ref)
        except ArtifactError:
            self.remove(ref)
            return False
        return True

    def load(
        self,
        ref: ArtifactRef | str,
        *,
        definitions: Mapping[str, Mapping[str, Any]] | None = None,
        namespace: dict[str, Any] | None = None,
    ) -> dict[str, object]:
        """The payload's members by name. Needs the interpreter and libraries that wrote
        it, and the definitions of the notebook's classes that it holds."""
        # Imported here: most users of a store only ask what there is, and load nothing.
        from jupyter_pipe.kernel.definitions import Definitions
        from jupyter_pipe.kernel.values.decoding import decode

        scope = {"__name__": "__main__"} if namespace is None else namespace
        try:
            payload = open_payload(str(self.folder), _address(ref))
            return decode(payload, Definitions(definitions or {}, scope), scope)
        except (OSError, PayloadError, DefinitionError) as error:
            raise _artifact_error(error) from None

    def manifest(self, ref: ArtifactRef | str) -> dict[str, Any]:
        """What the payload holds (`names`, `types`, `summary`, `definitions`, `python`)
        without loading any of it."""
        try:
            return PayloadFile(str(self.path(ref)), writable=False).manifest
        except PayloadError as error:
            raise _artifact_error(error) from None

    def entries(self) -> Iterator[tuple[str, Path]]:
        """Every payload as (address, file)."""
        for path in sorted(self.folder.glob("??/*.payload")):
            yield path.stem, path

    def remove(self, ref: ArtifactRef | str) -> None:
        """Stages that have it open keep what they see."""
        path = self.path(ref)
        path.unlink(missing_ok=True)
        # The note would outlive the file, and vouch for whatever is stored there next.
        path.with_name(path.name + ".verified").unlink(missing_ok=True)


def _address(ref: ArtifactRef | str) -> str:
    return ref if isinstance(ref, str) else ref.artifact


def _artifact_error(error: Exception) -> ArtifactError:
    return ArtifactError(
        str(error),
        code="artifact_unusable",
        hint="Run the stage that made it again with --force STAGE.",
    )
