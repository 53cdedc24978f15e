"""Turns the tags of code cells into records: stage, ordering, metrics, gates, options.

Pure and total: every mistake becomes a located diagnostic, the rest of the cell is
still read. Kale's vocabulary means the same here. Foreign tags are ignored; only one
that looks like a misspelt tag of ours earns an `info`.
"""

from __future__ import annotations

import difflib
import keyword
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from jupyter_pipe.model import Cell, Diagnostic, Fix, Gate, Notebook, Severity
from jupyter_pipe.notebook.gates import parse_gate, printed_names
from jupyter_pipe.notebook.grammar import (
    LIST_TAGS,
    METRICS_OF_PRINTS,
    PREFIXES,
    ROLE_TAGS,
    SCORING_COLUMNS,
    SCORING_NAMES,
    SYNONYMS,
    Role,
    normalise_name,
    stage_name_problem,
)
from jupyter_pipe.notebook.options import OPTION_FIELDS, StageOption, parse_option

_Word = TypeVar("_Word", bound=str)

__all__ = [
    "CellTags",
    "ScoringTags",
    "TagReading",
    "parse_default_options",
    "parse_tags",
]

_PREFIXES = (*PREFIXES, *SYNONYMS)
_WORDS = (*ROLE_TAGS, METRICS_OF_PRINTS)


class ScoringTags(Struct, frozen=True):
    """What a cell says about scoring: variables that it makes, and columns of the raw
    rows."""

    rows: tuple[str, ...] = ()
    score: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


class CellTags(Struct, frozen=True):
    """What the tags of one code cell say.

    `role` is `parameters`, `shared`, `skip`, `leading` (Kale's `imports` and
    `functions`) or None. `stage` is the stage that the cell names itself, not the one
    that it inherits.
    """

    cell_id: str
    stage: str | None = None
    role: Role | None = None
    after: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    mutates: tuple[str, ...] = ()
    pure: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    options: tuple[StageOption, ...] = ()
    scoring: ScoringTags = ScoringTags()


