"""What a notebook gives to its cells and a module has not: `display`, and gates that
stop a run."""

from __future__ import annotations

__all__ = ["GateError", "check_gate", "display"]


class GateError(Exception):
    """A gate is false; `values` are those of the variables that it reads."""

    def __init__(self, expression: str, values: dict[str, object]) -> None:
        shown = {name: value for name, value in values.items() if not callable(value)}
        observed = ", ".join(f"{name} = {value!r}" for name, value in shown.items())
        super().__init__(
            f"gate failed: {expression}" + (f"  ({observed})" if observed else "")
        )
        self.expression = expression
        self.values = values


def check_gate(passed: object, expression: str, **values: object) -> None:
    """Raise GateError unless `passed` is true."""
    if not passed:
        raise GateError(expression, values)


def display(*values: object, display_id: object = None, **_options: object) -> object:
    """Print what a notebook would show below a cell, and return a handle where
    `display_id` asks for one."""
    for value in values:
        shows_itself = getattr(type(value), "_ipython_display_", None)
        if shows_itself:
            shows_itself(value)
        elif value is not None:
            print(repr(value))
    if not display_id:
        return None
    from IPython.display import DisplayHandle

    return DisplayHandle(None if display_id is True else display_id)
