"""The registry: versions of models, found, added, and pointed to by aliases. Raises
RegistryError.

Reading takes no lock. Whoever writes holds the root's lock and first finishes what
another, killed in the middle, has decided (see `moves`).
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from jupyter_pipe.errors import RegistryError
from jupyter_pipe.registry import moves
from jupyter_pipe.registry.mlflow_names import BUNDLE, require_model_name
from jupyter_pipe.registry.model import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    TAGS,
    ModelVersion,
    Record,
)
from jupyter_pipe.registry.reading import Reader, SqliteReader
from jupyter_pipe.registry.writing import Writer, open_writer
from jupyter_pipe.tracking.address import (
    Address,
    find_address,
    local_folder,
    sqlite_file,
)

__all__ = ["Registry", "open_registry"]


def open_registry(
    where: Path | str | None = None, *, root: Path | None = None
) -> Registry:
    """The registry of a folder (that which holds `.jupyter_pipe/`), or at a URI as
    MLflow takes it.

    Without either, or for a folder, `MLFLOW_TRACKING_URI` and `MLFLOW_REGISTRY_URI`
    count. `root` is the folder for locks and fetched bundles of a registry at a URI, by
    default the current one. Opening reads nothing.
    """
    if isinstance(where, str) and "://" in where:
        return Registry(find_address(root or Path.cwd(), where))
    return Registry(
        find_address(Path(where) if where is not None else root or Path.cwd())
    )


class Registry:
    """The models at an address. Each call looks at what is there now: a service may ask
    every second."""

    def __init__(self, address: Address) -> None:
        self.address = address
        # Made when they are needed: a writer imports MLflow, which takes two seconds.
        self._reader: Reader | None = None
        self._writer: Writer | None = None

    # Reading

    def names(self) -> tuple[str, ...]:
        """The models that have versions, by name."""
        return tuple(
            name for name in self._read().names() if self._read().versions(name)
        )

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """The versions of a model, newest first; none of an unknown one. Fetches no
        files."""
        reader = self._read()
        aliases = self.aliases(name)
        return tuple(
            self._version(name, record, aliases) for record in reader.versions(name)
        )

    def aliases(self, name: str) -> dict[str, int]:
        """Alias -> number, as they stand once every decision is carried out."""
        reader = self._read()
        # First the decision: read the other way round, it could be made and done
        # between.
        decided = moves.parse_move(reader.model_tags(name).get(TAGS.move, ""))
        return moves.moved(reader.aliases(name), decided)

    def resolve(self, name: str, which: str | int = CHAMPION) -> ModelVersion:
        """The version that an alias or a number names, with its bundle on this machine.

        The bundle is not loaded: `scoring.bundle.load_bundle` does, and refuses what
        nobody trusted signed. Raises RegistryError if there is none (`model_unknown`),
        its files are gone (`version_unusable`) or the registry cannot be reached
        (`registry_away`).
        """
        version = self.find(name, which)
        # A folder's own registry has its files: one that names a server was written by
        # somebody else.
        bundle = (
            version.bundle
            if self.address.is_own
            else version.bundle or self._fetch(version)
        )
        if bundle is None or not bundle.is_dir():
            raise RegistryError(
                f"The files of {version.label} are gone: {bundle or 'its folder'} is not there.",
                code="version_unusable",
                hint="Register its run anew, or put the folder back.",
            )
        import msgspec

        return msgspec.structs.replace(version, bundle=bundle)

    def find(self, name: str, which: str | int = CHAMPION) -> ModelVersion:
        """The version that an alias or a number names; its files may be elsewhere.
        Raises RegistryError."""
        versions = self.versions(name)
        if not versions:
            raise self._unknown_model(name)
        text = str(which)
        for version in versions:
            if text == str(version.number) or text in version.aliases:
                return version
        raise _unknown_version(name, text, versions)

    # Writing

    def get_ready(self) -> None:
        """Do now what the first change would wait for: importing MLflow, opening its
        store, or making it."""
        self._written_by()

    def add(
        self, name: str, model_folder: Path, tags: Mapping[str, str]
    ) -> ModelVersion:
        """A new version of the files that `saving` wrote, as the challenger.

        A run is registered once: asked again, the version that is there is the answer.
        """
        require_model_name(name)
        with self._written(name) as writer:
            for version in self.versions(name):
                if (
                    version.run_id == tags[TAGS.run]
                    and version.digest == tags[TAGS.digest]
                ):
                    return version
            writer.create_model(name)
            tracked = writer.find_run(name, tags[TAGS.run])
            number = writer.create_version(name, model_folder, dict(tags), tracked)
            # Last: an alias points to a version that is complete.
            self._move(writer, name, moves.registering(self.aliases(name), number))
        return self.find(name, number)

    def point_champion(self, name: str, number: int, verdict: str = "") -> ModelVersion:
        """Let a version answer from now on; the one that did becomes `previous`. Asks
        nothing: see `promotion` for the comparison."""
        with self._written(name) as writer:
            self.find(name, number)
            writer.tag_version(name, number, TAGS.verdict, verdict or None)
            writer.tag_version(name, number, TAGS.rejected, None)
            self._move(writer, name, moves.promoting(self.aliases(name), number))
        return self.find(name, number)

    def reject(self, name: str, number: int, reason: str) -> ModelVersion:
        """Keep a version from being promoted, and say why. It stays."""
        with self._written(name) as writer:
            self.find(name, number)
            writer.tag_version(name, number, TAGS.rejected, reason)
            self._move(writer, name, moves.rejecting(self.aliases(name), number))
        return self.find(name, number)

    def rollback(self, name: str) -> ModelVersion:
        """Let the version that answered before the champion answer again. Rolling back
        twice changes nothing."""
        with self._written(name) as writer:
            aliases = self.aliases(name)
            if CHAMPION not in aliases or PREVIOUS not in aliases:
                self.find(name, CHAMPION)
                raise RegistryError(
                    f"There is no version of '{name}' to go back to: no other one has been champion.",
                    code="model_unknown",
                    hint=f"See its versions: jupyter pipe models {name}",
                )
            self._move(writer, name, moves.rolling_back(aliases))
        return self.find(name, CHAMPION)

    @contextlib.contextmanager
    def _written(self, name: str) -> Iterator[Writer]:
        writer = self._written_by()
        with writer.locked():
            self._finish(writer, name)
            yield writer

    def _written_by(self) -> Writer:
        self._writer = self._writer or open_writer(self.address)
        return self._writer

    def _finish(self, writer: Writer, name: str) -> None:
        """Carry out what was decided and not done, by a process that was killed."""
        move = moves.parse_move(self._read().model_tags(name).get(TAGS.move, ""))
        if move is not None:
            self._carry_out(writer, name, move)

    def _move(self, writer: Writer, name: str, move: moves.Move) -> None:
        if move.aliases:
            writer.tag_model(name, TAGS.move, moves.move_text(move))
            self._carry_out(writer, name, move)

    def _carry_out(self, writer: Writer, name: str, move: moves.Move) -> None:
        for alias, number in move.steps(self._read().aliases(name)):
            writer.point(name, alias, number)
        writer.tag_model(name, TAGS.move, None)

    # Inside

    def _read(self) -> Reader:
        if self._reader is None:
            file = sqlite_file(self.address.registry)
            self._reader = (
                SqliteReader(file) if file is not None else open_writer(self.address)
            )
        return self._reader

    def _version(
        self, name: str, record: Record, aliases: Mapping[str, int]
    ) -> ModelVersion:
        tags = record.tags
        rejected = tags.get(TAGS.rejected, "")
        pointing = sorted(
            alias for alias, number in aliases.items() if number == record.number
        )
        return ModelVersion(
            name=name,
            number=record.number,
            # Whoever rejected it may have been killed before the alias was removed.
            aliases=tuple(
                alias for alias in pointing if not (rejected and alias == CHALLENGER)
            ),
            digest=tags.get(TAGS.digest, ""),
            run_id=tags.get(TAGS.run, ""),
            registered=record.registered,
            bundle=self._bundle(record),
            notebook=tags.get(TAGS.notebook, ""),
            rejected=rejected,
            verdict=tags.get(TAGS.verdict, ""),
        )

    def _bundle(self, record: Record) -> Path | None:
        """Where the bundle lies on this machine: with the registry's own files, or
        fetched earlier."""
        folder = local_folder(record.storage)
        fetched = self._fetched(record.tags.get(TAGS.digest, ""))
        if folder is None:
            return fetched / BUNDLE if fetched.is_dir() else None
        _, marker, rest = record.storage.rpartition("/mlflow/")
        # MLflow keeps absolute paths: in a project that was moved or copied they lead
        # to the old place.
        own = (
            Path(self.address.artifacts) / rest
            if marker and self.address.artifacts
            else folder
        )
        return (own if own.exists() else folder) / BUNDLE

    def _fetched(self, digest: str) -> Path:
        # The digest comes from the registry's tags, and becomes the name of a folder.
        name = digest if digest.isalnum() else "unknown"
        return self.address.state_folder / "models" / name

    def _fetch(self, version: ModelVersion) -> Path:
        record = next(
            each
            for each in self._read().versions(version.name)
            if each.number == version.number
        )
        target = self._fetched(version.digest)
        writer = self._written_by()
        with writer.locked():
            if not target.exists():
                writer.download(record.storage, target)
        return target / BUNDLE

    def _unknown_model(self, name: str) -> RegistryError:
        names = self.names()
        close = difflib.get_close_matches(name, names, n=1)
        listed = (
            f"There are: {', '.join(names)}."
            if names
            else "Register one: jupyter pipe register NOTEBOOK"
        )
        hint = f"Did you mean '{close[0]}'?" if close else listed
        return RegistryError(
            f"There is no model '{name}'.", code="model_unknown", hint=hint
        )


def _unknown_version(
    name: str, text: str, versions: tuple[ModelVersion, ...]
) -> RegistryError:
    known = [str(version.number) for version in versions]
    known += [alias for version in versions for alias in version.aliases]
    if text == CHAMPION:
        hint = f"Promote one: jupyter pipe promote {versions[0].label}"
    else:
        hint = f"There are: {', '.join(known)}."
    return RegistryError(
        f"'{name}' has no version '{text}'.", code="model_unknown", hint=hint
    )
