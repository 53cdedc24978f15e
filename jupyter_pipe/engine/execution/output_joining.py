"""Joins the pieces of a cell's streams: one output for neighbouring pieces, as a
terminal would show them.

Secrets are hidden in what is joined, since one may come in two pieces, even of two
streams.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.render.terminal_text import played_out

__all__ = ["StreamJoiner"]


class StreamJoiner:
    """Appends outputs to a cell's list, adjacent pieces of one stream as one output.

    Pieces are joined when somebody looks (`settle`): a cell that prints a line at a
    time would otherwise copy all that it has printed with every line. Until then their
    output has no text.
    """

    def __init__(self, masker: Masker | None = None) -> None:
        self._masker = masker or Masker()
        self._output: Any = None
        self._pieces: list[str] = []
        # Streams right before the open one, with their text: a secret may begin there.
        self._before: list[tuple[Any, str]] = []

    def append(self, outputs: list[Any], output: Any) -> None:
        """Add an output as the kernel sent it; all but streams must have been
        masked."""
        if output["output_type"] == "stream":
            self.append_text(outputs, output["name"], output["text"])
        else:
            self.settle()
            outputs.append(output)

    def append_text(self, outputs: list[Any], name: str, text: str) -> None:
        """Add a piece of the stream `name`."""
        is_neighbour = bool(outputs) and outputs[-1] is self._output
        if not (is_neighbour and self._output["name"] == name):
            self.settle()
            self._remember(is_neighbour)
            self._output, self._pieces = (
                NotebookNode(output_type="stream", name=name, text=""),
                [],
            )
            outputs.append(self._output)
        self._pieces.append(text)

    def settle(self) -> None:
        """Bring the open stream's text up to date."""
        if self._output is not None and self._pieces:
            # Carriage returns are obeyed in what is shown; the raw pieces stay for what
            # follows.
            self._pieces = ["".join(self._pieces)]
            shown = played_out(self._pieces[0])
            masked = self._masker.pieces([*(text for _, text in self._before), shown])
            outputs = [*(output for output, _ in self._before), self._output]
            for output, text in zip(outputs, masked, strict=True):
                output["text"] = text

    def _remember(self, is_neighbour: bool) -> None:
        """Keep as many streams as could hold the beginning of a secret."""
        if not is_neighbour or not self._masker:
            self._before = []
            return
        self._before.append((self._output, played_out(self._pieces[0])))
        while sum(len(text) for _, text in self._before[1:]) >= self._masker.longest:
            del self._before[0]
