"""Features made with polars, with the scorer of one row written by hand."""

from __future__ import annotations

from statistics import mean, median

from tests.scoring.idioms import PRELUDE, Idiom, Names, Row, filled

__all__ = ["POLARS", "polars_text"]

_ROWS = """
# %% rows:table key:id
import polars as pl
table = pl.DataFrame({name: raw[name].to_list() for name in raw}).with_columns(pl.col("area").fill_nan(None))
"""
_MODEL = """
# %%
X, y = homes[FEATURES].to_numpy(), homes["price"].to_numpy()
model = DecisionTreeRegressor(max_depth=7, random_state=0).fit(X, y)
# %% score:predicted
predicted = model.predict(X)
"""


def polars_text(code: str) -> str:
    """The whole notebook around an idiom."""
    return (
        PRELUDE.replace("rows:raw key:id", "")
        + _ROWS
        + f"\n# %%\n{code.strip()}\n"
        + _MODEL
    )


def _built(names: Names, rooms: int) -> float:
    table = names["raw"]
    return mean(table[table["rooms"] == rooms]["built"].tolist())


def _areas(names: Names) -> list[float]:
    return [area for area in names["table"]["area"].to_list() if area is not None]


def _with_x(value: float, row: Row) -> Row:
    return {"x": value, "rooms": row["rooms"]}


_END = '\nFEATURES = ["x", "rooms"]'
POLARS = [
    Idiom(
        "arithmetic of columns",
        'homes = table.with_columns((2026 - pl.col("built")).alias("x"))' + _END,
        lambda row, names: _with_x(2026 - row["built"], row),
    ),
    Idiom(
        "gaps filled with the median, computed above",
        'middle = table["area"].median()\n'
        'homes = table.with_columns(pl.col("area").fill_null(middle).alias("x"))'
        + _END,
        lambda row, names: _with_x(filled(row, median(_areas(names))), row),
    ),
    Idiom(
        "the distance from a median, computed above",
        'middle = table["built"].median()\n'
        'homes = table.with_columns((pl.col("built") - middle).alias("x"))' + _END,
        lambda row, names: _with_x(
            row["built"] - median(names["raw"]["built"].tolist()), row
        ),
    ),
    Idiom(
        "means of groups, joined",
        'means = table.group_by("rooms").agg(pl.col("built").mean().alias("x"))\n'
        'homes = table.join(means, on="rooms", how="left", maintain_order="left")'
        + _END,
        lambda row, names: _with_x(_built(names, row["rooms"]), row),
    ),
    Idiom(
        "one of two values",
        'homes = table.with_columns(pl.when(pl.col("rooms") > 3).then(1).otherwise(0).alias("x"))'
        + _END,
        lambda row, names: _with_x(int(row["rooms"] > 3), row),
    ),
    Idiom(
        "text and dates",
        'homes = table.with_columns(pl.col("sold").str.to_date().dt.month().alias("x"))'
        + _END,
        lambda row, names: _with_x(int(row["sold"][5:7]), row),
    ),
    Idiom(
        "rows filtered, gaps dropped, columns chosen",
        'homes = table.filter(pl.col("price") > 100).drop_nulls("area").with_columns(\n'
        '    pl.col("built").alias("x")\n).select("x", "rooms", "price")' + _END,
        lambda row, names: _with_x(row["built"], row),
    ),
]