class TagReading(Struct, frozen=True):
    """One `CellTags` for each code cell, in notebook order, and what is wrong with the
    tags."""

    cells: tuple[CellTags, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def parse_tags(notebook: Notebook) -> TagReading:
    """Read the tags of every code cell. Collects all mistakes instead of stopping at
    one."""
    readers = [_CellReader(cell) for cell in notebook.code_cells]
    cells = tuple(reader.read() for reader in readers)
    return TagReading(
        cells, tuple(found for reader in readers for found in reader.diagnostics)
    )


def parse_default_options(
    tags: tuple[str, ...],
) -> tuple[tuple[StageOption, ...], tuple[Diagnostic, ...]]:
    """Read the options that the notebook's metadata sets for every stage."""
    options: list[StageOption] = []
    diagnostics: list[Diagnostic] = []
    for tag in tags:
        prefix, _, value = tag.partition(":")
        try:
            options.append(_parse_option(prefix.strip(), value.strip(), tag))
        except ValueError as error:
            message = f"The notebook's default option '{_shortened(tag)}' does not parse: {error}."
            hint = "Fix 'jupyter_pipe' in the notebook's metadata."
            diagnostics.append(Diagnostic("PIPE101", Severity.error, message, hint))
    return tuple(options), tuple(diagnostics)


def _parse_option(prefix: str, value: str, tag: str) -> StageOption:
    if prefix not in OPTION_FIELDS:
        raise ValueError(
            f"'{prefix}' is not an option; the options are {', '.join(OPTION_FIELDS)}"
        )
    try:
        return StageOption(OPTION_FIELDS[prefix][0], parse_option(prefix, value), tag)
    except ValueError as error:
        raise ValueError(f"'{prefix}:' takes {error}") from None


_LONGEST_SHOWN = 120


class _CellReader:
    """Reads one cell's tags; each `_read_…` method takes the text behind the colon."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.diagnostics: list[Diagnostic] = []
        self.stages: dict[str, str] = {}  # name -> the tag that says so
        self.roles: list[Role] = []
        self.names: dict[str, list[str]] = {
            name: [] for name in (*LIST_TAGS, *SCORING_NAMES, *SCORING_COLUMNS)
        }
        self.gates: list[Gate] = []
        self.options: list[StageOption] = []
        self.readers: dict[str, Callable[[str, str], None]] = {
            "stage": self._read_stage,
            "after": self._read_after,
            "gate": self._read_gate,
            **dict.fromkeys(
                ("metric", "mutates", "pure", "shares", *SCORING_NAMES),
                self._read_names,
            ),
            **dict.fromkeys(SCORING_COLUMNS, self._read_columns),
            **dict.fromkeys(OPTION_FIELDS, self._read_option),
        }

    def read(self) -> CellTags:
        for tag in dict.fromkeys(self.cell.tags):
            self._read_tag(tag)
        self._check_roles()
        return CellTags(
            cell_id=self.cell.id,
            stage=next(iter(self.stages), None),
            role=self.roles[0] if self.roles else None,
            after=_unique(self.names["after"]),
            metrics=_unique(self.names["metric"]),
            gates=tuple(self.gates),
            mutates=_unique(self.names["mutates"]),
            pure=_unique(self.names["pure"]),
            shares=_unique(self.names["shares"]),
            options=tuple(self.options),
            scoring=ScoringTags(
                **{
                    n: _unique(self.names[n])
                    for n in (*SCORING_NAMES, *SCORING_COLUMNS)
                }
            ),
        )

    def _read_tag(self, tag: str) -> None:
        """One tag into its field: `stage:x`, a role such as `skip`, or something that
        may be misspelt."""
        prefix, colon, value = (part.strip() for part in tag.partition(":"))
        meaning = SYNONYMS.get(prefix, prefix)
        if colon and meaning in self.readers:
            self.readers[meaning](tag, value)
        elif not colon and tag in ROLE_TAGS:
            self.roles.append(ROLE_TAGS[tag])
        elif not colon and tag == METRICS_OF_PRINTS:
            self.names["metric"] += printed_names(self.cell.source)
        else:
            self._suggest(tag, prefix, bool(colon))

    def _read_stage(self, tag: str, value: str) -> None:
        name = normalise_name(value)
        problem = stage_name_problem(name)
        if problem:
            self._report(
                "PIPE103",
                f"'{_shortened(tag)}' {problem[1]}.",
                "Name the stage like a Python variable.",
                tag,
            )
        else:
            self.stages.setdefault(name, tag)

    def _read_after(self, tag: str, value: str) -> None:
        # Kale's first versions separate the names of `prev:` with semicolons.
        for name in map(normalise_name, value.replace(";", ",").split(",")):
            if name.isidentifier():
                self.names["after"].append(name)
            else:
                self._malformed(tag, "the names of stages, separated by commas")

    def _read_names(self, tag: str, value: str) -> None:
        prefix = tag.partition(":")[0].strip()
        for name in (
            unicodedata.normalize("NFKC", part.strip()) for part in value.split(",")
        ):
            if name.isidentifier() and not keyword.iskeyword(name):
                self.names[prefix].append(name)
            else:
                self._malformed(tag, "the names of variables, separated by commas")

    def _read_columns(self, tag: str, value: str) -> None:
        names = [part.strip() for part in value.split(",")]
        if all(names):
            self.names[tag.partition(":")[0].strip()] += names
        else:
            self._malformed(tag, "the names of columns, separated by commas")

    def _read_gate(self, tag: str, value: str) -> None:
        try:
            self.gates.append(parse_gate(value, self.cell.id))
        except ValueError as error:
            self._malformed(tag, f"a Python expression such as mae < 25_000 ({error})")

    def _read_option(self, tag: str, value: str) -> None:
        try:
            self.options.append(
                _parse_option(tag.partition(":")[0].strip(), value, tag)
            )
        except ValueError as error:
            self._report(
                "PIPE101",
                f"The tag '{_shortened(tag)}' does not parse: {error}.",
                "Fix or remove the tag.",
                tag,
            )

    def _check_roles(self) -> None:
        """Says where tags of one cell exclude each other, such as two stages, or `skip`
        beside a stage."""
        if len(self.stages) > 1:
            names = " and ".join(f"'{name}'" for name in self.stages)
            message = f"The cell names more than one stage: {names}."
            self._report(
                "PIPE102",
                message,
                "Keep one stage: tag.",
                list(self.stages.values())[1],
            )
        roles = _unique(self.roles)
        claims = [f"'{role}'" for role in roles]
        if self.stages and set(roles) - {"parameters"}:
            claims += [f"'{tag}'" for tag in self.stages.values()]
        if len(claims) > 1:
            message = (
                f"The cell is tagged {' and '.join(claims)}, which exclude each other."
            )
            self._report("PIPE104", message, "Keep one of them: a cell has one role.")

    def _suggest(self, tag: str, prefix: str, has_value: bool) -> None:
        known = _PREFIXES if has_value else (*_WORDS, *_PREFIXES)
        close = difflib.get_close_matches(prefix.lower(), known, n=1, cutoff=0.8)
        if not close:
            return
        meant = close[0] + tag[len(prefix) :] if has_value else close[0]
        if not has_value and close[0] in _PREFIXES:
            meant = f"{close[0]}:…"
        fixes = (
            ()
            if meant.endswith("…")
            else (self._fix(f"Replace it by '{meant}'", tag, meant),)
        )
        message = f"The tag '{_shortened(tag)}' is not one of ours and is ignored."
        hint = f"Did you mean '{meant}'?"
        self.diagnostics.append(
            self._diagnostic("PIPE110", Severity.info, message, hint, fixes)
        )

    def _malformed(self, tag: str, wanted: str) -> None:
        prefix = tag.partition(":")[0].strip()
        message = (
            f"The tag '{_shortened(tag)}' does not parse: '{prefix}:' takes {wanted}."
        )
        self._report("PIPE101", message, "Fix or remove the tag.", tag)

    def _report(
        self, code: str, message: str, hint: str, tag: str | None = None
    ) -> None:
        fixes = (
            (
                Fix(
                    f"Remove the tag '{_shortened(tag)}'",
                    self.cell.id,
                    remove_tags=(tag,),
                ),
            )
            if tag
            else ()
        )
        self.diagnostics.append(
            self._diagnostic(code, Severity.error, message, hint, fixes)
        )

    def _fix(self, title: str, old: str, new: str) -> Fix:
        return Fix(title, self.cell.id, add_tags=(new,), remove_tags=(old,))

    def _diagnostic(
        self,
        code: str,
        severity: Severity,
        message: str,
        hint: str,
        fixes: tuple[Fix, ...],
    ) -> Diagnostic:
        return Diagnostic(
            code,
            severity,
            message,
            hint,
            cell_id=self.cell.id,
            cell=self.cell.number,
            fixes=fixes,
        )


def _unique(names: list[_Word]) -> tuple[_Word, ...]:
    return tuple(dict.fromkeys(names))


def _shortened(tag: str) -> str:
    """A tag as messages show it: whole, unless it would fill the page."""
    return tag if len(tag) <= _LONGEST_SHOWN else f"{tag[:_LONGEST_SHOWN]}…"
