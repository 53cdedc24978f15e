"""Which engines can run the notebooks of a folder. Asks none of them; raises
SubmitError."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.server.payloads import EngineChoice, EngineList
from jupyter_pipe.submit import SubmitError
from jupyter_pipe.submit.settings import (
    Configuration,
    configurations,
    find_configuration,
    require_settings,
)
from jupyter_pipe.submit.submission import title_of

__all__ = ["list_engines", "require_usable"]


def list_engines(folder: Path) -> EngineList:
    """All that are known, with what is in the way of runs of notebooks in `folder`."""
    return EngineList(
        tuple(_choice(name, found, folder) for name, found in configurations().items())
    )


def require_usable(name: str, folder: Path) -> None:
    """Raise SubmitError for what is in the way of such runs in the engine `name`."""
    _require(name, find_configuration(name), folder)


def _choice(
    name: str, found: Configuration | SubmitError, folder: Path
) -> EngineChoice:
    if isinstance(found, SubmitError):
        return EngineChoice(name, name, _text(found))
    try:
        _require(name, found, folder)
    except SubmitError as error:
        return EngineChoice(name, title_of(found), _text(error))
    return EngineChoice(name, title_of(found))


def _require(name: str, configuration: Configuration, folder: Path) -> None:
    require_settings(configuration)
    root = Path(configuration.root).expanduser() if configuration.root else folder
    # The sidebar shows the runs that lie beside the notebook.
    if root.resolve() != folder.resolve():
        raise SubmitError(
            f"{name} keeps its runs in {configuration.root}, not in the notebook's folder.",
            code="engine_settings",
            hint=f"Move the notebook there, or use a terminal: jupyter pipe submit {name} NOTEBOOK",
        )


def _text(error: SubmitError) -> str:
    return f"{error.message} {error.hint}".strip()
