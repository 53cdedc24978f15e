"""`jupyter pipe monitor NAME|BUNDLE`: whether a service is still asked what its model
was made for."""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    add_trust,
    at_least,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import to_json
from jupyter_pipe.render.marks import MARKS
from jupyter_pipe.render.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_pipe.monitoring.model import VersionWatch, Watched
    from jupyter_pipe.monitoring.watching import Labels
    from jupyter_pipe.scoring.bundle import Manifest

__all__ = ["add_parser", "run"]

# As for data that breaks its contract.
ALARM = 4
_MARKS = {"fine": "succeeded", "alarm": "failed", "unknown": "skipped"}
EXPLANATION = """\
Reads the request log of `jupyter pipe serve`, and compares rows and predictions of each version with those of
the run that made it. Labels, a table with the key columns and the target, are joined by key.

  moved     the stability index is above 0.2 and what chance makes of it, and a test (Kolmogorov and
            Smirnov, chi square) says so with p < 0.05 over all columns; or the distance of numbers
            is above 0.125, with p < 0.001
  nulls     more or fewer values are missing, by 5 % of the rows and more than chance
  unseen    categories that the run had never seen
  refused   more than 1 % of the requests were refused
  unknown   fewer than 30 rows: nothing is said

Keys (tag key:COLUMN), and columns that go on by themselves, such as the number of a week, are not compared:
the contract says `trend: true` of them, or --ignore names them.

exit codes: 0 nothing alarms, 4 something does, 2 usage or no log"""
EXAMPLES = """
jupyter pipe monitor home_value --since 7d
jupyter pipe monitor home_value --since 30d --labels sold.csv --limit mae=40000 --html monitor.html
jupyter pipe monitor .jupyter_pipe/scorers/home_value --since 1d --ignore week --json"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "monitor", run, examples=EXAMPLES)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    parser.add_argument(
        "target", metavar="NAME|BUNDLE", help="what is served: its name, or its folder"
    )
    parser.add_argument(
        "--since",
        default="7d",
        metavar="TIME",
        help="how far back, such as 7d (the default)",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="what turned out true: .csv, .parquet, .jsonl",
    )
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        help="its column with the truth (default: the target)",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="METRIC=X",
        help="alarm beyond it: mae=40000, accuracy=0.9",
    )
    parser.add_argument(
        "--batch",
        type=at_least(30),
        default=360,
        metavar="N",
        help="judge the newest N rows apart (default: 360)",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="do not compare it, since it goes on by itself or does not matter; repeatable",
    )
    parser.add_argument(
        "--strict", action="store_true", help="let `unknown` be an alarm"
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write a report with a picture of each column",
    )
    add_trust(parser)
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 4 if something alarms."""
    watched = _watch(args)
    _say_what_is_unknown(args, watched)
    if args.html:
        from jupyter_pipe.cli.output.writing import write_output
        from jupyter_pipe.monitoring.page import watched_html

        write_output(args.html, watched_html(watched).encode())
    terminal = Terminal.of(args)
    if args.json:
        terminal.record(to_json(watched))
    else:
        for line in _lines(terminal, watched):
            terminal.result(line)
        if args.html:
            terminal.say(f"  report  {args.html}")
    is_bad = watched.state == "alarm" or (args.strict and watched.state == "unknown")
    return ALARM if is_bad else 0


def _say_what_is_unknown(args: argparse.Namespace, watched: Watched) -> None:
    """A column that no version has cannot be left out: that is said, and the rest is
    judged all the same, so that a loop whose model lost the column goes on."""
    known = {name for version in watched.versions for name in version.ignored}
    compared = [
        version.columns for version in watched.versions if version.columns is not None
    ]
    names = sorted({column.name for drift in compared for column in drift.columns})
    for name in dict.fromkeys(args.ignore):
        if compared and name not in known:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            text = (
                f"No row has a column '{name}', so nothing is left out for it.{meant}"
            )
            # Also with --quiet, since an option does nothing.
            Terminal.of(args, sys.stderr).result(text)


