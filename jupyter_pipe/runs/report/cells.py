"""The cells of one stage as HTML: prompt, highlighted source, outputs.

Outputs are sanitised or shown as images and text; nothing in them can run. Highlighting
and output are done here and not by nbconvert, whose import alone takes 2 CPU-seconds
where JupyterLab is installed. What was rendered once lies beside the executed notebook
and serves later runs that reuse the stage, if it is signed: what somebody else wrote
there is not shown, but rendered anew.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.render.words import bytes_text
from jupyter_pipe.runs.report.ansi import ansi_html
from jupyter_pipe.runs.report.cell_outputs import ExecutedCell, read_executed
from jupyter_pipe.runs.store import RunFolder, is_file_name
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

if TYPE_CHECKING:
    from pygments.formatter import Formatter
    from pygments.lexer import Lexer

__all__ = ["LARGEST_OUTPUT", "cells_html", "render_cell", "stage_fragment"]

# Characters: a browser shows a page of that size, and stumbles over a larger one.
LARGEST_OUTPUT = 10_000_000
KEPT_OF_CUT_TEXT = 20_000
# What an author writes; reading more takes longer than its length.
LARGEST_MARKDOWN = 200_000
_FRAGMENT = "cells.json"
_RASTER = ("image/png", "image/jpeg", "image/gif", "image/webp")
_WIDGET = "application/vnd.jupyter.widget-view+json"


class _Rendered(Struct, frozen=True):
    """What is kept of a stage's cells."""

    html: str


def stage_fragment(
    folder: RunFolder, stage: str, cached_from: str | None = None
) -> Markup:
    """The cells of `stage`, from the run that computed them if they were rendered
    there."""
    origin = cached_from if cached_from and is_file_name(cached_from) else folder.run_id
    elsewhere = (_run_beside(folder, origin),) if origin != folder.run_id else ()
    for place in (*elsewhere, folder):
        with contextlib.suppress(*UNREADABLE):
            signed = read_record(
                place.stage(stage) / _FRAGMENT, "cells", f"{place.run_id}/{stage}"
            )
            return Markup(msgspec.json.decode(signed, type=_Rendered).html)
    rendered = cells_html(read_executed(folder.executed(stage)))
    if rendered:
        document = msgspec.json.encode(_Rendered(str(rendered)))
        # Only the next report would be sooner ready.
        with contextlib.suppress(OSError):
            replace_file(
                folder.stage(stage) / _FRAGMENT,
                sign("cells", f"{folder.run_id}/{stage}", document),
            )
    return rendered


@lru_cache(maxsize=8)
def _run_beside(folder: RunFolder, run_id: str) -> RunFolder:
    """Most reused stages come from one run."""
    return RunFolder(folder.path.parent / run_id)


def cells_html(cells: tuple[ExecutedCell, ...]) -> Markup:
    """All cells, one below the other."""
    return joined([render_cell(cell) for cell in cells])


def render_cell(cell: ExecutedCell) -> Markup:
    """Prompt and source, then what the cell showed."""
    prompt = tag(
        "div", f"[{cell.number if cell.number is not None else ' '}]:", class_="prompt"
    )
    source = tag("pre", _highlighted(cell.source), class_="source")
    outputs = [
        tag("div", _output(output), class_="output") for output in _merged(cell.outputs)
    ]
    return tag("div", prompt, tag("div", source, outputs, class_="body"), class_="cell")


def _highlighted(source: str) -> Markup:
    from pygments import highlight

    return Markup(highlight(source, *_highlighter()).rstrip("\n"))


@cache
def _highlighter() -> tuple[Lexer, Formatter[str]]:
    """One for all cells; imported late, since the report of a run without new stages
    needs none."""
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    return PythonLexer(), HtmlFormatter(nowrap=True)


