"""What a terminal would show: streams joined, carriage returns obeyed, escapes and secrets removed.

Pure functions of text, and `StreamJoiner`, which joins pieces without copying them again and again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["StreamJoiner", "redact", "strip_ansi", "terminal_text"]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_HIDDEN = "***"


def strip_ansi(text: str) -> str:
    """Without colours and other terminal escapes."""
    return _ANSI.sub("", text)


def terminal_text(text: str) -> str:
    """What is left to see: a carriage return writes over its line, a backspace over one character."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(_overwritten(line) for line in text.replace("\r\n", "\n").split("\n"))


def _overwritten(line: str) -> str:
    if "\b" in line:
        line = _without_backspaces(line)
    shown = ""
    # The last part may be empty: a progress bar returns to the start before its next piece comes.
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown


def _without_backspaces(line: str) -> str:
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept and kept[-1] != "\r":
            kept.pop()
    return "".join(kept)


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with the values of secrets hidden."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    return text


class StreamJoiner:
    """Appends outputs to a cell's list, adjacent pieces of one stream as one output.

    Pieces are joined when somebody looks (`settle`): a cell that prints a line at a time would
    otherwise copy all that it has printed with every line.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secrets)
        self._output: Any = None
        self._pieces: list[str] = []

    def append(self, outputs: list[Any], output: Any) -> None:
        """Add an output as the kernel sent it."""
        if output["output_type"] != "stream":
            self.settle()
            outputs.append(self._without_secrets(output))
            return
        if not (outputs and outputs[-1] is self._output and self._output["name"] == output["name"]):
            self.settle()
            self._output, self._pieces = output, []
            outputs.append(output)
        self._pieces.append(output["text"])

    def settle(self) -> None:
        """Bring the open stream's text up to date."""
        if self._output is not None and self._pieces:
            # Carriage returns are obeyed in what is shown; the raw pieces stay for what follows.
            self._pieces = ["".join(self._pieces)]
            shown = terminal_text(self._pieces[0])
            self._output["text"] = redact(shown, self._secrets)

    def _without_secrets(self, output: Any) -> Any:
        if not self._secrets:
            return output
        for kind, data in output.get("data", {}).items():
            if isinstance(data, str):
                output["data"][kind] = redact(data, self._secrets)
        if "traceback" in output:
            output["evalue"] = redact(output["evalue"], self._secrets)
            output["traceback"] = [redact(line, self._secrets) for line in output["traceback"]]
        return output
