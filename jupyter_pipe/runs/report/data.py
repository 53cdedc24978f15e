"""The report's section about data: what values looked like, what contracts said, and a
page of what moved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from jupyter_pipe.artifacts.profile_record import ColumnProfile
from jupyter_pipe.contracts import ColumnDrift, Drift
from jupyter_pipe.contracts.distributions import (
    is_numeric,
    quantile,
    share_below,
    shares_of,
)
from jupyter_pipe.contracts.wording import moment_text, number_text, share_text
from jupyter_pipe.events import ContractJudged
from jupyter_pipe.render.distributions import bars_svg, overlaid_svg
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.render.theme import style_sheet
from jupyter_pipe.render.words import count
from jupyter_pipe.runs.data.profiles import ValueProfile
from jupyter_pipe.runs.model import Run

__all__ = ["data", "data_page", "drift_html", "drift_section"]

# A report is opened in a browser, and is to stay readable.
_MOST_VALUES = 40
_MOST_COLUMNS = 60
_MOST_SHARES = 12
_BINS = 48
_WORDS = {
    "same": "as before",
    "moved": "moved",
    "new": "new",
    "gone": "gone",
    "type": "another type",
    "unknown": "unknown",
}


def data(run: Run, found: Sequence[ValueProfile]) -> Markup:
    """A folded table for each of the values, which have columns; open where a contract
    is broken."""
    judged = {
        (event.stage, event.value): event
        for stage in run.stages
        for event in stage.contracts
    }
    shown = [
        _value(one, judged.pop((one.stage, one.name), None))
        for one in found[:_MOST_VALUES]
    ]
    # What has no profile is judged all the same.
    shown += [tag("div", _judgement(event)) for event in judged.values()]
    if len(found) > _MOST_VALUES:
        left = count(len(found) - _MOST_VALUES, "more value")
        shown.append(tag("p", f"{left} with columns are not shown.", class_="quiet"))
    return tag(
        "section", tag("h2", "Data", id="data"), tag("div", shown, class_="stages")
    )


def _value(one: ValueProfile, judged: ContractJudged | None) -> Markup:
    """A table that folds: one row a column of the profile, open if its contract is
    broken."""
    profile = one.profile
    size = f"{profile.rows or 0:,} x {len(profile.columns) + profile.left_out:,}"
    sample = (
        ""
        if profile.looked == profile.rows
        else f", a sample of {profile.looked:,} rows"
    )
    summary = tag(
        "summary",
        tag("span", one.name, class_="name"),
        tag("span", f"{size}{sample}, of {one.stage}", class_="about quiet"),
        _badge(judged),
        class_="value",
    )
    marked = set(judged.columns) if judged is not None else set()
    rows = [
        _column(column, column.name in marked)
        for column in profile.columns[:_MOST_COLUMNS]
    ]
    heading = ("Column", "Type", "Missing", "Distribution", "Values")
    head = tag("thead", tag("tr", [tag("th", name) for name in heading]))
    table = tag("table", head, tag("tbody", rows), class_="facts-table profile")
    is_broken = judged is not None and not judged.passed and judged.policy != "none"
    told = _judgement(judged) if judged is not None else None
    return tag(
        "details",
        summary,
        tag("div", told, table, class_="inside"),
        class_="stage",
        open=is_broken,
    )


def _badge(judged: ContractJudged | None) -> Markup | None:
    if judged is None:
        return None
    if judged.policy == "none":
        return tag("span", "no contract yet", class_="quiet")
    mark = Markup(
        mark_svg("succeeded" if judged.passed else "contract_failed", size=12)
    )
    batches = f", {judged.batches} judged apart" if judged.batches else ""
    return tag(
        "span",
        mark,
        f" contract kept{batches}" if judged.passed else " contract broken",
    )


def _judgement(judged: ContractJudged) -> Markup:
    if judged.policy == "none":
        text = f"{judged.value} has no contract yet. Make one: jupyter pipe contract init NOTEBOOK"
        return tag("p", text, class_="quiet")
    lines = [tag("li", problem) for problem in judged.problems]
    return joined(tag("ul", lines, class_="problems")) if lines else joined()


def _column(column: ColumnProfile, is_marked: bool) -> Markup:
    total = column.nulls + column.filled
    missing = share_text(column.nulls / total) if column.nulls else ""
    cells = [
        tag("td", tag("code", column.name or "values")),
        tag("td", column.type, title=column.dtype),
        tag("td", missing),
        tag("td", _picture(column)),
        tag("td", _values_text(column), class_="quiet"),
    ]
    return tag("tr", cells, class_="broken" if is_marked else None)


def _picture(column: ColumnProfile) -> Markup | None:
    """A histogram of numbers, the shares of values of texts."""
    title = _values_text(column)
    if len(column.histogram) > 1:
        return Markup(bars_svg(column.histogram, title))
    if column.top:
        shares = [share for _, share in list(shares_of(column).items())[:_MOST_SHARES]]
        return Markup(bars_svg(shares, title, gap=2))
    return None


def _values_text(column: ColumnProfile) -> str:
    """`0.2 to 24, half of them 2.4 to 6.4`, or the most frequent values."""
    if is_numeric(column):
        show = moment_text if column.type == "datetime" else number_text
        low, first, last, high = (
            show(quantile(column, each)) for each in (0.0, 0.25, 0.75, 1.0)
        )
        return (
            low if low == high else f"{low} to {high}, half of them {first} to {last}"
        )
    if column.top:
        most = ", ".join(
            f"{value!r} {share_text(share)}"
            for value, share in list(shares_of(column).items())[:3]
        )
        return (
            most
            if column.distinct <= 3
            else f"{most}, {column.distinct:,} different ones"
        )
    shapes = ", ".join(shape for shape, _ in column.shapes[:2])
    different = (
        f"{column.distinct:,} different ones"
        if column.distinct
        else ", ".join(column.parts)
    )
    return f"{different}, such as {shapes}" if shapes else different


def drift_html(found: Sequence[Drift], before: Run, after: Run) -> str:
    """A page about what moved between two runs: each column as it was and as it is."""
    moved = sum(len(drift.moved) for drift in found)
    columns = sum(len(drift.columns) for drift in found)
    said = f"{moved} of {count(columns, 'column')} moved from run {before.run_id} to run {after.run_id}."
    title = f"What moved in the data of {after.pipeline}"
    return data_page(title, said, [drift_section(drift) for drift in found])


def data_page(title: str, said: str, sections: Sequence[Markup]) -> str:
    """A page in the report's style that needs neither network nor script."""
    style = style_sheet() + Path(__file__).with_name("report.css").read_text(
        encoding="utf-8"
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("title", title),
        tag("style", Markup(style)),
    )
    header = tag("header", tag("div", tag("h1", title), tag("p", said)))
    main = tag("main", header, sections)
    return f"<!doctype html>\n{tag('html', head, tag('body', main, class_='jpipe'), lang='en')}\n"


