"""`Parameters`: a form with a field for each parameter of a notebook, and a button that
runs it.

Needs the extra `[widgets]`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from jupyter_pipe.errors import ParameterError, PipeError
from jupyter_pipe.handle import RunHandle
from jupyter_pipe.model import Parameter
from jupyter_pipe.widgets.view import RunView, import_widgets

__all__ = ["Parameters"]

_LABEL_WIDTH = "160px"


class Parameters:
    """A form for the parameters of the notebook, or package, at `path`; displays
    itself.

    `values` are what stands in the fields, `handle` the run that was started last.
    `options` are those of `jupyter_pipe.start`. Raises NotebookError, CompileError and
    ExtraMissingError.
    """

    def __init__(self, path: str | Path, **options: Any) -> None:
        from jupyter_pipe.engine import open_target

        widgets = import_widgets("Parameters")
        self._path = path
        self._options = options
        declared = open_target(path, keep=False).pipeline.parameters
        self.fields = {each.name: _field(widgets, each) for each in declared}
        self.handle: RunHandle | None = None
        self._parameters = {each.name: each for each in declared}
        self._message = widgets.HTML()
        self._view = widgets.VBox()
        self._button = widgets.Button(
            description="Run", icon="play", button_style="primary"
        )
        self._button.on_click(lambda button: self.run())
        self.widget = widgets.VBox(
            [*self.fields.values(), self._button, self._message, self._view]
        )

    @property
    def values(self) -> Mapping[str, Any]:
        """The Python value of each field. Raises ParameterError for text that is not a
        Python literal."""
        return {
            name: _value(self._parameters[name], field.value)
            for name, field in self.fields.items()
        }

    def run(self) -> RunHandle | None:
        """Start a run with these values, and show it below the form; what is wrong is
        said there instead."""
        from jupyter_pipe.api import start

        try:
            self.handle = start(self._path, parameters=self.values, **self._options)
        except PipeError as error:
            self._message.value = f"<b>{escape(error.message)}</b> {escape(error.hint)}"
            return None
        self._message.value = ""
        self._view.children = [RunView(self.handle).widget]
        return self.handle

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        # What Jupyter asks an object for that stands at the end of a cell.
        return self.widget._repr_mimebundle_(**kwargs)


def _field(widgets: Any, parameter: Parameter) -> Any:
    """The widget that takes such a value; for lists and the like a text field with a
    Python literal."""
    common = {
        "description": parameter.name,
        "tooltip": parameter.description or parameter.name,
        "style": {"description_width": _LABEL_WIDTH},
    }
    if parameter.choices:
        # Checked first: a parameter with choices is a text or a number as well.
        return widgets.Dropdown(
            options=list(parameter.choices), value=parameter.default, **common
        )
    if _has_field(parameter):
        kinds = {
            "int": widgets.IntText,
            "float": widgets.FloatText,
            "bool": widgets.Checkbox,
        }
        return kinds.get(parameter.type_, widgets.Text)(
            value=parameter.default, **common
        )
    return widgets.Text(value=parameter.literal, **common)


def _has_field(parameter: Parameter) -> bool:
    """Whether a widget holds the value itself: not None, no list, no text of Python."""
    return (
        parameter.type_ in {"int", "float", "bool", "str"}
        and parameter.default is not None
    )


def _value(parameter: Parameter, shown: Any) -> Any:
    if parameter.choices or _has_field(parameter):
        return shown
    try:
        return ast.literal_eval(shown)
    except (ValueError, SyntaxError) as error:
        raise ParameterError(
            f"{parameter.name} = {shown} is not a Python literal.",
            code="parameter_syntax",
            hint=f"The notebook has {parameter.name} = {parameter.literal}.",
        ) from error
