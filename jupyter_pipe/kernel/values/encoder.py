"""Turns values into a pickle stream plus memory regions.

Plain pickle does the walking; the rules here say what it may not decide: arrays keep
shared memory, notebook definitions travel by reference, functions by value run with the
stage's globals, what has no meaning elsewhere is refused. cloudpickle takes over
classes that no import can find.
"""

from __future__ import annotations

import builtins
import functools
import gc
import io
import marshal
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any

from ..definitions import Definitions
from ..errors import CannotTravelError
from . import figure_pickles as plots
from . import functions, tensors
from .decoder import Decoder
from .formats import find_format
from .immutable import full_name, package_of
from .memory import frames
from .memory.arrays import Memory, instance_attributes, root_of
from .memory.maps import writes_to_file
from .memory.repeated_atoms import find_repeated
from .nans import Nans
from .ordered_sets import Recipe
from .widgets import has_traits, is_widget, refuse_if_watched, widget_state

__all__ = ["Encoder", "SetEncoder"]

Rule = Callable[[Any], Any]
_LRU = type(functools.lru_cache(lambda: None))
_BUILTIN_TYPES = {
    kind: name
    for name, kind in vars(types).items()
    if isinstance(kind, type)
    and kind.__module__ == "builtins"
    and not hasattr(builtins, kind.__qualname__)
}
_VIEWS = {
    type({}.keys()): "keys",
    type({}.values()): "values",
    type({}.items()): "items",
}
_REFUSED = {
    "DisplayHandle": "a display handle belongs to one running kernel",
    "OutStream": "a stream belongs to one running kernel",
    "DMatrix": "it holds memory of its library; keep the array and make it again",
    "QuantileDMatrix": "it holds memory of its library; keep the array and make it again",
    "traitlets.traitlets.link": "it connects widgets of one kernel",
    "traitlets.traitlets.directional_link": "it connects widgets of one kernel",
}


