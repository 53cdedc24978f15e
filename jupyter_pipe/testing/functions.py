"""The stages of a notebook as functions of this process, compiled from the notebook as
it is now."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_pipe.compiler import compile_notebook
from jupyter_pipe.model import Pipeline

__all__ = ["StageFunctions"]

_numbers = count(1)


class StageFunctions:
    """Compiles and imports a notebook's package below `folder`. Raises NotebookError
    and CompileError."""

    def __init__(self, notebook: Path, folder: Path) -> None:
        compiled = compile_notebook(notebook, output=folder / "package")
        for name, content in compiled.files.items():
            path = folder / "package" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.pipeline: Pipeline = compiled.pipeline
        # The modules beside the notebook come first: `import home_sales` is meant as in
        # the notebook.
        sys.path.insert(0, str(notebook.parent.absolute()))
        self._package = _import(folder / "package" / _folder_of(compiled.pipeline))
        # What the package itself does before its first stage, if the notebook has
        # settings for all of them.
        prepare = getattr(self._package, "_prepare", None)
        if prepare is not None:
            prepare()

    def call(
        self, stage: str, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the stage makes of these inputs, by name. Parameters that it does not
        read are left out."""
        function = getattr(self._module(stage), stage)
        known = inspect.signature(function).parameters
        returned = function(
            **inputs,
            **{name: value for name, value in parameters.items() if name in known},
        )
        return {
            name: getattr(returned, name)
            for name in getattr(returned, "__dataclass_fields__", ())
        }

    def definition(self, name: str) -> Any:
        """A class or function of the notebook. Raises KeyError if no stage has it any
        more."""
        for path in sorted(Path(self._package.__path__[0]).glob("*.py")):
            found = (
                getattr(self._module(path.stem), name, None)
                if path.stem[:2] != "__"
                else None
            )
            if found is not None:
                return found
        raise KeyError(name)

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self._package.__name__}.{name}")


def _folder_of(pipeline: Pipeline) -> str:
    """The folder of the modules: `home_value`, from `home_value/ingest.py`."""
    return Path(pipeline.stages[0].module).parent.as_posix()


def _import(folder: Path) -> ModuleType:
    # A name of its own for each time: the notebook may have changed since the last one.
    name = f"_notebook_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None  # it is a file that we have just written
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