def _merged(outputs: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    """Neighbouring pieces of one stream as one."""
    pending: dict[str, Any] | None = None
    for output in outputs:
        same = pending is not None and output.get("output_type") == "stream"
        if pending is not None and same and output.get("name") == pending["name"]:
            pending["text"] += _joined(output.get("text"))
            continue
        if pending is not None:
            yield pending
            pending = None
        if output.get("output_type") == "stream":
            pending = {
                **output,
                "name": output.get("name"),
                "text": _joined(output.get("text")),
            }
        else:
            yield output
    if pending is not None:
        yield pending


def _output(output: Mapping[str, Any]) -> Markup:
    kind = output.get("output_type")
    if kind == "stream":
        error = " stderr" if output.get("name") == "stderr" else ""
        return _text(_joined(output.get("text")), f"text{error}")
    if kind == "error":
        lines = output.get("traceback") or [
            f"{output.get('ename')}: {output.get('evalue')}"
        ]
        return _text("\n".join(map(str, lines)), "text error")
    return _data(output.get("data") or {})


def _data(data: Mapping[str, Any]) -> Markup:
    """The richest form that a page without scripts can show."""
    text = _joined(data.get("text/plain"))
    if _WIDGET in data:
        return joined(
            _text(text, "text"),
            _note("A widget: open the executed notebook to use it."),
        )
    for shown in _rich(data):
        if shown:
            return shown
    if "text/html" in data or "application/javascript" in data:
        return joined(
            _text(text, "text"),
            _note("Cannot be shown here: open the executed notebook to see it."),
        )
    return _text(text, "text")


def _rich(data: Mapping[str, Any]) -> Iterator[Markup | None]:
    alternative = _joined(data.get("text/plain"))[:200]
    if "text/html" in data:
        yield _html(_joined(data["text/html"]))
    if "image/svg+xml" in data:
        # Inside an image, an SVG can neither run scripts nor load anything.
        yield _image(
            "image/svg+xml", _encoded(_joined(data["image/svg+xml"])), alternative
        )
    for kind in _RASTER:
        if kind in data:
            yield _image(
                # What is not Base64 could end the attribute.
                kind,
                re.sub(r"[^A-Za-z0-9+/=]", "", _joined(data[kind])),
                alternative,
            )
    if "text/markdown" in data:
        yield _markdown(_joined(data["text/markdown"]))
    if "application/json" in data:
        yield _text(
            json.dumps(data["application/json"], indent=2, ensure_ascii=False), "text"
        )


def _html(html: str) -> Markup | None:
    if len(html) > LARGEST_OUTPUT:
        return _too_large(len(html))
    # Imported with nh3: reports of runs in which nothing changed show what was rendered
    # before.
    from jupyter_pipe.runs.report.sanitise import sanitised

    safe = sanitised(html)
    return tag("div", Markup(safe), class_="html") if safe else None


def _image(kind: str, encoded: str, alternative: str) -> Markup:
    if len(encoded) > LARGEST_OUTPUT:
        return _too_large(len(encoded))
    return tag("img", src=f"data:{kind};base64,{encoded}", alt=alternative)


def _encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode("ascii")


def _markdown(text: str) -> Markup | None:
    import mistune

    if len(text) > LARGEST_MARKDOWN:
        return _text(text, "text")
    return _html(str(mistune.html(text)))


def _text(text: str, class_: str) -> Markup:
    """Preformatted text; of what is too long, the beginning and the end."""
    if len(text) <= LARGEST_OUTPUT:
        return tag("pre", Markup(ansi_html(text)), class_=class_)
    head, tail = text[:KEPT_OF_CUT_TEXT], text[-KEPT_OF_CUT_TEXT:]
    return joined(_text(head, class_), _too_large(len(text)), _text(tail, class_))


def _too_large(size: int) -> Markup:
    return _note(
        f"{bytes_text(size)} of output are left out; the executed notebook has them."
    )


def _note(text: str) -> Markup:
    return tag("div", text, class_="note")


def _joined(text: Any) -> str:
    if isinstance(text, list):
        return "".join(map(str, text))
    return "" if text is None else str(text)