class Encoder(pickle.Pickler):
    """One payload's worth of pickling. `shared` are owners of object arrays seen more
    than once."""

    def __init__(
        self,
        definitions: Definitions,
        namespace: dict[str, Any],
        *,
        shared: frozenset[int] = frozenset(),
        cloudpickle: Any = None,
    ) -> None:
        self.file = io.BytesIO()
        super().__init__(self.file, protocol=5, buffer_callback=self._take_buffer)
        self.memory = Memory()
        self.objects = Memory()
        self.used: dict[str, str] = {}
        self.by_reference: set[int] = set()
        self.nans = Nans()
        self._definitions = definitions
        self._namespace = namespace
        self._shared = shared
        self._cloudpickle = cloudpickle
        self._rules: dict[type, Rule | None] = {}
        self._exact: dict[type, Rule] = {
            types.FunctionType: self._reduce_function,
            _LRU: self._reduce_function,
            types.ModuleType: _reduce_module,
            types.CellType: self._reduce_cell,
            types.CodeType: _reduce_code,
            frames.Reference: _reduce_reference,
        }
        self._cells: set[int] = set()
        self._scopes: dict[int, dict[str, Any]] = {}
        self._private: dict[int, Any] = {}
        self._owners: dict[int, int] = {}
        self._references: dict[int, frames.Reference] = {}
        if cloudpickle is not None:
            self.dispatch_table = cloudpickle.Pickler.dispatch_table

    def _take_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        self.memory.add_buffer(buffer.raw())
        return False

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        try:
            rule = self._rules[kind]
        except KeyError:
            rule = self._rules[kind] = self._find_rule(kind)
        return NotImplemented if rule is None else rule(value)

    def _find_rule(self, kind: type) -> Rule | None:
        """How values of a type are reduced, or None to leave them to pickle. Asked once
        for each type; types that cannot travel, such as open files, get a rule that
        refuses with the reason."""
        if issubclass(kind, type):
            return self._reduce_class
        if kind in self._exact:
            return self._exact[kind]
        numpy = sys.modules.get("numpy")
        if numpy is not None and issubclass(
            kind, (numpy.ndarray, numpy.random.RandomState)
        ):
            return self._numpy_rule(kind, numpy)
        if package_of(kind) == "pandas":
            return self._pandas_rule(kind)
        known = next((rule for is_one, rule in _OF_LIBRARIES if is_one(kind)), None)
        if known is not None:
            return known
        refusal = _refusal(kind)
        if refusal:
            return functools.partial(_refuse, reason=refusal)
        return _reduce_forwarding if _forwards(kind) else None

    def _numpy_rule(self, kind: Any, numpy: Any) -> Rule | None:
        if kind is numpy.random.RandomState:
            return self._reduce_generator
        if kind is numpy.ma.MaskedArray:
            return _reduce_masked
        # a class with a reduction of its own knows what else belongs to it
        plain = getattr(kind, "__reduce__", None) is numpy.ndarray.__reduce__
        return self._reduce_array if plain else None

    def _pandas_rule(self, kind: Any) -> Rule | None:
        if frames.is_block(kind):
            return self._reduce_block
        if frames.is_arrow(kind):
            return frames.reduce_arrow
        if frames.is_series_manager(kind):
            return _reduce_series_manager
        if frames.is_frame(kind):
            # pandas pickles this list of the class with each instance: nobody's shared
            # object
            self.by_reference.add(id(kind._metadata))
        return self._reduce_index if frames.is_index(kind) else None

    def _reduce_array(self, array: Any) -> Any:
        private = id(array) in self._private
        owner = self._owners.get(id(array), 0)
        if array.dtype.hasobject:
            return self._reduce_objects(array, private=private, owner=owner)
        number = self.memory.add_array(array, private=private, owner=owner)
        if array.base is not None and writes_to_file(array):
            self.memory.read_only.add(number)
        if type(array).__name__ == "ndarray":
            return Decoder.array, (number, array.dtype, None)
        # numpy's own reduction would forget what a subclass keeps in its instances
        attributes = instance_attributes(array)
        parts = (number, array.dtype, type(array))
        return Decoder.array, parts, attributes, None, None, Decoder.set_attributes

    def _reduce_objects(self, array: Any, *, private: bool, owner: int) -> Any:
        root = root_of(array)
        self.objects.add_array(array, private=private, owner=owner)
        if (
            root is array
            or id(root) not in self._shared
            or private
            or array.dtype.kind != "O"
        ):
            return _reduce_repeated(array)
        start = (
            array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
        )
        return Decoder.object_view, (
            root,
            start // array.itemsize,
            array.shape,
            array.strides,
        )

    def _reduce_block(self, block: Any) -> Any:
        for array in frames.arrays_of(block.values):
            self._owners[id(array)] = id(block.refs)
        made = frames.Reference(frames.is_shared(block))
        reference = self._references.setdefault(id(block.refs), made)
        return Decoder.block, (
            block.values,
            block.mgr_locs.indexer,
            block.ndim,
            reference,
        )

    def _reduce_index(self, index: Any) -> Any:
        reduced, arrays = frames.reduce_apart(index)
        self._private.update({id(array): array for array in arrays})
        return reduced

    def _reduce_generator(self, generator: Any) -> Any:
        # The process-wide generator is reached by name: a copy of it would no longer
        # follow seed().
        if generator is not sys.modules["numpy"].random.mtrand._rand:
            return NotImplemented
        self.by_reference.add(id(generator))
        return Decoder.global_generator, ()

    def _reduce_class(self, kind: type) -> Any:
        name = self._definitions.name_of(kind)
        if name is not None:
            return self._reference(kind, name)
        if self._is_global(kind):
            return NotImplemented
        if kind in _BUILTIN_TYPES:
            return Decoder.builtin, (_BUILTIN_TYPES[kind],)
        if self._cloudpickle is None:
            raise CannotTravelError(
                f"the class {kind.__qualname__} can only travel with cloudpickle installed"
            )
        return self._cloudpickle.Pickler.reducer_override(self, kind)

    def _reduce_cell(self, cell: types.CellType) -> Any:
        # The function's state fills it: the function must exist first, for it may be in
        # the cell.
        if id(cell) not in self._cells:
            raise CannotTravelError(
                "a variable of a closure cannot travel without its function"
            )
        return types.CellType, ()

    def _reduce_function(self, function: Any) -> Any:
        name = self._definitions.name_of(function)
        if name is not None:
            return self._reference(function, name)
        if self._is_global(function):
            self.by_reference.add(id(function))
            return NotImplemented
        if type(function) is _LRU:
            parameters = function.cache_parameters()
            return Decoder.cached, (
                function.__wrapped__,
                parameters["maxsize"],
                parameters["typed"],
            )
        self._cells.update(map(id, function.__closure__ or ()))
        owner, own = self._globals_of(function)
        imports = functions.imported_names(function) if owner is None else {}
        parts = (
            function.__code__,
            owner,
            function.__name__,
            function.__closure__,
            imports,
        )
        state = functions.function_state(function, own)
        return Decoder.function, parts, state, None, None, Decoder.set_function

    def _globals_of(
        self, function: types.FunctionType
    ) -> tuple[Any, dict[str, Any] | None]:
        """None for the stage's namespace, a module's name, or a dict that all functions
        over the same private globals share, with those globals."""
        if function.__globals__ is self._namespace:
            return None, None
        module = functions.globals_module(function)
        if module is not None:
            return module, None
        scope = self._scopes.setdefault(
            id(function.__globals__), {"__name__": function.__module__}
        )
        return scope, function.__globals__

    def _is_global(self, value: Any) -> bool:
        return functions.is_global(value) and not self._definitions.is_local(value)

    def _reference(self, value: Any, name: str) -> Any:
        self.by_reference.add(id(value))
        root = name.split(".", 1)[0]
        self.used[root] = self._definitions.digest_of(root)
        changed = self._definitions.changes(name)
        if not changed:
            return Decoder.definition, (name,)
        return (
            Decoder.definition,
            (name,),
            changed,
            None,
            None,
            Decoder.change_definition,
        )


