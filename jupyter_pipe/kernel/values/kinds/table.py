"""Which class is of which kind.

Classes of libraries stand here as the places where they are found, not as they call
themselves, and are looked up in modules that somebody else has imported. To add a kind:
its module, and a line here.
"""

from __future__ import annotations

import enum
import functools
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from . import (
    builtins,
    classes,
    functions,
    ipywidgets,
    matplotlib,
    numpy,
    pandas,
    torch,
)
from .definitions import Code
from .kind import Kind, full_name, package_of
from .plugin import Formatted, find_format
from .refused import Refused

__all__ = ["OF_LIBRARIES", "find_encoder", "find_kind", "is_immutable"]

_INSTANCES = Kind()
_FORWARDING = builtins.Forwarding()
_FIXED = Kind(is_immutable=True)
_FIXED_OF_PANDAS = pandas.PandasInstances(is_immutable=True)
_MEMORY_ELSEWHERE = Refused(
    "it holds memory of its library; keep the array and make it again"
)
_LINK = Refused("it connects widgets of one kernel")

_BUILT_IN: dict[type, Kind] = {
    **dict.fromkeys((str, bytes, int, float, complex, type(None)), _FIXED),
    **dict.fromkeys((range, slice, enum.Enum, types.GenericAlias), _FIXED),
    list: builtins.Sequences(),
    tuple: builtins.Sequences(is_immutable=True),
    dict: builtins.Mappings(),
    set: builtins.Sets(),
    frozenset: builtins.Sets(is_immutable=True),
    bytearray: builtins.ByteArrays(),
    pickle.PickleBuffer: builtins.Buffers(),
    type({}.keys()): builtins.Views(),
    type({}.values()): builtins.Views(),
    type({}.items()): builtins.Views(),
    type: classes.Classes(is_immutable=True),
    types.ModuleType: builtins.Modules(is_immutable=True),
    types.FunctionType: functions.Functions(),
    type(functools.lru_cache(lambda: None)): functions.CachedFunctions(),
    types.CellType: functions.Cells(),
    types.CodeType: functions.CodeObjects(is_immutable=True),
    types.BuiltinFunctionType: Code(is_immutable=True),
    types.MethodType: Code(),
}

OF_LIBRARIES: dict[str, Kind] = {
    "numpy.ndarray": numpy.Arrays(),
    "numpy.ma.MaskedArray": numpy.MaskedArrays(),
    "numpy.generic": numpy.Scalars(is_immutable=True),
    "numpy.dtype": numpy.DTypes(is_immutable=True),
    "numpy.random.RandomState": numpy.GlobalGenerator(),
    "pandas.DataFrame": pandas.Frames(),
    "pandas.Series": pandas.Frames(),
    "pandas.Index": pandas.Indexes(is_immutable=True),
    "pandas.core.internals.blocks.Block": pandas.Blocks(),
    "pandas.core.internals.managers.SingleBlockManager": pandas.SeriesManagers(),
    "pandas.core.arrays.arrow.array.ArrowExtensionArray": pandas.ArrowArrays(),
    "pandas.api.extensions.ExtensionDtype": _FIXED_OF_PANDAS,
    "pandas.tseries.offsets.BaseOffset": _FIXED_OF_PANDAS,
    "pandas._libs.tslibs.period._Period": _FIXED_OF_PANDAS,
    "pandas._libs.tslibs.nattype.NaTType": _FIXED_OF_PANDAS,
    "pandas._libs.missing.NAType": _FIXED_OF_PANDAS,
    "pandas.Interval": _FIXED_OF_PANDAS,
    "matplotlib.transforms.TransformNode": matplotlib.Transforms(),
    "matplotlib.cbook.CallbackRegistry": matplotlib.Callbacks(),
    "torch.Tensor": torch.Tensors(),
    "ipywidgets.Widget": ipywidgets.Widgets(),
    "traitlets.HasTraits": ipywidgets.Watched(),
    "traitlets.link": _LINK,
    "traitlets.directional_link": _LINK,
    "xgboost.DMatrix": _MEMORY_ELSEWHERE,
    "IPython.core.display_functions.DisplayHandle": Refused(
        "a display handle belongs to one running kernel"
    ),
    "ipykernel.iostream.OutStream": Refused("a stream belongs to one running kernel"),
    # Both keep what was written to them in themselves.
    "io.BytesIO": _INSTANCES,
    "io.StringIO": _INSTANCES,
    # Where all open files come from; `io.IOBase` only counts them among its own.
    "_io._IOBase": Refused("an open file belongs to one process"),
    **dict.fromkeys(
        (
            "datetime.date",
            "datetime.time",
            "datetime.timedelta",
            "datetime.tzinfo",
            "decimal.Decimal",
            "fractions.Fraction",
            "uuid.UUID",
            "re.Pattern",
            "pathlib.PurePath",
            "logging.Logger",
            "logging.Manager",
            "ipaddress._BaseAddress",
            "ipaddress._BaseNetwork",
        ),
        _FIXED,
    ),
}
# What a package defines and is nowhere above.
_OF_PACKAGES: dict[str, Kind] = {"pandas": pandas.PandasInstances()}

# By the last part of the place: `Index -> (pandas, Indexes)`. A class that is called
# otherwise need not be looked for.
_PLACES: dict[str, list[tuple[str, Kind]]] = {}
for place, one in OF_LIBRARIES.items():
    module, _, name = place.rpartition(".")
    _PLACES.setdefault(name, []).append((module, one))


def find_kind(kind: type) -> Kind:
    """The kind of exactly this class: that of a format, of the nearest base that stands
    above, or that of all other instances."""
    found = find_format(full_name(kind))
    if found is not None:
        return Formatted(found)
    # `numpy.str_` is a `str` before it is a `numpy.generic`: libraries come first.
    return next(_kinds_of(kind), _OF_PACKAGES.get(package_of(kind), _INSTANCES))


def find_encoder(kind: type) -> Callable[..., Any] | None:
    """`encode` of the kind; None where instances are left to pickle."""
    found = find_kind(kind)
    if type(found).encode is not Kind.encode:
        return found.encode
    return _FORWARDING.encode if builtins.forwards(kind) else None


def is_immutable(kind: type) -> bool:
    """Whether no instance of the class ever changes, as far as one of its bases
    says."""
    return any(one.is_immutable for one in _kinds_of(kind))


def _kinds_of(kind: type) -> Iterator[Kind]:
    """Of the class and its bases, the nearest first, those of libraries before those
    that are built in."""
    for base in kind.__mro__:
        for module, one in _PLACES.get(base.__name__, ()):
            if getattr(sys.modules.get(module), base.__name__, None) is base:
                yield one
    for base in kind.__mro__:
        if base in _BUILT_IN:
            yield _BUILT_IN[base]
