"""What pandas learns from all rows and applies at once: categories, codes and bins, as
the notebook had them.

    dummies = Dummies(raw["district"], {})      # what pd.get_dummies(raw["district"]) has seen there
    dummies.apply(one_row["district"])          # the same columns, also for a single row

A value that the notebook has not seen raises UnseenError: it would have got a column or
a code of its own there, so there is no prediction that the notebook would have made.
Needs pandas alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Bins", "Categories", "Codes", "Dummies", "Learned", "UnseenError"]


class UnseenError(ValueError):
    """A value of which the notebook has learned nothing."""


class Learned:
    """Something learned from all rows. `name` is what it is called in the scorer."""

    name = "learned"

    def apply(self, values: Any) -> Any:
        """What the notebook's call gave these rows, or would have given them."""
        raise NotImplementedError


class Categories(Learned):
    """`astype("category")` of a series, or of some columns of a frame. `plain` is
    `pd.Categorical(series)`, which has no index."""

    name = "categories"

    def __init__(
        self,
        values: Any,
        columns: tuple[str, ...] = (),
        *,
        ordered: bool = False,
        plain: bool = False,
    ) -> None:
        self._columns = {column: _dtype(values[column]) for column in columns}
        self._dtype = None if columns else _dtype(values, ordered)
        self._plain = plain

    def apply(self, values: Any) -> Any:
        """The values as categories, in the notebook's order."""
        if self._dtype is not None:
            made = _as_seen(values, self._dtype)
            return getattr(made, "array", made) if self._plain else made
        present = [column for column in self._columns if column in values.columns]
        return values.assign(
            **{name: _as_seen(values[name], self._columns[name]) for name in present}
        )


class Dummies(Learned):
    """`pd.get_dummies` of a series, an array or a frame, with its keyword arguments.

    Of a frame, columns of text and categories are encoded, unless the arguments name
    others. One that is absent, such as the target, is left out with all that is made of
    it.
    """

    name = "dummies"

    def __init__(self, values: Any, kwargs: Mapping[str, Any]) -> None:
        """Keeps which categories the notebook's values have: of a frame those of each
        column that was encoded."""
        self._kwargs = {
            key: value for key, value in kwargs.items() if key not in _OF_COLUMNS
        }
        self._whole = {
            key: value for key, value in kwargs.items() if key in _OF_COLUMNS
        }
        self._dtypes: dict[Any, Any] = {}
        self._dtype = None
        if hasattr(values, "columns"):
            columns = kwargs.get("columns")
            encoded = list(
                values.select_dtypes(_TEXTS).columns if columns is None else columns
            )
            self._dtypes = {column: _dtype(values[column]) for column in encoded}
            # One prefix for each column, however they were given.
            self._whole = {
                "prefix": _for_each(kwargs.get("prefix"), encoded)
                or {name: name for name in encoded},
                "prefix_sep": _for_each(kwargs.get("prefix_sep", "_"), encoded),
            }
        else:
            self._dtype = _dtype(values)

    def apply(self, values: Any) -> Any:
        """The columns of zeros and ones."""
        import pandas

        if self._dtype is not None:
            made = pandas.get_dummies(
                _as_seen(values, self._dtype), **self._whole, **self._kwargs
            )
        else:
            present = [column for column in self._dtypes if column in values.columns]
            seen = values.assign(
                **{name: _as_seen(values[name], self._dtypes[name]) for name in present}
            )
            own: dict[str, Any] = {
                key: {name: each[name] for name in present}
                for key, each in self._whole.items()
            }
            made = pandas.get_dummies(seen, columns=present, **own, **self._kwargs)
        # A frame that has such columns refuses new ones.
        if isinstance(made.columns, pandas.CategoricalIndex):
            made.columns = made.columns.astype(made.columns.categories.dtype)
        return made

    def sources(self, values: Any) -> tuple[tuple[Any, Any], ...]:
        """Of a frame: for each column of the result the one that it is made of."""
        found = [
            (column, column) for column in values.columns if column not in self._dtypes
        ]
        for column in self._dtypes:
            found += [
                (name, column) for name in self.apply(values[[column]].iloc[:1]).columns
            ]
        return tuple(found)


class Codes(Learned):
    """`pd.factorize`: a number for each value, in the order in which they first stood
    in the notebook."""

    name = "codes"

    def __init__(self, codes: Any, uniques: Any) -> None:
        import pandas

        self._uniques = uniques
        self._index = pandas.Index(uniques)
        self._gap = int(codes.min()) if len(codes) else -1

    def apply(self, values: Any) -> tuple[Any, Any]:
        """The codes, and the values that they stand for."""
        import pandas

        series = pandas.Series(values)
        codes = self._index.get_indexer(series)
        unseen = (codes < 0) & series.notna().to_numpy()
        _refuse(series[unseen])
        return codes, self._uniques


class Bins(Learned):
    """`pd.cut` into a number of bins, and `pd.qcut`: the edges that the notebook's rows
    gave."""

    name = "bins"

    def __init__(self, edges: Any, kwargs: Mapping[str, Any]) -> None:
        self._edges = edges
        self._kwargs = dict(kwargs)

    def apply(self, values: Any) -> Any:
        """The bin of each value. One beyond the last edge would have moved the edges in
        the notebook."""
        import pandas

        series = pandas.Series(values)
        first, *_, last = self._edges
        _refuse(series[(series < first) | (series > last)])
        return pandas.cut(values, self._edges, **self._kwargs)


_TEXTS = ("object", "string", "category")
_OF_COLUMNS = frozenset({"prefix", "prefix_sep", "columns"})


def _dtype(values: Any, ordered: bool = False) -> Any:
    import pandas

    # None keeps the order of values that are categories already.
    return pandas.Categorical(values, ordered=ordered or None).dtype


def _as_seen(values: Any, dtype: Any) -> Any:
    import pandas

    series = pandas.Series(values)
    _refuse(series[series.notna() & ~series.isin(dtype.categories)])
    if isinstance(values, (pandas.Series, pandas.Index)):
        return values.astype(dtype)
    return pandas.Categorical(values, dtype=dtype)


def _refuse(unseen: Any) -> None:
    if len(unseen):
        of = f" in '{unseen.name}'" if isinstance(unseen.name, str) else ""
        raise UnseenError(
            f"{unseen.iloc[0]!r}{of} is nothing that the notebook has seen there"
        )


def _for_each(given: Any, columns: list[Any]) -> dict[Any, Any]:
    """`prefix="x"`, `prefix=["x", "y"]` or `prefix={"a": "x"}` as the last."""
    if isinstance(given, Mapping):
        return {column: given[column] for column in columns}
    if isinstance(given, (list, tuple)):
        return dict(zip(columns, given, strict=True))
    return {} if given is None else dict.fromkeys(columns, given)