def _reduce_repeated(array: Any) -> Any:
    parts = find_repeated(array)
    if parts is None:
        return NotImplemented
    atoms, places, *rest = parts
    return Decoder.repeated, (atoms, pickle.PickleBuffer(places), *rest)


def _reduce_formatted(value: Any) -> Any:
    name = full_name(type(value))
    found = find_format(name)
    assert found is not None
    return Decoder.formatted, (name, found.dump(value))


def _reduce_view(view: Any) -> Any:
    # cloudpickle would make a view of a copy, which no longer sees what happens to the
    # dict
    (viewed,) = gc.get_referents(view)
    return Decoder.dict_view, (viewed, _VIEWS[type(view)])


def _forwards(kind: type) -> bool:
    """Whether instances answer for attributes that they lack. Pickle asks a bare new
    instance for `__setstate__`, and a class that forwards to one of its attributes
    would never end answering."""
    own = {name for base in kind.__mro__[:-1] for name in vars(base)}
    return "__getattr__" in own and not own & {
        "__setstate__",
        "__reduce__",
        "__reduce_ex__",
    }


def _reduce_forwarding(value: Any) -> Any:
    parts: tuple[Any, ...] = (*value.__reduce_ex__(5), None, None)
    return *parts[:5], Decoder.set_state


def _reduce_transform(node: Any) -> Any:
    return *plots.reduce_transform(node), None, None, Decoder.set_transform


def _reduce_masked(array: Any) -> Any:
    mask = None if array.mask is sys.modules["numpy"].ma.nomask else array._mask
    return Decoder.masked, (array.data, mask, array._fill_value, array.hardmask)


def _reduce_series_manager(manager: Any) -> Any:
    # its own reduction pickles the array without the block, which knows who shares the
    # memory
    return type(manager), (manager._block, manager.axes[0])


def _reduce_module(module: types.ModuleType) -> Any:
    if module.__name__ not in sys.modules or module.__name__ == "__main__":
        raise CannotTravelError(
            f"the module {module.__name__} cannot be imported elsewhere"
        )
    return Decoder.module, (module.__name__,)


def _reduce_reference(reference: frames.Reference) -> Any:
    return Decoder.reference, (reference.is_shared,)


def _reduce_code(code: types.CodeType) -> Any:
    return Decoder.code, (marshal.dumps(code),)


def _reduce_widget(widget: Any) -> Any:
    return Decoder.widget, widget_state(widget)


def _reduce_watched(value: Any) -> Any:
    refuse_if_watched(value)
    return NotImplemented


def _reduce_registry(registry: Any) -> Any:
    plots.refuse_callbacks(registry)
    return NotImplemented


def _reduce_tensor(tensor: Any) -> Any:
    return Decoder.tensor, tensors.travelling_parts(tensor)


# The first that fits: a format of somebody's own stands before what we do.
_OF_LIBRARIES: tuple[tuple[Callable[[type], bool], Rule], ...] = (
    (plots.is_transform, _reduce_transform),
    (lambda kind: find_format(full_name(kind)) is not None, _reduce_formatted),
    (lambda kind: kind in _VIEWS, _reduce_view),
    (is_widget, _reduce_widget),
    (has_traits, _reduce_watched),
    (plots.is_registry, _reduce_registry),
    (tensors.is_tensor, _reduce_tensor),
)


def _refusal(kind: type) -> str | None:
    """Why no instance of the class can travel, where pickle or cloudpickle would let
    it."""
    if issubclass(kind, io.IOBase) and not issubclass(kind, (io.BytesIO, io.StringIO)):
        return "an open file belongs to one process"
    return _REFUSED.get(kind.__name__) or _REFUSED.get(full_name(kind))


def _refuse(value: Any, *, reason: str) -> Any:
    raise CannotTravelError(reason, type_name=type(value).__name__)


class SetEncoder(Encoder):
    """Also replaces the sets in `recipes`, by id, with their recipes, and each NaN with
    its name.

    Slower: pickle asks about every single object.
    """

    def __init__(
        self, *arguments: Any, recipes: dict[int, Recipe], **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._recipes = recipes

    def persistent_id(self, value: Any) -> Recipe | str | None:
        kind = type(value)
        if kind is float:
            return self.nans.name_of(value) if value != value else None  # noqa: PLR0124
        return self._recipes.get(id(value)) if kind is set else None
