"""The text of a file of tests, from what stages were seen to do. Pure."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.testing.trying import Behaviour, Outcome, TableBehaviour

__all__ = ["Subject", "text_of_tests"]

_HEAD = '''\
"""What the stages of {notebook} do, as its run {run_id} has shown it.

Written by `jupyter pipe tests init`; from here on it is yours: rename, remove, add. Each stage is compiled
from the notebook as it is now and called as a function, with what the run handed to it, cut to a few rows.
What must come out lies in {golden}/, made to be reviewed. If it is meant to be something else from now on:

    jupyter pipe tests accept {notebook}
"""

{own}from pathlib import Path

import pytest
{others}
from jupyter_pipe.testing import {names}

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    return NotebookUnderTest(HERE / "{notebook}", HERE / "{golden}", tmp_path_factory.mktemp("{stem}"))
'''
_PIPELINE = '''

class TestPipeline:
    """All stages, in kernels of their own, from the files in {golden}/input-files."""

    def test_succeeds(self, notebook):
        run = notebook.run()
        assert [f"{{stage.name}}: {{stage.failure}}" for stage in run.stages if stage.failure] == []
        assert run.state.value == "succeeded"
'''
_METRICS = """
    def test_metrics(self, notebook):
        notebook.check("pipeline-metrics", notebook.run().metrics)
"""
_GATES = """
    def test_gates(self, notebook):
        gates = [gate for stage in notebook.run().stages for gate in stage.gates]
        assert [gate.expression for gate in gates if not gate.passed] == []
