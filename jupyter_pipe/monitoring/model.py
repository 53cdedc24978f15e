"""The nouns of monitoring: what was compared, what is alarming, and how good
predictions were."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_pipe.contracts import Drift

__all__ = ["Alarm", "Quality", "State", "Traffic", "VersionWatch", "Watched"]

State = Literal["fine", "alarm", "unknown"]


class Alarm(Struct, frozen=True):
    """One thing that is not as it was. `kind` is `moved`, `type`, `nulls`, `unseen`,
    `refused`, `gone`, `predictions` or `quality`; `column` is empty where it is not
    about one. `batch` says of which rows: all of the window, or its newest ones."""

    kind: str
    column: str
    message: str
    batch: str = "all rows"


class Traffic(Struct, frozen=True):
    """What the log has of one version: answers, rows that got a prediction, requests
    that were refused for their rows, and these by column and rule."""

    answers: int = 0
    rows: int = 0
    refused: int = 0
    refusals: dict[str, int] = {}


class Quality(Struct, frozen=True):
    """Predictions held against labels that came later.

    `matched` predictions have a label; `waiting` ones have none yet. `late` labels
    belong to predictions from before the window, `unknown` ones to none in the log.
    `double` labels repeat a key, of which the last counts; `repeated` predictions were
    asked for a key again, of which the last counts. `metrics` are `mae`, `bias` and
    `within_10_percent` of numbers, `accuracy` of all else.
    """

    label: str
    matched: int = 0
    waiting: int = 0
    late: int = 0
    unknown: int = 0
    double: int = 0
    repeated: int = 0
    metrics: dict[str, float] = {}


class VersionWatch(Struct, frozen=True):
    """One version in the window. `columns` compares the rows with those of the run that
    made the model, `predictions` what came out; `ignored` are columns that were left
    out, each with the reason. `missing` says why the version could not be compared."""

    version: str
    digest: str
    run_id: str
    state: State
    traffic: Traffic
    alarms: tuple[Alarm, ...] = ()
    columns: Drift | None = None
    predictions: Drift | None = None
    quality: Quality | None = None
    missing: str = ""
    ignored: dict[str, str] = {}


class Watched(Struct, frozen=True):
    """All versions that answered between two moments, in UTC seconds since 1970."""

    name: str
    since: float
    until: float
    state: State
    versions: tuple[VersionWatch, ...]
