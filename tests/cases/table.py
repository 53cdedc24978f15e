"""Reads `*.cases` files: notebooks in plain text with the graph that they must become.

    === ID TITLE            a case
    %% A                    a cell of stage A (further words are tags)
    %% leading              an untagged cell before the first stage
    %% parameters|shared|skip|untagged
    %% file lib.py          a file beside the notebook
    => B: x@A ?y@A z@A|C    the inputs of B, all of them; `?` may be missing; `|` either
    => code B: f ?g         what is replayed in B: no more needed than these, no less kept
    => edge A>B @random     an edge that is no input (ambient state, a file; nothing: an order);
                            `edge ?A>B`: it may be missing
    => error 2: words       an error about cell 2 whose text has these words (`*`: any cell);
                            `?error`: it may be refused, or must run as in the notebook
    => warn 2: words        a warning or information;  `may warn`: the program may print otherwise
    => set n=20             an override of a parameter
    => any graph            the graph is not stated, only that the pipeline prints the same

A stage without a line of inputs must have none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "FOLDER",
    "Case",
    "CaseCell",
    "Expected",
    "Finding",
    "read_all",
    "read_cases",
]

FOLDER = Path(__file__).parent / "table"
ROLES = {
    "leading": (),
    "untagged": (),
    "parameters": ("parameters",),
    "shared": ("shared",),
    "skip": ("skip",),
}


@dataclass(frozen=True)
class CaseCell:
    """`stage` is the word after `%%`: a stage, or a role without a stage."""

    stage: str
    tags: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Expected:
    """One expected name. `sources` are the stages that it may come from."""

    name: str
    sources: frozenset[str]
    optional: bool


@dataclass(frozen=True)
class Finding:
    """A diagnostic that must (or, with `optional`, may) be there. `cell` is its
    number."""

    cell: int | None
    words: str
    optional: bool = False


@dataclass
class Case:
    id: str
    title: str
    cells: list[CaseCell] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, list[Expected]] = field(default_factory=dict)
    code: dict[str, list[Expected]] = field(default_factory=dict)
    edges: set[tuple[str, str, str]] = field(default_factory=set)
    possible_edges: set[tuple[str, str, str]] = field(default_factory=set)
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    overrides: dict[str, str] = field(default_factory=dict)
    any_graph: bool = False

    @property
    def may_differ(self) -> bool:
        return any(warning.optional for warning in self.warnings)

    def notebook(self) -> bytes:
        """The case as an .ipynb file; the cells are `c1`, `c2`, … in order."""
        cells = [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": list(cell.tags)} if cell.tags else {},
                "execution_count": None,
                "outputs": [],
                "source": cell.source.splitlines(keepends=True),
            }
            for number, cell in enumerate(self.cells, 1)
        ]
        kernel = {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        }
        return json.dumps(
            {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        ).encode()

    def write(self, folder: Path) -> Path:
        """Writes the notebook and the files beside it; returns the notebook's path."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        path = folder / f"case_{self.id}.ipynb"
        path.write_bytes(self.notebook())
        return path


def read_all(folder: Path = FOLDER) -> list[Case]:
    return [
        case for path in sorted(folder.glob("*.cases")) for case in read_cases(path)
    ]


def read_cases(path: Path) -> Iterator[Case]:
    """Raises ValueError, with the file and the case, for a line that it does not
    understand."""
    for block in re.split(
        r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE
    )[1:]:
        heading, _, body = block.partition("\n")
        id_, _, title = heading.partition(" ")
        case = Case(id_, title)
        try:
            _read_body(case, body)
        except ValueError as error:
            raise ValueError(f"{path.name}, case {id_}: {error}") from error
        yield case


def _read_body(case: Case, body: str) -> None:
    source: list[str] = []
    header = ""
    for line in [*body.splitlines(), "%% "]:
        # A cell magic also starts with %%, but no blank follows.
        if line.startswith("%% "):
            _add_block(case, header, "\n".join(source).strip("\n"))
            header, source = line[3:].strip(), []
        elif line.startswith("=> "):
            _read_expectation(case, line[3:])
        else:
            source.append(line)


def _add_block(case: Case, header: str, text: str) -> None:
    kind, *rest = header.split() or [""]
    if kind == "file":
        case.files[rest[0]] = text + "\n"
    elif kind in ROLES:
        case.cells.append(CaseCell(kind, (*ROLES[kind], *rest), text))
    elif kind:
        case.cells.append(CaseCell(kind, (f"stage:{kind}", *rest), text))
    elif text:
        raise ValueError(f"text before the first cell: {text!r}")


def _read_expectation(case: Case, line: str) -> None:
    head, _, rest = line.partition(":")
    words = head.split()
    match words:
        case ["any", "graph"]:
            case.any_graph = True
        case ["set", assignment]:
            name, _, literal = assignment.partition("=")
            case.overrides[name] = literal
        case ["edge", *_]:
            between, _, name = line.split(maxsplit=1)[1].partition(" ")
            before, _, after = between.removeprefix("?").partition(">")
            target = case.possible_edges if between.startswith("?") else case.edges
            target.add((before, after, name))
        case [("error" | "?error") as kind, cell]:
            case.errors.append(
                Finding(_number(cell), rest.strip(), optional=kind.startswith("?"))
            )
        case [*may, "warn", cell]:
            case.warnings.append(
                Finding(_number(cell), rest.strip(), optional=bool(may))
            )
        case ["code", stage]:
            case.code[stage] = [_expected(word) for word in rest.split()]
        case [stage]:
            case.inputs[stage] = [_expected(word) for word in rest.split()]
        case _:
            raise ValueError(f"not understood: {line!r}")


def _number(cell: str) -> int | None:
    return None if cell == "*" else int(cell)


def _expected(word: str) -> Expected:
    name, _, sources = word.removeprefix("?").partition("@")
    return Expected(name, frozenset(sources.split("|")), word.startswith("?"))
