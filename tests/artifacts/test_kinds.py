"""The table of kinds: its places exist, and the nearest base decides."""

from __future__ import annotations

import enum
import fractions
import importlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_pipe.kernel.values.differences import first_difference
from jupyter_pipe.kernel.values.kinds import builtins, numpy, pandas, table
from jupyter_pipe.kernel.values.kinds.kind import Kind

# Too large for the environment of tests.
ABSENT = {"torch.Tensor", "xgboost.DMatrix"}


@pytest.mark.parametrize("place", sorted(table.OF_LIBRARIES.keys() - ABSENT))
def test_a_class_in_the_table_is_where_it_says(place: str) -> None:
    """One that a library has moved would quietly be pickled like any other."""
    module, _, name = place.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, type)
    assert found.__name__ == name
    assert table.find_kind(found) is table.OF_LIBRARIES[place]


class Rows(pd.DataFrame):
    """A frame of the notebook's own."""


class Keys(dict[str, Any]):
    """A dict whose keys are attributes."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


class Weekday(list[int], enum.Enum):
    """An enumeration over a list."""

    MONDAY = [1]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (Rows, pandas.Frames),
        (pd.RangeIndex, pandas.Indexes),
        (pd.Timestamp, Kind),
        (type(pd.DataFrame({"a": [1]}).groupby("a")), pandas.PandasInstances),
        (np.memmap, numpy.Arrays),
        (np.ma.MaskedArray, numpy.MaskedArrays),
        (np.str_, numpy.Scalars),
        (Keys, builtins.Mappings),
        (object, Kind),
    ],
)
def test_the_nearest_base_decides(kind: type, wanted: type) -> None:
    assert type(table.find_kind(kind)) is wanted


def test_pickle_is_left_alone_with_what_it_knows() -> None:
    assert table.find_encoder(fractions.Fraction) is None
    assert table.find_encoder(Keys) is not None


def test_one_base_that_never_changes_is_enough() -> None:
    assert table.is_immutable(Weekday)
    assert table.is_immutable(np.str_)
    assert table.is_immutable(pd.RangeIndex)
    assert not table.is_immutable(Keys)
    assert not table.is_immutable(Rows)


def test_a_function_that_became_something_else_differs() -> None:
    found = first_difference([len, print], [len, 3], "steps")
    assert found is not None
    assert (found.path, found.found) == ("steps[1]", "3 (int)")
