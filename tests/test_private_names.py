"""Every private or undocumented name of other libraries that jupyter_pipe uses: that it
exists, and that it does what it is used for.

A script below finds the names in the sources, so that none is used without standing
here. Libraries whose private names are used have an upper bound in pyproject.toml;
continuous integration tries the lowest versions that it allows, and the newest.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import jupyter_pipe

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

SOURCES = Path(jupyter_pipe.__file__).parent
PROJECT = SOURCES.parent / "pyproject.toml"


class Private(NamedTuple):
    """A name `of` a library, where it `is`, and whether it does what we use it for."""

    of: str
    is_: str
    works: Callable[[Any], object]


def _parameters(*names: str) -> Callable[[Any], object]:
    """Whether a function takes these, in this order."""
    return lambda function: (
        tuple(inspect.signature(function).parameters)[: len(names)] == names
    )


def _is_coroutine(*names: str) -> Callable[[Any], object]:
    return lambda function: (
        inspect.iscoroutinefunction(function) and _parameters(*names)(function)
    )


def _is_class(value: Any) -> bool:
    return isinstance(value, type)


def _pandas_keeps_blocks(manager: Any) -> bool:
    import pandas as pd

    series = pd.Series([1, 2])
    return isinstance(series._mgr, manager) and list(series._mgr._block.values) == [
        1,
        2,
    ]


def _pandas_makes_blocks(new_block: Any) -> bool:
    import numpy as np
    from pandas._libs.internals import BlockPlacement

    made = new_block(np.ones((1, 2)), placement=BlockPlacement([0]), ndim=2, refs=None)
    alone = made.refs.has_reference()
    other = new_block(made.values, placement=made.mgr_locs, ndim=2, refs=made.refs)
    return not alone and bool(made.refs.has_reference()) and other.refs is made.refs


def _streams_say_what_they_hold(stream: Any) -> bool:
    source = inspect.getsource(stream)
    return all(
        f"self.{name} = " in source
        for name in ("_buffers", "_flush_pending", "_fid", "echo")
    )


def _holds_pandas_options(config: Any) -> bool:
    import pandas as pd

    return bool(config["display"]["max_rows"] == pd.get_option("display.max_rows"))


def _extension_arrays_hold_arrays(module: Any) -> bool:
    import pandas as pd

    made = {
        "_ndarray": pd.array(pd.to_datetime(["2026-01-01"])),
        "_data": pd.array([1, None], dtype="Int64"),
        "_mask": pd.array([1, None], dtype="Int64"),
        "_left": pd.arrays.IntervalArray.from_breaks([0, 1]),
        "_right": pd.arrays.IntervalArray.from_breaks([0, 1]),
        "_codes": pd.Categorical(["a"]),
    }
    return all(hasattr(getattr(array, name), "dtype") for name, array in made.items())


def _cloudpickle_tracks_classes(tracker: Any) -> bool:
    import cloudpickle

    made = pickle.loads(
        cloudpickle.dumps(type("Local", (), {"__module__": "__main__"}))
    )
    return type(tracker)() is not None and made in tracker.values()


def _cloudpickle_reduces(pickler: Any) -> bool:
    return "reducer_override" in vars(pickler) and len(pickler.dispatch_table) > 0


def _widgets_know_who_listens(widget_class: Any) -> bool:
    import ipywidgets

    def listen(change: Any) -> None:
        """Nothing."""

    slider, button = ipywidgets.IntSlider(), ipywidgets.Button()
    slider.observe(listen, "value")
    button.on_click(listen)
    listening = [
        one
        for kinds in slider._trait_notifiers.values()
        for found in kinds.values()
        for one in found
    ]
    return listen in listening and listen in button._click_handlers.callbacks


def _callbacks_are_numbered(registry: Any) -> bool:
    return "_cid_gen" in registry().__reduce_ex__(5)[2]


def _masked_arrays_keep_both(masked: Any) -> bool:
    array = masked([1, 2], mask=[True, False], fill_value=7)
    return array._mask.tolist() == [True, False] and array._fill_value == 7


def _mlflow_keeps_a_map(none_yet: Any) -> bool:
    """Whether packages are looked for only where there is no map of them."""
    from mlflow.utils import requirements_utils

    source = inspect.getsource(requirements_utils._init_modules_to_packages_map)
    return none_yet is None and "if _MODULES_TO_PACKAGES is None:" in source


def _is_the_global_generator(generator: Any) -> bool:
    import numpy as np

    np.random.seed(3)
    before = generator.get_state()[1][0]
    np.random.seed(4)
    return bool(before != generator.get_state()[1][0])


def _kernel_starts_from_a_config(application: Any) -> bool:
    """Whether options can be given without the command line's parser, and no parent is
    watched then."""
    given = application.class_traits()["parent_handle"].default_value
    return given == int(os.environ.get("JPY_PARENT_PID") or 0) and _has_methods(
        "instance", "parse_command_line", "update_config", "initialize", "start"
    )(application)


def _has_methods(*names: str) -> Callable[[Any], object]:
    return lambda kind: all(callable(getattr(kind, name, None)) for name in names)


LIBRARIES = (
    Private(
        "nbclient",
        "nbclient.client.NotebookClient._async_poll_kernel_alive",
        _is_coroutine("self"),
    ),
    Private(
        "nbclient",
        "nbclient.client.NotebookClient._async_poll_for_reply",
        _is_coroutine(
            "self",
            "msg_id",
            "cell",
            "timeout",
            "task_poll_output_msg",
            "task_poll_kernel_alive",
        ),
    ),
    Private(
        "nbclient",
        "nbclient.client.NotebookClient._async_poll_output_msg",
        _is_coroutine("self", "parent_msg_id", "cell", "cell_index"),
    ),
    Private(
        "nbclient",
        "nbclient.client.NotebookClient._check_raise_for_error",
        _is_coroutine("self", "cell", "cell_index", "exec_reply"),
    ),
    Private(
        "papermill",
        "papermill.clientwrap.PapermillNotebookClient",
        _has_methods(
            "process_message", "output", "async_execute_cell", "set_widgets_metadata"
        ),
    ),
    Private(
        "papermill",
        "papermill.engines.NotebookExecutionManager",
        _has_methods(
            "notebook_start",
            "cell_start",
            "cell_exception",
            "cell_complete",
            "autosave_cell",
            "now",
        ),
    ),
    Private("papermill", "papermill.utils.nb_kernel_name", _parameters("nb")),
    Private("papermill", "papermill.utils.nb_language", _parameters("nb")),
    Private(
        "jupyter_client",
        "jupyter_client.provisioning.local_provisioner.LocalProvisioner",
        _has_methods("launch_kernel", "wait", "poll", "send_signal"),
    ),
    Private(
        "ipykernel", "ipykernel.kernelapp.IPKernelApp", _kernel_starts_from_a_config
    ),
    Private("ipykernel", "ipykernel.kernelbase.Kernel", _has_methods("_topic")),
    Private("ipykernel", "ipykernel.iostream.OutStream", _streams_say_what_they_hold),
    Private(
        "ipython",
        "IPython.core.pylabtools.select_figure_formats",
        _parameters("shell", "formats"),
    ),
    Private(
        "ipython",
        "IPython.core.interactiveshell.InteractiveShell",
        _has_methods("instance", "initialized"),
    ),
    Private(
        "cloudpickle",
        "cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID",
        _cloudpickle_tracks_classes,
    ),
    Private("cloudpickle", "cloudpickle.Pickler", _cloudpickle_reduces),
    Private("pandas", "pandas._config.config._global_config", _holds_pandas_options),
    Private(
        "pandas",
        "pandas.core.internals.managers.SingleBlockManager",
        _pandas_keeps_blocks,
    ),
    Private("pandas", "pandas.core.internals.blocks.new_block", _pandas_makes_blocks),
    Private("pandas", "pandas.core.internals.blocks.Block", _is_class),
    Private("pandas", "pandas._libs.internals.BlockPlacement", _is_class),
    Private("pandas", "pandas.core.arrays.arrow.array.ArrowExtensionArray", _is_class),
    Private(
        "pandas", "pandas.DataFrame._metadata", lambda value: isinstance(value, list)
    ),
    Private("pandas", "pandas.arrays", _extension_arrays_hold_arrays),
    Private("pandas", "pandas._libs.tslibs.period._Period", _is_class),
    Private("ipywidgets", "ipywidgets.Widget", _widgets_know_who_listens),
    Private("matplotlib", "matplotlib.cbook.CallbackRegistry", _callbacks_are_numbered),
    Private("numpy", "numpy.ma.MaskedArray", _masked_arrays_keep_both),
    Private("numpy", "numpy.random.mtrand._rand", _is_the_global_generator),
    Private(
        "mlflow-skinny",
        "mlflow.utils.requirements_utils._MODULES_TO_PACKAGES",
        _mlflow_keeps_a_map,
    ),
)
STANDARD = {
    "argparse": ("_ActionsContainer", "_ArgumentGroup", "ArgumentParser()._actions"),
    "functools": ("_lru_cache_wrapper",),
    "atexit": ("_run_exitfuncs",),
    "os": ("_exit", "_Environ", "environ._data"),
    "sys": ("_getframe", "_current_frames"),
    "threading": ("_shutdown",),
    "__future__": ("_Feature",),
    "ipaddress": ("_BaseAddress", "_BaseNetwork"),
}
# Tuples with names: their own public interface begins with a line.
PUBLIC = frozenset({"_replace", "_fields", "_asdict", "_make"})
# Attributes of objects, by which entry above they are tried.
TRIED_WITH = {
    "_trait_notifiers": "ipywidgets.Widget",
    "_block": "pandas.core.internals.managers.SingleBlockManager",
    "_mask": "numpy.ma.MaskedArray",
    "_fill_value": "numpy.ma.MaskedArray",
    "_pa_array": "pandas.core.arrays.arrow.array.ArrowExtensionArray",
    "_actions": "argparse",
    "_data": "os",
    "_topic": "ipykernel.kernelbase.Kernel",
    "_buffers": "ipykernel.iostream.OutStream",
    "_flush_pending": "ipykernel.iostream.OutStream",
    # Set by us, where a kernel that was made before the fork gets the streams of its
    # own process.
    "_stdout": "ipykernel.kernelbase.Kernel",
    "_stderr": "ipykernel.kernelbase.Kernel",
}
# Of libraries that the tests do not install; what a missing one costs.
NOT_TRIED = {"_backward_hooks": "torch: a tensor with hooks is refused"}


def found_at(path: str) -> Any:
    """What a dotted path names."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(path)


