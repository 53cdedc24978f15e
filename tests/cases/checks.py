"""Compares a compiled pipeline with what a case expects; every difference is one
sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jupyter_pipe.model import Diagnostic, Pipeline, ReplayKind, Severity, Stage
from tests.cases.table import Case, Expected, Finding

__all__ = ["differences", "refusals"]

DEFINITIONS = frozenset({ReplayKind.import_, ReplayKind.function, ReplayKind.class_})


def differences(case: Case, pipeline: Pipeline) -> list[str]:
    """What the graph says otherwise than the case; the answer is exact in both
    directions."""
    found = [
        *_edge_differences(case, pipeline),
        *_finding_differences(case.warnings, pipeline.diagnostics),
    ]
    for stage in pipeline.stages:
        found += _input_differences(stage, case.inputs.get(stage.name, []))
        if stage.name in case.code:
            found += _code_differences(stage, case.code[stage.name])
    missing = case.inputs.keys() - {stage.name for stage in pipeline.stages}
    return found + [f"there is no stage {name}" for name in sorted(missing)]


def refusals(case: Case, diagnostics: Sequence[Diagnostic]) -> list[str]:
    """What a case that must not compile lacks among the errors."""
    errors = [
        diagnostic
        for diagnostic in diagnostics
        if diagnostic.severity is Severity.error
    ]
    expected = _finding_differences(case.errors, errors)
    return (
        expected if case.errors else [f"refused: {error.message}" for error in errors]
    )


def _input_differences(stage: Stage, expected: list[Expected]) -> Iterator[str]:
    actual = {entry.name: entry.from_ for entry in stage.inputs}
    for entry in expected:
        source = actual.pop(entry.name, None)
        if source is None:
            if not entry.optional:
                yield f"{stage.name} lacks the input {entry.name}"
        elif source not in entry.sources:
            yield f"{stage.name} gets {entry.name} from {source}, not from {' or '.join(entry.sources)}"
    for name, source in actual.items():
        yield f"{stage.name} has the superfluous input {name} from {source}"


def _code_differences(stage: Stage, expected: list[Expected]) -> Iterator[str]:
    replayed = {name for replay in stage.replays for name in replay.names}
    needed = {
        name
        for replay in stage.replays
        if replay.needed and replay.kind in DEFINITIONS
        for name in replay.names
    }
    for entry in expected:
        if not entry.optional and entry.name not in replayed:
            yield f"{stage.name} lacks the code of {entry.name}"
    imports = {
        name
        for replay in stage.replays
        if replay.kind is ReplayKind.import_
        for name in replay.names
    }
    for name in sorted(needed - imports - {entry.name for entry in expected}):
        yield f"{stage.name} has the superfluous code of {name}"


def _edge_differences(case: Case, pipeline: Pipeline) -> Iterator[str]:
    actual = {
        (edge.from_, edge.to, name)
        for edge in pipeline.edges
        for name in edge.names or ("",)
        if not name or name[0] == "@" or name.startswith("file:")
    }
    for before, after, name in sorted(case.edges - actual):
        yield f"the edge {before}>{after} {name} is missing"
    for before, after, name in sorted(actual - case.edges - case.possible_edges):
        yield f"the edge {before}>{after} {name} is superfluous"


def _finding_differences(
    expected: Sequence[Finding], diagnostics: Sequence[Diagnostic]
) -> list[str]:
    return [
        f"nothing says {finding.words!r} about cell {finding.cell or '*'}"
        for finding in expected
        if not finding.optional
        and not any(_fits(finding, diagnostic) for diagnostic in diagnostics)
    ]


def _fits(finding: Finding, diagnostic: Diagnostic) -> bool:
    text = f"{diagnostic.message} {diagnostic.hint}"
    return finding.words in text and finding.cell in (None, diagnostic.cell)