def drift_section(drift: Drift) -> Markup:
    """The table of one value: its columns, those that moved first."""
    rows = f"{drift.rows[0] or 0:,} rows, then {drift.rows[1] or 0:,}"
    heading = (
        "Column",
        "State",
        "Before, and after as a line",
        "Index",
        "Distance",
        "",
    )
    head = tag("thead", tag("tr", [tag("th", name) for name in heading]))
    body = tag(
        "tbody", [_drift_row(column) for column in drift.columns[:_MOST_COLUMNS]]
    )
    table = tag("table", head, body, class_="facts-table profile")
    return tag(
        "section", tag("h2", drift.value, " ", tag("span", rows, class_="quiet")), table
    )


def _drift_row(column: ColumnDrift) -> Markup:
    figures = [
        "" if each is None else f"{each:.2f}"
        for each in (column.index, column.distance)
    ]
    cells = [
        tag("td", tag("code", column.name or "values")),
        tag("td", _WORDS[column.state]),
        tag("td", _both(column)),
        *(tag("td", figure) for figure in figures),
        tag("td", column.note),
    ]
    return tag(
        "tr", cells, class_=None if column.state in ("same", "unknown") else "broken"
    )


def _both(column: ColumnDrift) -> Markup | None:
    """Two distributions drawn over each other; None if a side is missing or there is
    nothing to draw."""
    before, after = column.before, column.after
    if before is None or after is None:
        return None
    if is_numeric(before) and is_numeric(after):
        low, high = min(before.low, after.low), max(before.high, after.high)
        title = f"before {_values_text(before)}; after {_values_text(after)}"
        return Markup(
            overlaid_svg(_binned(before, low, high), _binned(after, low, high), title)
        )
    old, new = shares_of(before), shares_of(after)
    names = sorted(set(old) | set(new), key=lambda name: -old.get(name, 0.0))[
        :_MOST_SHARES
    ]
    if not names:
        return None
    first, second = ([each.get(name, 0.0) for name in names] for each in (old, new))
    return Markup(overlaid_svg(first, second, ", ".join(names), gap=2))


def _binned(column: ColumnProfile, low: float, high: float) -> list[float]:
    """The shares of equal bins from `low` to `high`, as far as the quantiles tell."""
    if not high > low:
        return [1.0]
    edges = [low + (high - low) * place / _BINS for place in range(_BINS + 1)]
    below = [share_below(column, edge) for edge in edges]
    return [after - before for before, after in itertools.pairwise(below)]