@pytest.mark.parametrize("name", LIBRARIES, ids=lambda name: name.is_)
def test_a_name_of_a_library_does_what_we_use_it_for(name: Private) -> None:
    assert name.works(found_at(name.is_))


def test_an_arrow_array_of_pandas_holds_one_of_arrow() -> None:
    module = found_at("pandas.core.arrays.arrow.array")
    assert "self._pa_array" in inspect.getsource(module)
    if importlib.util.find_spec("pyarrow") is not None:
        held = found_at("pandas").array(["a"], dtype="string[pyarrow]")._pa_array
        assert held.num_chunks == 1


@pytest.mark.parametrize("module", sorted(STANDARD))
def test_a_name_of_the_standard_library_is_there(module: str) -> None:
    importlib.import_module(module)
    for name in STANDARD[module]:
        assert eval(f"{module}.{name}", {module: sys.modules[module]}) is not None


def test_the_environment_decodes_as_we_do() -> None:
    assert os.environ._data[os.environ.encodekey("PATH")] == os.environ.encodevalue(
        os.environ["PATH"]
    )


def test_each_of_these_libraries_has_an_upper_bound() -> None:
    project = tomllib.loads(PROJECT.read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(one for each in project["optional-dependencies"].values() for one in each),
    ]
    bounds = {
        re.split(r"[<>=\[; ]", text)[0].lower(): text
        for text in wanted
        if "<" in text.partition(";")[0]
    }
    without = {name.of for name in LIBRARIES if name.of.lower() not in bounds}
    assert without == set()


