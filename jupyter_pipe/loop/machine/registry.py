"""The loop's models in `jupyter_pipe.registry`: registering runs the notebook's code
and comparing loads bundles, both in this process."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import Promote
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.stepping import ChampionChangedError
from jupyter_pipe.observe.digests import file_digest
from jupyter_pipe.registry import CHAMPION, open_registry
from jupyter_pipe.runs.store import RunStore

__all__ = ["RegistryModels"]

_VERDICTS: dict[str, rc.Verdict] = {
    "promoted": "better",
    "rejected": "worse",
    "undecided": "undecided",
}


class RegistryModels:
    """Implements `Models` for the model that the settings name. `folder` is the
    notebook's."""

    def __init__(self, store: RunStore, folder: Path, settings: LoopSettings) -> None:
        self._store = store
        self._registry = open_registry(root=store.root)
        self._name = settings.model
        self._labels = folder / settings.labels if settings.labels else None

    def champion(self) -> int | None:
        return self._registry.aliases(self._name).get(CHAMPION)

    def rejected(self) -> frozenset[int]:
        return frozenset(
            each.number for each in self._registry.versions(self._name) if each.rejected
        )

    def evidence(self) -> str:
        return file_digest(self._labels) if self._labels else ""

    def register(self, run_id: str) -> int:
        """A loop that was killed may have registered it already."""
        for version in self._registry.versions(self._name):
            if version.run_id == run_id:
                return version.number
        from jupyter_pipe.engine.targets import open_earlier
        from jupyter_pipe.registry.making import register_run

        run = self._store.read(run_id)
        target = open_earlier(run, self._store)
        return register_run(self._registry, target, run, name=self._name).number

    def compare(self, version: int, now: float) -> rc.Compared:
        """What did not win is marked as rejected, with the reason."""
        from jupyter_pipe.registry.promotion import judge
        from jupyter_pipe.scoring.tables import read_table

        champion = self.champion()
        if champion == version:
            return rc.Compared(
                time=now,
                version=version,
                champion=champion,
                verdict="better",
                reason="it is champion",
            )
        rows = read_table(self._labels) if self._labels else None
        verdict = judge(
            self._registry, self._registry.resolve(self._name, version), rows
        )
        if verdict.outcome == "rejected":
            self._registry.reject(self._name, version, verdict.reason)
        return rc.Compared(
            time=now,
            version=version,
            champion=champion,
            verdict=_VERDICTS[verdict.outcome],
            reason=verdict.reason,
            evidence=self.evidence(),
        )

    def promote(self, action: Promote) -> None:
        """The registry notes the comparison that the loop made."""
        version, champion = action.version, action.champion
        present = self.champion()
        if present == version:
            return
        if present != champion:
            raise ChampionChangedError(
                f"The champion is version {present} by now.", code="loop_promotion"
            )
        found = self._registry.find(self._name, version)
        if found.rejected:
            raise ChampionChangedError(
                f"Version {version} was rejected: {found.rejected}",
                code="loop_promotion",
            )
        self._registry.point_champion(self._name, version, action.reason)
