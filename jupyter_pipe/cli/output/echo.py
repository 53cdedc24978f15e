"""What a stage prints, as it prints it: for the logs of engines that show nothing but
text."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.runs.report.cell_outputs import read_executed, text_outputs

__all__ = ["Echo"]


class Echo:
    """Prints what is new in the outputs of an executed notebook, each time that it is
    called with its path.

    Whole lines only, until the cell has ended: a progress bar replaces the line on
    which it stands.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown: dict[str, str] = {}

    def __call__(self, executed: Path, over: bool) -> None:
        """Print what has been added since the last time; all of it when the stage is
        over."""
        cells = read_executed(executed)
        for place, cell in enumerate(cells):
            text = text_outputs(cell)
            # A cell has its number as soon as it begins, so all before it have ended.
            has_ended = over or any(
                later.number is not None for later in cells[place + 1 :]
            )
            whole = text if has_ended else text[: text.rfind("\n") + 1]
            self._show(cell.id, whole)

    def _show(self, cell_id: str, text: str) -> None:
        before = self._shown.get(cell_id, "")
        # What was shown and is no longer there was a bar that has been cleared: it
        # stays in the log.
        new = text[len(before) :] if text.startswith(before) else text
        if new:
            self._shown[cell_id] = text
            for line in new.rstrip("\n").split("\n"):
                self._terminal.say(line)
