"""The components of ambient state that we know: how each is read and set.

A component is read only when its module has been imported by somebody else; what it
gives is a dict of parts, so that one option or one environment variable is carried
without the others. The part "" stands for a component that is one whole. Other packages
add components through the entry point group `jupyter_pipe.ambient`: an object with
these attributes, or a callable that returns one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from .loggers import Loggers

__all__ = ["BUILT_IN", "REMOVED", "Component"]

REMOVED = "jupyter_pipe: removed"


class Component(Protocol):
    """`generator` marks random generators: they are carried only if the notebook seeds
    them."""

    name: str
    module: str
    generator: bool

    def read(self) -> dict[str, Any]:
        """The parts as they are now; only called when the module has been imported."""

    def write(self, part: str, value: Any) -> None:
        """`value` is REMOVED for a part that the stage deleted."""


class _Component:
    """What most components have in common."""

    name = ""
    module = "sys"
    generator = False

    def read(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def loaded(self) -> Any:
        return sys.modules[self.module]


class _Random(_Component):
    name = module = "random"
    generator = True

    def read(self) -> dict[str, Any]:
        return {"": self.loaded.getstate()}

    def write(self, part: str, value: Any) -> None:
        self.loaded.setstate(value)


class _NumpyRandom(_Component):
    name = "numpy.random"
    module = "numpy.random"
    generator = True

    def read(self) -> dict[str, Any]:
        kind, keys, *rest = self.loaded.get_state()
        return {"": (kind, keys.tobytes(), *rest)}

    def write(self, part: str, value: Any) -> None:
        kind, keys, *rest = value
        array = sys.modules["numpy"].frombuffer(keys, dtype="uint32")
        self.loaded.set_state((kind, array, *rest))


class _TorchRandom(_Component):
    """The generator of the processor; that of a graphics card follows it where both are
    seeded at once."""

    name = "torch.random"
    module = "torch"
    generator = True

    def read(self) -> dict[str, Any]:
        return {"": bytes(self.loaded.get_rng_state().numpy())}

    def write(self, part: str, value: Any) -> None:
        torch = self.loaded
        torch.set_rng_state(torch.frombuffer(bytearray(value), dtype=torch.uint8))


class _FloatPrecision(_Component):
    """What `%precision` sets. Stands before numpy's options, which it sets as well."""

    name = "ipython.precision"
    module = "IPython"

    def read(self) -> dict[str, Any]:
        shell = self.loaded.get_ipython()
        if shell is None:
            return {}
        if shell.display_formatter.trait_has_value("formatters"):
            return {"": self._formatter(shell).float_precision}
        # Making the formatters takes a while, and a stage that shows nothing needs
        # none.
        return {
            "": str(
                shell.config.get("PlainTextFormatter", {}).get("float_precision", "")
            )
        }

    def write(self, part: str, value: Any) -> None:
        self._formatter(self.loaded.get_ipython()).float_precision = value

    @staticmethod
    def _formatter(shell: Any) -> Any:
        return shell.display_formatter.formatters["text/plain"]


class _NumpyPrint(_Component):
    name = "numpy.printoptions"
    module = "numpy"

    def read(self) -> dict[str, Any]:
        return dict(self.loaded.get_printoptions())

    def write(self, part: str, value: Any) -> None:
        self.loaded.set_printoptions(**{part: value})


class _NumpyErrors(_Component):
    name = "numpy.errstate"
    module = "numpy"

    def read(self) -> dict[str, Any]:
        return dict(self.loaded.geterr())

    def write(self, part: str, value: Any) -> None:
        self.loaded.seterr(**{part: value})


class _PandasOptions(_Component):
    name = "pandas.options"
    module = "pandas"

    def read(self) -> dict[str, Any]:
        # get_option warns about deprecated options; the values themselves do not
        return _leaves(sys.modules["pandas._config.config"]._global_config)

    def write(self, part: str, value: Any) -> None:
        self.loaded.set_option(part, value)