"""
_MODEL = '''

class TestModel:
    """The scorer, compiled from the notebook and the run above, on rows of {run_id}."""

    def test_predictions(self, notebook):
        notebook.check("model-predictions", notebook.predict(notebook.rows()))

    def test_one_row_gets_what_it_gets_in_a_batch(self, notebook):
        notebook.check("model-predictions", [notebook.predict([row])[0] for row in notebook.rows()])
'''


@dataclass(frozen=True)
class Subject:
    """What the file is about. `stages` has what was seen of each stage, `untested` why
    there is nothing to see of the others. `takes` and `gives` are names of values."""

    notebook: str
    run_id: str
    golden: str
    stages: Mapping[str, Behaviour]
    untested: Mapping[str, str]
    takes: Mapping[str, Sequence[str]]
    gives: Mapping[str, Sequence[str]]
    has_metrics: bool
    has_gates: bool
    has_model: bool


def text_of_tests(subject: Subject) -> str:
    """The module, as ruff would format it."""
    body = "".join(
        _stage(name, behaviour, subject) for name, behaviour in subject.stages.items()
    )
    for name, reason in subject.untested.items():
        body += f"\n\n# {_class_name(name)} has no test of its own: {reason}\n"
    body += _PIPELINE.format(golden=subject.golden)
    if subject.has_metrics:
        body += _METRICS
    if subject.has_gates:
        body += _GATES
    if subject.has_model:
        body += _MODEL.format(run_id=subject.run_id)
    names = (
        "NotebookUnderTest, with_gaps" if "with_gaps(" in body else "NotebookUnderTest"
    )
    stem = notebook_name(Path(subject.notebook))
    own, others = _imports(subject.stages.values())
    return (
        _HEAD.format(
            notebook=subject.notebook,
            run_id=subject.run_id,
            golden=subject.golden,
            stem=stem,
            names=names,
            own=own,
            others=others,
        )
        + body
    )


def _stage(name: str, behaviour: Behaviour, subject: Subject) -> str:
    takes, gives = (
        ", ".join(names) for names in (subject.takes[name], subject.gives[name])
    )
    about = f"{takes or 'files'} -> {gives or 'nothing that another stage reads'}"
    parts = [f"\n\nclass Test{_class_name(name)}:\n{_docstring(about)}"]
    parts.append(
        _function("gives_what_it_gave", _check(name, "", behaviour.outcome.unsteady))
    )
    for table in behaviour.tables:
        parts += _of_table(name, table, only=len(behaviour.tables) == 1)
    return "".join(parts)


def _of_table(stage: str, table: TableBehaviour, *, only: bool) -> Iterator[str]:
    """Tests of one input; `only` says that the stage has no other table."""
    of = "" if only else f"_of_{table.name}"
    needed, free, silent = _by_outcome(table)
    for error, columns in needed.items():
        which = "" if len(needed) == 1 else f"_{_snake(error.__name__)}"
        yield _columns_test(
            stage, table, f"stops_without_a_column{of}{which}", columns, error
        )
    if free:
        yield _columns_test(stage, table, f"can_do_without_a_column{of}", free, None)
    if silent:
        # A test could only say that nothing is said.
        yield _comment(
            f"Without one of these columns of {table.name} the stage goes on, and gives something else: "
            f"{', '.join(silent)}."
        )
    yield _case_test(stage, table, f"no_rows{of}", table.empty, "{}.head(0)")
    yield _case_test(stage, table, f"gaps{of}", table.gaps, "with_gaps({})")


def _by_outcome(
    table: TableBehaviour,
) -> tuple[dict[type[BaseException], list[str]], list[str], list[str]]:
    """The columns without which the stage stops, by error; those that it can do
    without; all others."""
    needed: dict[type[BaseException], list[str]] = {}
    free: list[str] = []
    silent: list[str] = []
    for column, outcome in table.columns.items():
        if outcome.error is not None:
            needed.setdefault(_importable(outcome.error), []).append(column)
        elif outcome.same:
            free.append(column)
        else:
            silent.append(column)
    return needed, free, silent


def _columns_test(
    stage: str,
    table: TableBehaviour,
    name: str,
    columns: list[str],
    error: type[BaseException] | None,
) -> str:
    drop = "drop(column)" if table.is_polars else "drop(columns=column)"
    body = _inputs(stage, table, f'inputs["{table.name}"].{drop}')
    if error is None:
        body.append(f'notebook.check("{stage}", notebook.call("{stage}", **inputs))')
    else:
        body += _raises(stage, error, "")
    return _function(name, body, _parametrize(columns), "column")


def _parametrize(columns: list[str]) -> str:
    """In one line, or with a line for each column."""
    listed = [_quoted(column) for column in columns]
    line = f'    @pytest.mark.parametrize("column", [{", ".join(listed)}])\n'
    if len(line) <= _WIDTH:
        return line
    lines = "".join(f"            {each},\n" for each in listed)
    return f'    @pytest.mark.parametrize(\n        "column",\n        [\n{lines}        ],\n    )\n'


def _quoted(text: str) -> str:
    """With double quotes, unless these stand in the text: as formatters have it."""
    return repr(text) if '"' in text else json.dumps(text, ensure_ascii=False)


def _case_test(
    stage: str, table: TableBehaviour, case: str, outcome: Outcome, change: str
) -> str:
    changed = change.format(f'inputs["{table.name}"]')
    lines = _inputs(stage, table, changed)
    if outcome.error is None:
        lines.append(f'outputs = notebook.call("{stage}", **inputs)')
        lines += _check(stage, case, outcome.unsteady)[-1:]
        return _function(f"goes_on_with_{case}", lines)
    lines += _raises(stage, outcome.error, outcome.message)
    return _function(f"stops_at_{case}", lines)


def _inputs(stage: str, table: TableBehaviour, changed: str) -> list[str]:
    return [
        f'inputs = notebook.inputs("{stage}")',
        f'inputs["{table.name}"] = {changed}',
    ]


def _raises(stage: str, error: type[BaseException], message: str) -> list[str]:
    comment = (
        [f"# {message}"]
        if message and message.isprintable() and len(message) < 90
        else []
    )
    return [
        *comment,
        f"with pytest.raises({_importable(error).__name__}):",
        f'    notebook.call("{stage}", **inputs)',
    ]


def _check(stage: str, case: str, unsteady: tuple[str, ...]) -> list[str]:
    about = f', case="{case}"' if case else ""
    return [
        f'outputs = notebook.call("{stage}", **notebook.inputs("{stage}"))',
        f'notebook.check("{stage}", outputs{about}{_besides(unsteady)})',
    ]


def _besides(names: Iterable[str]) -> str:
    listed = sorted(names)
    return f", besides={listed!r}".replace("'", '"') if listed else ""


def _function(
    name: str, lines: list[str], decorator: str = "", argument: str = ""
) -> str:
    arguments = ", ".join(each for each in ("self", "notebook", argument) if each)
    body = "".join(f"        {line}\n" for line in lines)
    return f"\n{decorator}    def test_{name}({arguments}):\n{body}"


_WIDTH = 110


def _docstring(text: str) -> str:
    if len(text) <= _WIDTH - 10:
        return f'    """{text}"""\n'
    return (
        f'    """{textwrap.fill(text, _WIDTH - 4, subsequent_indent="    ")}\n    """\n'
    )


def _comment(text: str) -> str:
    return (
        "\n"
        + textwrap.fill(
            text, _WIDTH - 4, initial_indent="    # ", subsequent_indent="    # "
        )
        + "\n"
    )


def _class_name(stage: str) -> str:
    name = "".join(part.capitalize() for part in stage.split("_"))
    # The file has classes of these names, too.
    return f"{name}Stage" if name in ("Pipeline", "Model") else name


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _importable(error: type[BaseException]) -> type[BaseException]:
    """The nearest class that a test can import."""
    # A library may raise a class of its own that only that library can reach.
    for each in error.__mro__:
        module = sys.modules.get(each.__module__)
        if (
            each.__module__ == "builtins"
            or getattr(module, each.__name__, None) is each
        ):
            return each
    return Exception


def _imports(stages: Iterable[Behaviour]) -> tuple[str, str]:
    """Lines for exceptions of Python's library, and for those of others; builtins need
    none."""
    names: dict[str, set[str]] = {}
    for outcome in _outcomes(stages):
        if outcome.error is not None:
            error = _importable(outcome.error)
            names.setdefault(error.__module__, set()).add(error.__name__)
    names.pop("builtins", None)
    lines = {
        each: f"from {each} import {', '.join(sorted(names[each]))}\n"
        for each in sorted(names)
    }
    own = [
        line
        for each, line in lines.items()
        if each.partition(".")[0] in sys.stdlib_module_names
    ]
    return "".join(own), "".join(line for line in lines.values() if line not in own)


def _outcomes(stages: Iterable[Behaviour]) -> Iterator[Outcome]:
    for behaviour in stages:
        for table in behaviour.tables:
            yield from (table.empty, table.gaps, *table.columns.values())
