"""A run as JUnit XML: a test case a stage, one a gate. Pure.

Failures hold the user's frames; skipped and cancelled stages are skipped cases, a
reused stage passes and says so in `system-out`.
"""

from __future__ import annotations

import datetime
import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jupyter_pipe.events import DEMANDS, FailureKind, GateEvaluated, StageState
from jupyter_pipe.render.words import value_text
from jupyter_pipe.runs.model import Failure, Run, StageRun
from jupyter_pipe.runs.report.words import (
    failure_place,
    failure_text,
    frame_place,
    gate_text,
    omitted_text,
    stage_note,
    visible_frames,
)

__all__ = ["junit_xml"]

# XML 1.0 has no way to write these, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The notebook's own doing; all else is an error of the machine or of ours.
_OF_THE_NOTEBOOK = frozenset({FailureKind.error, FailureKind.effect, *DEMANDS})
_SKIPPED = {
    StageState.skipped,
    StageState.cancelled,
    StageState.interrupted,
    StageState.queued,
    StageState.running,
}


def junit_xml(run: Run) -> str:
    """The document, for `--junit FILE`."""
    suites = Element("testsuites", name=_text(run.pipeline))
    suite = SubElement(suites, "testsuite", name=_text(run.pipeline))
    started = datetime.datetime.fromtimestamp(
        run.started or run.queued, datetime.timezone.utc
    )
    suite.set("timestamp", started.strftime("%Y-%m-%dT%H:%M:%S"))
    suite.set("time", f"{run.seconds:.3f}")
    for stage in run.stages:
        _stage(suite, run, stage)
        for gate in stage.gates:
            _gate(suite, run, stage, gate)
    for name, path in (
        ("tests", "testcase"),
        ("failures", "*/failure"),
        ("errors", "*/error"),
        ("skipped", "*/skipped"),
    ):
        suite.set(name, str(len(suite.findall(path))))
        suites.set(name, suite.get(name, "0"))
    suites.set("time", suite.get("time", "0"))
    indent(suites)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{tostring(suites, encoding='unicode')}\n"


def _stage(suite: Element, run: Run, stage: StageRun) -> None:
    """Adds a test case for the stage; `failure` is the notebook's fault, `error` that
    of its surroundings."""
    case = SubElement(
        suite,
        "testcase",
        classname=_text(run.pipeline),
        name=_text(stage.name),
        time=f"{stage.seconds:.3f}",
    )
    if stage.state is StageState.failed and stage.failure:
        if stage.failure.kind is FailureKind.gate and stage.gates:
            return  # the gate's own case fails
        kind = "failure" if stage.failure.kind in _OF_THE_NOTEBOOK else "error"
        element = SubElement(
            case, kind, type=_text(stage.failure.ename), message=_message(stage.failure)
        )
        element.text = _text(_details(stage.failure))
    elif stage.state in _SKIPPED:
        SubElement(
            case, "skipped", message=_text(stage_note(stage) or stage.state.value)
        )
    output = [f"{name} = {value_text(value)}" for name, value in stage.metrics.items()]
    if stage.state is StageState.cached:
        output.insert(0, f"cached: {stage.reason}")
    if output:
        SubElement(case, "system-out").text = _text("\n".join(output))


def _gate(suite: Element, run: Run, stage: StageRun, gate: GateEvaluated) -> None:
    case = SubElement(
        suite, "testcase", classname=_text(f"{run.pipeline}.{stage.name}"), time="0"
    )
    case.set("name", _text(f"gate: {gate.expression}"))
    if not gate.passed:
        SubElement(case, "failure", type="GateFailed", message=_text(gate_text(gate)))


def _message(failure: Failure) -> str:
    return _text(f"{failure_place(failure)}: {failure_text(failure)}")


def _details(failure: Failure) -> str:
    lines = []
    for frame in visible_frames(failure):
        lines.append(f"{frame_place(frame)}\n    {frame.source.strip()}")
        lines += [omitted_text(frame)] if frame.omitted else []
    lines.append(failure_text(failure))
    if failure.hint:
        lines.append(failure.hint)
    return "\n".join(lines)


def _text(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
