"""Reads `STEM.loop.yaml`. An error names the file, the line and what was meant. Raises
LoopError.

schedule: "0 6 * * MON"
files: [data/*.csv]
drift: true
promote: ask
cooldown: 1h
notify: ["${CHAT_URL}"]
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, get_args

from jupyter_pipe.errors import LoopError, PipeError
from jupyter_pipe.loop.deciding.settings import LoopSettings, Promotion
from jupyter_pipe.loop.schedule import find_zone, schedule_problem
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.trust.records import read_regular_file

if TYPE_CHECKING:
    import yaml

__all__ = ["example_text", "parse_settings", "read_settings", "settings_path"]

_LARGEST = 1 << 20
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
# `30s`, `1.5h`, `2 d`
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def settings_path(notebook: Path) -> Path:
    """Where the file stands: `STEM.loop.yaml` beside the notebook."""
    return notebook.with_name(f"{notebook_name(notebook)}.loop.yaml")


def read_settings(notebook: Path) -> LoopSettings:
    """What the notebook's file says. Raises LoopError, also if there is none."""
    path = settings_path(notebook)
    try:
        text = read_regular_file(path, _LARGEST).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise LoopError(
            f"There is no {path.name} beside {notebook.name}.",
            code="loop_missing",
            hint=f"Write one: jupyter pipe loop init {notebook.name}",
        ) from None
    except UnicodeDecodeError:
        raise LoopError(f"{path.name} is not UTF-8.", code="loop_invalid") from None
    except OSError as error:
        raise LoopError(
            f"{path.name} cannot be read: {error.strerror}.", code="loop_invalid"
        ) from None
    return parse_settings(text, path.name, model=notebook_name(notebook))


def parse_settings(
    text: str, file: str = "the loop file", *, model: str = ""
) -> LoopSettings:
    """Raises LoopError, with the line, for what is not a loop file. `model` is the
    registry's name for the model unless the file says another."""
    # PyYAML takes longer to import than most commands of the loop take.
    from jupyter_pipe.yaml_files import YamlReader

    class Reader(YamlReader):
        error_class = LoopError
        code = "loop_invalid"

    return Reader.read(text, file, lambda reader, node: _settings(reader, node, model))


def _settings(reader: Any, node: yaml.Node | None, model: str) -> LoopSettings:
    if node is None:
        return LoopSettings(model=model)
    made: LoopSettings = reader.filled(
        LoopSettings(model=model), node, _readers(reader)
    )
    return made


def _readers(reader: Any) -> Mapping[str, Callable[[yaml.Node], dict[str, Any]]]:
    flags = ("commit", "drift", "quality")
    return {
        "schedule": lambda node: {"schedule": _schedule(reader, node)},
        "timezone": lambda node: {"timezone": _timezone(reader, node)},
        "files": lambda node: {"files": _files(reader, node)},
        **{name: _flag(reader, name) for name in flags},
        "promote": lambda node: {"promote": reader.word(node, get_args(Promotion))},
        "model": lambda node: {"model": _model(reader, node)},
        "parameters": lambda node: {"parameters": _parameters(reader, node)},
        "cooldown": lambda node: {"cooldown_seconds": _duration(reader, node)},
        "settle": lambda node: {"settle_seconds": _duration(reader, node)},
        "notify": lambda node: {"notify": _receivers(reader, node)},
        "monitor": lambda node: {
            "monitor_days": _duration(reader, node) / _SECONDS["d"]
        },
        "ignore": lambda node: {"ignore": reader.texts(node)},
        "labels": lambda node: {"labels": _relative(reader, node)},
    }


def _flag(reader: Any, name: str) -> Callable[[yaml.Node], dict[str, Any]]:
    return lambda node: {name: reader.yes_or_no(node)}


def _schedule(reader: Any, node: yaml.Node) -> str:
    # Fields may stand on lines of their own here, and in no crontab.
    text = " ".join(reader.text(node).split())
    problem = schedule_problem(text)
    if problem:
        hint = "Minute, hour, day of the month, month, day of the week: '0 6 * * MON' is Mondays at six."
        raise reader.error(node, f"'{text}' is not a schedule ({problem})", hint)
    return text


def _timezone(reader: Any, node: yaml.Node) -> str:
    text: str = reader.text(node)
    if find_zone(text) is None:
        raise reader.error(
            node, f"'{text}' is not a time zone", "For example: Europe/Berlin, or UTC."
        )
    return text


def _files(reader: Any, node: yaml.Node) -> tuple[str, ...] | None:
    """`observed` is what runs were seen to read; `false` watches nothing."""
    if getattr(node, "value", None) == "observed":
        return None
    if getattr(node, "value", None) in ("false", "no", "off", "none"):
        return ()
    items = [node] if not isinstance(node.value, list) else reader.items(node)
    return tuple(_relative(reader, item) for item in items)


def _relative(reader: Any, node: yaml.Node) -> str:
    text: str = reader.text(node)
    if PurePosixPath(text).is_absolute() or ".." in PurePosixPath(text).parts:
        raise reader.error(
            node, f"'{text}' leads out of the notebook's folder", "Name files below it."
        )
    return text


def _parameters(reader: Any, node: yaml.Node) -> dict[str, Any]:
    return {name: reader.value(value) for name, value, _ in reader.entries(node)}


def _model(reader: Any, node: yaml.Node) -> str:
    from jupyter_pipe.registry.mlflow_names import require_model_name

    text: str = reader.text(node)
    try:
        require_model_name(text)
    except PipeError as error:
        raise reader.error(node, error.message.rstrip("."), error.hint) from None
    return text


def _duration(reader: Any, node: yaml.Node) -> float:
    text = reader.text(node)
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else float("nan")
    if not math.isfinite(seconds):
        raise reader.error(
            node, f"'{text}' is not a duration", "For example: 30s, 10m, 1h, 2d."
        )
    return seconds


def _receivers(reader: Any, node: yaml.Node) -> tuple[str, ...]:
    found: tuple[str, ...] = reader.texts(node)
    for text, item in zip(found, getattr(node, "value", ()), strict=False):
        if "://" not in text and not text.startswith("${"):
            where = item if not isinstance(item, str) else node
            # The text itself may be a secret, so it is not shown.
            raise reader.error(
                where,
                "this is not an Apprise URL",
                "For example: mailto://…, or ${CHAT_URL}.",
            )
    return found


def example_text(name: str) -> str:
    """A first file for the notebook `name`, to be edited."""
    return f"""\
# When {name} runs again, and what becomes of its model. Try it: jupyter pipe loop once {name}
# All keys: docs/lifecycle.md, "Close the loop".

files: observed          # or patterns: [data/*.csv]; observed: what the latest run was seen to read
# schedule: "0 6 * * MON"  # minute, hour, day, month, weekday
# timezone: Europe/Berlin
# commit: true           # a commit in this folder starts a run
# drift: true            # so does drift that monitoring finds, and a loss of quality
# quality: true
# promote: ask           # or auto: a version that wins its comparison becomes champion by itself
cooldown: 1h             # at least this long between the starts of two runs
# notify: ["${{CHAT_URL}}"]  # Apprise URLs; secrets come from the environment
"""