def _watch(args: argparse.Namespace) -> Watched:
    from jupyter_pipe.monitoring.bundles import kept_bundles
    from jupyter_pipe.monitoring.watching import Limits, watch
    from jupyter_pipe.serving.settings import parse_duration
    from jupyter_pipe.serving.traffic.places import log_folder, model_folder
    from jupyter_pipe.serving.traffic.reading import read_log

    limits = Limits(
        batch=args.batch,
        quality=dict(_limit(text) for text in args.limit),
        ignore=tuple(args.ignore),
    )
    until = time.time()
    since = until - parse_duration(args.since)
    root = find_store(args.root).root
    log = log_folder(root, args.target)
    if not log.is_dir():
        raise PipeError(
            f"There is no request log of '{args.target}' in {log}.",
            code="log_missing",
            hint="jupyter pipe serve writes one; --root says where to look.",
        )
    find = kept_bundles(model_folder(root, args.target), trust=args.trust)
    window = read_log(log, since, until)
    # The version that answered last: its columns are the ones that labels are joined
    # by.
    newest = next(
        (found for each in reversed(window.answers) if (found := find(each.digest))),
        None,
    )
    labels = (
        None
        if args.labels is None
        else _labels(args, log, since, newest, window.masked)
    )
    return watch(
        model_folder(root, args.target).name,
        window,
        (since, until),
        find,
        labels=labels,
        limits=limits,
    )


def _unusable(what: str) -> PipeError:
    return PipeError(
        f"Labels cannot be joined: {what}.",
        code="labels_unusable",
        hint="Tag the rows' cell key:COLUMN and target:COLUMN, or name the truth with --label COLUMN.",
    )


def _labels(
    args: argparse.Namespace,
    log: Path,
    since: float,
    manifest: Manifest | None,
    masked: tuple[str, ...],
) -> Labels:
    """The outcomes that came since. Rows that were answered before the time looked at
    are known as earlier ones, so that an outcome that comes late is not taken for one
    without an answer."""
    from jupyter_pipe.monitoring.labels import key_of, read_labels
    from jupyter_pipe.monitoring.watching import Labels
    from jupyter_pipe.serving.traffic.reading import read_log

    keys = manifest.keys if manifest else ()
    column = args.label or next(iter(manifest.targets if manifest else ()), "")
    # A column that the log drops or hashes joins with nothing.
    hidden = [name for name in keys if name in masked]
    if hidden:
        raise _unusable(f"the log does not hold the key '{hidden[0]}'")
    if not column:
        raise _unusable("nobody said which column is the truth")
    entries = read_labels(args.labels, keys, column)
    before = read_log(log, 0.0, since).answers
    earlier = (key_of(row, keys) for answer in before for row in answer.rows)
    # A row without its key joins with nothing.
    return Labels(column, entries, frozenset(key for key in earlier if key is not None))


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    known = ("mae", "bias", "within_10_percent", "accuracy")
    try:
        # Raised here to be answered as a wrong number is.
        if name not in known:
            raise ValueError
        return name, float(value)
    except ValueError:
        raise PipeError(
            f"'{text}' is not a limit.",
            code="bad_request",
            hint=f"Write METRIC=NUMBER; metrics are {', '.join(known)}.",
        ) from None


def _lines(terminal: Terminal, watched: Watched) -> Iterator[str]:
    tones = {"fine": "good", "alarm": "bad", "unknown": "warn"}
    for version in watched.versions:
        yield from _version_lines(terminal, version)
    if not watched.versions:
        yield "Nothing was answered in this time."
    yield f"{watched.name}: {terminal.style(watched.state, tones[watched.state])}"


def _version_lines(terminal: Terminal, version: VersionWatch) -> Iterator[str]:
    """What is said of one version, the most alarming first."""
    traffic = version.traffic
    mark = terminal.mark(MARKS[_MARKS[version.state]])
    refused = f", {traffic.refused:,} refused" if traffic.refused else ""
    answered = f"{count(traffic.answers, 'answer')}, {count(traffic.rows, 'row')}"
    yield f"{mark} version {version.version}: {answered}{refused}"
    if version.missing:
        yield f"    unknown: {version.missing}"
    if version.ignored:
        yield f"    not compared: {', '.join(f'{name} ({why})' for name, why in version.ignored.items())}"
    for alarm in version.alarms:
        batch = "" if alarm.batch == "all rows" else f"{alarm.batch}: "
        yield f"    {batch}{alarm.message}"
    if version.quality is not None:
        yield from _quality_lines(version.quality)


def _quality_lines(quality: Any) -> Iterator[str]:
    metrics = ", ".join(
        f"{name} {value:,.4g}" for name, value in quality.metrics.items()
    )
    yield f"    {quality.label}: {metrics or 'no label has a prediction'}"
    joined = f"{quality.matched:,} joined, {quality.late:,} late, {quality.unknown:,} of no prediction"
    yield f"    labels: {joined}, {quality.double:,} double; {quality.waiting:,} predictions wait"