def _leaves(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            found.update(_leaves(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


class _Matplotlib(_Component):
    name = "matplotlib.rcParams"
    module = "matplotlib"

    # The kernel, not the notebook, chooses where figures go.
    _ours = frozenset({"backend", "backend_fallback", "interactive"})

    def read(self) -> dict[str, Any]:
        # dict.items: rcParams' own would choose a backend and import it
        parameters = dict.items(self.loaded.rcParams)
        return {name: value for name, value in parameters if name not in self._ours}

    def write(self, part: str, value: Any) -> None:
        self.loaded.rcParams[part] = value


class _Environment(_Component):
    name = "os.environ"
    module = "os"

    def read(self) -> dict[str, Any]:
        # As `dict(os.environ)`, whose lookups the observer would be told of, one by
        # one.
        variables = getattr(os.environ, "_data", os.environ).items()
        return {os.fsdecode(name): os.fsdecode(value) for name, value in variables}

    def write(self, part: str, value: Any) -> None:
        if value == REMOVED:
            os.environ.pop(part, None)
        else:
            os.environ[part] = value


class _Folder(_Component):
    name = "os.cwd"
    module = "os"

    def read(self) -> dict[str, Any]:
        return {"": os.getcwd()}

    def write(self, part: str, value: Any) -> None:
        os.chdir(value)


class _Path(_Component):
    name = "sys.path"

    def read(self) -> dict[str, Any]:
        return {"": list(sys.path)}

    def write(self, part: str, value: Any) -> None:
        sys.path[:] = value


class _Arguments(_Component):
    name = "sys.argv"

    def read(self) -> dict[str, Any]:
        return {"": list(sys.argv)}

    def write(self, part: str, value: Any) -> None:
        sys.argv[:] = value


class _ScikitLearn(_Component):
    name = "sklearn.config"
    module = "sklearn"

    def read(self) -> dict[str, Any]:
        return dict(self.loaded.get_config())

    def write(self, part: str, value: Any) -> None:
        self.loaded.set_config(**{part: value})


class _Recursion(_Component):
    name = "sys.recursionlimit"

    def read(self) -> dict[str, Any]:
        return {"": sys.getrecursionlimit()}

    def write(self, part: str, value: Any) -> None:
        sys.setrecursionlimit(value)


class _IntDigits(_Component):
    name = "sys.int_max_str_digits"

    def read(self) -> dict[str, Any]:
        # Python 3.10.6 and older have no such limit
        return (
            {"": sys.get_int_max_str_digits()}
            if hasattr(sys, "get_int_max_str_digits")
            else {}
        )

    def write(self, part: str, value: Any) -> None:
        sys.set_int_max_str_digits(value)


class _Collector(_Component):
    name = module = "gc"

    def read(self) -> dict[str, Any]:
        return {
            "enabled": self.loaded.isenabled(),
            "threshold": self.loaded.get_threshold(),
        }

    def write(self, part: str, value: Any) -> None:
        if part == "threshold":
            self.loaded.set_threshold(*value)
        elif value:
            self.loaded.enable()
        else:
            self.loaded.disable()


class _TimeZone(_Component):
    """Stands after the environment, from which `tzset` takes it."""

    name = "time.zone"
    module = "time"

    def read(self) -> dict[str, Any]:
        time = self.loaded
        return {"": (time.timezone, time.altzone, *time.tzname)}

    def write(self, part: str, value: Any) -> None:
        self.loaded.tzset()
        if self.read()[part] != value:
            raise ValueError("the environment names another time zone now")


class _Warnings(_Component):
    name = "warnings.filters"
    module = "warnings"

    def read(self) -> dict[str, Any]:
        return {"": list(self.loaded.filters)}

    def write(self, part: str, value: Any) -> None:
        self.loaded.resetwarnings()
        self.loaded.filters.extend(value)


class _Decimal(_Component):
    name = "decimal.context"
    module = "decimal"

    def read(self) -> dict[str, Any]:
        context = self.loaded.getcontext()
        names = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
        traps = sorted(signal.__name__ for signal, on in context.traps.items() if on)
        return {**{name: getattr(context, name) for name in names}, "traps": traps}

    def write(self, part: str, value: Any) -> None:
        context = self.loaded.getcontext()
        if part == "traps":
            for signal in context.traps:
                context.traps[signal] = signal.__name__ in value
        else:
            setattr(context, part, value)


class _Locale(_Component):
    name = module = "locale"

    _categories = ("LC_COLLATE", "LC_CTYPE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME")

    def read(self) -> dict[str, Any]:
        locale = self.loaded
        return {
            name: locale.setlocale(getattr(locale, name)) for name in self._categories
        }

    def write(self, part: str, value: Any) -> None:
        self.loaded.setlocale(getattr(self.loaded, part), value)


BUILT_IN: tuple[Component, ...] = (
    *(_Environment(), _Path(), _Folder(), _Arguments(), _Recursion(), _IntDigits()),
    *(_Collector(), _TimeZone(), _Random(), _NumpyRandom(), _TorchRandom()),
    *(
        _FloatPrecision(),
        _NumpyPrint(),
        _NumpyErrors(),
        _PandasOptions(),
        _Matplotlib(),
        _Warnings(),
    ),
    *(_Decimal(), Loggers(), _Locale(), _ScikitLearn()),
)