def used_names() -> Iterator[tuple[str, str]]:
    """Private names of others in our sources: attributes of what is neither `self` nor
    made in that file."""
    for path in sorted(SOURCES.rglob("*.py")):
        if "labextension" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = set(_own_names(tree))
        for node in ast.walk(tree):
            for name in _foreign(node):
                if name not in own and name not in PUBLIC:
                    yield (
                        name,
                        f"{path.relative_to(SOURCES)}:{getattr(node, 'lineno', 0)}",
                    )


def _own_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and _is_self(node.value)
        ):
            yield node.attr
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)


def _foreign(node: ast.AST) -> Iterator[str]:
    if (
        isinstance(node, ast.Attribute)
        and _is_private(node.attr)
        and not _is_self(node.value)
    ):
        yield node.attr
    if isinstance(node, ast.ImportFrom) and not (
        node.level or (node.module or "").startswith("jupyter_pipe")
    ):
        yield from (
            part for part in (node.module or "").split(".") if _is_private(part)
        )


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_private_name_is_used_that_does_not_stand_here() -> None:
    listed = {part for name in LIBRARIES for part in name.is_.split(".")}
    listed |= {
        part
        for names in STANDARD.values()
        for name in names
        for part in name.split(".")
    }
    # What runs of a package carry names modules of their own.
    strange = [
        (name, where)
        for name, where in used_names()
        if name not in {*listed, *TRIED_WITH, *NOT_TRIED, "_notebook"}
    ]
    assert strange == []


def test_what_is_tried_with_something_is_tried_with_an_entry() -> None:
    assert set(TRIED_WITH.values()) <= {*(name.is_ for name in LIBRARIES), *STANDARD}
