"""A registry through MLflow's client: writes to any, and reads those that are no SQLite
file of this machine.

Raises RegistryError, and ExtraMissingError where MLflow is not installed.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from jupyter_pipe.registry.model import Record
from jupyter_pipe.tracking.address import Address
from jupyter_pipe.tracking.mlflow_client import (
    experiment_id,
    locked,
    meant,
    open_client,
    reported,
)

__all__ = ["Writer", "open_writer"]


def open_writer(address: Address) -> Writer:
    """MLflow's client for an address. Imports MLflow, which takes two CPU-seconds."""
    return Writer(address)


class Writer:
    """Reads and writes what MLflow keeps of models. It is a `Reader`, too."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client = open_client(address)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Within, no other process of this machine changes the registry."""
        return locked(self._address.state_folder, "registry")

    # Reading

    def names(self) -> tuple[str, ...]:
        """The models, by name."""
        with self._asked():
            return tuple(
                sorted(model.name for model in self._client.search_registered_models())
            )

    def versions(self, name: str) -> tuple[Record, ...]:
        """The versions of a model, newest first."""
        with self._asked():
            # A filter is SQL-like text.
            quoted = name.replace("'", "''")
            found = list(self._client.search_model_versions(f"name='{quoted}'"))
            records = [self._record(each) for each in found]
        return tuple(sorted(records, key=lambda record: -record.number))

    def aliases(self, name: str) -> dict[str, int]:
        """Alias -> number of the version."""
        model = self._model(name)
        return (
            {alias: int(number) for alias, number in model.aliases.items()}
            if model
            else {}
        )

    def model_tags(self, name: str) -> dict[str, str]:
        """The tags of the model itself."""
        model = self._model(name)
        return dict(model.tags) if model else {}

    def _record(self, version: Any) -> Record:
        # What a version calls its source is `models:/m-…`, which only MLflow can follow
        # to the files.
        storage = self._client.get_model_version_download_uri(
            version.name, version.version
        )
        made = version.creation_timestamp / 1000
        return Record(int(version.version), made, storage, dict(version.tags))

    def _model(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        with self._asked():
            try:
                return self._client.get_registered_model(name)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise

    # Writing

    def create_model(self, name: str) -> None:
        """Make sure that there is a model of this name."""
        from mlflow.exceptions import MlflowException

        with self._asked():
            try:
                self._client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise

    def create_version(
        self, name: str, model_folder: Path, tags: dict[str, str], run_id: str | None
    ) -> int:
        """Store the files of a model and make a version of them, which appears with its
        tags or not at all.

        `run_id` is MLflow's run that made it, if that is tracked.
        """
        with self._asked(), meant(self._address):
            experiment = experiment_id(self._client, self._address, name)
            logged = self._client.create_logged_model(
                experiment, name=name, source_run_id=run_id, tags=tags
            )
            self._client.log_model_artifacts(logged.model_id, str(model_folder))
            self._client.finalize_logged_model(logged.model_id, "READY")
            made = self._client.create_model_version(
                name,
                f"models:/{logged.model_id}",
                run_id=run_id,
                tags=tags,
                model_id=logged.model_id,
            )
        return int(made.version)

    def point(self, name: str, alias: str, number: int | None) -> None:
        """Let an alias point to a version; None removes it."""
        with self._asked():
            if number is None:
                self._client.delete_registered_model_alias(name, alias)
            else:
                self._client.set_registered_model_alias(name, alias, str(number))

    def tag_model(self, name: str, key: str, value: str | None) -> None:
        """Set a tag of a model; None removes it."""
        with self._asked():
            if value is None:
                self._client.delete_registered_model_tag(name, key)
            else:
                self._client.set_registered_model_tag(name, key, value)

    def tag_version(self, name: str, number: int, key: str, value: str | None) -> None:
        """Set a tag of a version; None removes it, if it is there."""
        with self._asked():
            if value is not None:
                self._client.set_model_version_tag(name, str(number), key, value)
            elif key in self._client.get_model_version(name, str(number)).tags:
                self._client.delete_model_version_tag(name, str(number), key)

    def find_run(self, pipeline: str, run_id: str) -> str | None:
        """MLflow's run for a run of ours, if it was tracked there."""
        with self._asked():
            experiment = self._client.get_experiment_by_name(pipeline)
            if experiment is None:
                return None
            wanted = f"tags.`jupyter_pipe.run_id` = '{run_id}' and tags.`jupyter_pipe.kind` = 'run'"
            found = self._client.search_runs(
                [experiment.experiment_id], wanted, max_results=1
            )
        return str(found[0].info.run_id) if found else None

    def download(self, storage: str, target: Path) -> None:
        """Fetch the files of a version into a folder that is not there yet."""
        import mlflow

        # Whoever finds `target` finds all of it: the folder gets its name when it is
        # whole.
        aside = target.with_name(f".{target.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            with self._asked():
                found = mlflow.artifacts.download_artifacts(
                    artifact_uri=storage,
                    dst_path=str(aside),
                    tracking_uri=self._address.tracking,
                )
            Path(found).rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _asked(self) -> contextlib.AbstractContextManager[None]:
        return reported(self._address)
