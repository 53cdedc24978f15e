"""What our updates cost the browser, frame by frame, read from a trace of Chromium.

A frame counts when something of ours changed in it: our elements carry classes that
begin with `jp-pipe-`. Its cost is the CPU time of the page's main thread in script,
style, layout and paint since the frame before, whoever asked for it: JupyterLab's own
work in the same frame is in it.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from typing import Any

__all__ = ["CATEGORIES", "WATCH", "frame_costs"]

CATEGORIES = [
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "blink.user_timing",
]
_MARK = "pipe-changed"
WATCH = """() => {
  const ours = node => node.nodeType === 1 && node.closest('[class*="jp-pipe-"]');
  const isOurs = ({target}) => ours(target.nodeType === 1 ? target : target.parentNode);
  const note = records => records.some(isOurs) && performance.mark('pipe-changed');
  const options = {subtree: true, childList: true, attributes: true, characterData: true};
  new MutationObserver(note).observe(document.body, options);
}"""
_SCRIPT = (
    "FunctionCall",
    "FireAnimationFrame",
    "TimerFire",
    "EventDispatch",
    "RunMicrotasks",
    "EvaluateScript",
)
_DRAWING = ("UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit")
_WORK = frozenset((*_SCRIPT, *_DRAWING, "MajorGC", "MinorGC"))


def frame_costs(trace: bytes) -> list[float]:
    """Milliseconds of each frame that we changed, in the order of time."""
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    marks = [event for event in events if event["name"] == _MARK]
    ((main, _),) = Counter((mark["pid"], mark["tid"]) for mark in marks).most_common(1)
    spans = [
        event
        for event in events
        if event["ph"] == "X" and (event["pid"], event["tid"]) == main
    ]
    frames = sorted(span["ts"] for span in spans if span["name"] == "Commit")
    costs: Counter[int] = Counter()
    for span in _outermost([span for span in spans if span["name"] in _WORK]):
        costs[bisect_left(frames, span["ts"])] += span.get("tdur", 0)
    changed = sorted({bisect_left(frames, mark["ts"]) for mark in marks})
    return [costs[frame] / 1000 for frame in changed]


def _outermost(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Spans nest: a function that asks for layout contains it."""
    found: list[dict[str, Any]] = []
    end = 0
    for span in sorted(spans, key=lambda span: (span["ts"], -span["dur"])):
        if span["ts"] >= end:
            found.append(span)
            end = span["ts"] + span["dur"]
    return found
