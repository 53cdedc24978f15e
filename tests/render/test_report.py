from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_pipe.events import Event
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.cell_outputs import (
    ExecutedCell,
    read_executed,
    text_outputs,
)
from jupyter_pipe.runs.report.cells import LARGEST_OUTPUT, cells_html, render_cell
from jupyter_pipe.runs.report.report import report_html, write_report
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.trust.records import read_record
from jupyter_pipe.trust.signatures import sign
from tests.cli.scripted import (
    FLOWS,
    RUN_ID,
    failed_events,
    gate_events,
    home_value,
    scripted_run,
    succeeded_events,
)

SCRIPT = "<script>alert(1)</script>"


def cell(*outputs: dict[str, Any], source: str = "x = 1") -> ExecutedCell:
    return ExecutedCell("c1", 1, 4, source, outputs)


def shown(**data: Any) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {
            key.replace("__", "+").replace("_", "/"): value
            for key, value in data.items()
        },
    }


def write_run(
    root: Path, events: list[Event], outputs: tuple[dict[str, Any], ...] = ()
) -> tuple[Run, RunFolder]:
    """A run folder as the runner leaves it."""
    folder = RunStore(root).folder(RUN_ID)
    run = scripted_run(events)
    folder.path.mkdir(parents=True)
    folder.pipeline.write_bytes(to_json(home_value()))
    folder.summary.write_bytes(to_json(run))
    for name in FLOWS:
        folder.stage(name).mkdir(parents=True)
        cells = [
            {
                "cell_type": "code",
                "metadata": {"jupyter_pipe": {"role": role}},
                "source": [f"{role} = 1"],
            }
            for role in ("replay", "cell", "outputs")
        ]
        for each in cells:
            each.update(id=f"{name}-1", execution_count=7, outputs=list(outputs))
        folder.executed(name).write_text(
            json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5})
        )
    return run, folder


@pytest.fixture
def run_folder(tmp_path: Path) -> RunFolder:
    return write_run(tmp_path, succeeded_events())[1]


def test_the_report_is_written_beside_the_events_and_says_what_happened(
    run_folder: RunFolder,
) -> None:
    path = write_report(run_folder.path)
    page = path.read_text(encoding="utf-8")
    assert path == run_folder.report
    for text in (
        "Succeeded in 54 s",
        "21,480",
        "passed: best_mae &lt; 25000",
        "command line, notebook has 100",
    ):
        assert text in page
    assert "1.6x" in page
    assert all(f'id="stage-{name}"' in page for name in FLOWS)


def test_injected_cells_are_left_out(run_folder: RunFolder) -> None:
    cells = read_executed(run_folder.executed("ridge"))
    assert [each.source for each in cells] == ["cell = 1"]


def test_a_failed_stage_is_open_and_its_frames_stand_on_top(tmp_path: Path) -> None:
    run, folder = write_run(tmp_path, failed_events())
    page = report_html(run, home_value(), folder)
    assert page.index("return y.drop(columns=[&#x27;price&#x27;])") < page.index(
        ">Timeline</h2>"
    )
    assert '<details class="stage" id="stage-boosting" open>' in page
    assert '<details class="stage" id="stage-ridge">' in page
    assert (
        "It did not run."
        not in page.split('id="stage-boosting"')[1].split("</details>")[0]
    )


def test_a_failed_gate_shows_the_observed_values(tmp_path: Path) -> None:
    run, folder = write_run(tmp_path, gate_events())
    page = report_html(run, home_value(), folder)
    assert "failed: best_mae &lt; 25000 (best_mae = 27310)" in page
    assert "gate failed" in page


def test_nothing_of_the_user_can_run(tmp_path: Path) -> None:
    hostile = (
        shown(text_html=f"<p onclick='x()'>a{SCRIPT}</p>", text_plain="a"),
        shown(image_svg__xml=f"<svg>{SCRIPT}</svg>"),
        shown(text_markdown=f"{SCRIPT} [x](javascript:alert)"),
        {"output_type": "stream", "name": "stdout", "text": SCRIPT},
        {
            "output_type": "error",
            "ename": SCRIPT,
            "evalue": SCRIPT,
            "traceback": [SCRIPT],
        },
        shown(image_png=f'"><{SCRIPT}'),
    )
    run, folder = write_run(tmp_path, succeeded_events(), hostile)
    page = report_html(run, home_value(), folder)
    assert "<script" not in page.lower()
    assert "onclick" not in page
    assert 'href="javascript' not in page
    assert "default-src 'none'" in page.replace("&#x27;", "'")


def test_the_page_needs_no_network(run_folder: RunFolder) -> None:
    page = write_report(run_folder.path).read_text(encoding="utf-8")
    for mark in ('src="http', 'href="http', "url(", "@import"):
        assert mark not in page


def test_rendered_cells_serve_the_runs_that_reuse_them(tmp_path: Path) -> None:
    run, folder = write_run(tmp_path, succeeded_events())
    report_html(run, home_value(), folder)
    kept = folder.stage("ridge") / "cells.json"
    rendered = msgspec.json.decode(read_record(kept, "cells", f"{folder.run_id}/ridge"))
    before = {"html": rendered["html"] + "<p>rendered before</p>"}
    kept.write_bytes(
        sign("cells", f"{folder.run_id}/ridge", msgspec.json.encode(before))
    )
    assert "rendered before" in report_html(run, home_value(), folder)


@pytest.mark.parametrize(
    "name", ["unsigned", "of another stage", "of another run", "no JSON"]
)
def test_rendered_cells_not_signed_for_this_stage_are_rendered_anew(
    tmp_path: Path, name: str
) -> None:
    run, folder = write_run(tmp_path, succeeded_events())
    report_html(run, home_value(), folder)
    kept = folder.stage("ridge") / "cells.json"
    document = b'{"html": "<script>act()</script>"}'
    written = {
        "unsigned": document,
        "of another stage": sign("cells", f"{folder.run_id}/lasso", document),
        "of another run": sign("cells", "20260101-000000-abcd/ridge", document),
        "no JSON": sign(
            "cells", f"{folder.run_id}/ridge", b'{"html": <script>act()</script>}'
        ),
    }
    kept.write_bytes(written[name])
    page = report_html(run, home_value(), folder)
    assert "act()" not in page
    assert read_record(kept, "cells", f"{folder.run_id}/ridge")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (shown(text_html="<b>rich</b>", text_plain="poor"), "<b>rich</b>"),
        (
            shown(text_html="<script>draw()</script>", text_plain="Figure()"),
            "Cannot be shown here",
        ),
        (
            shown(image_png="aGk=\n", text_plain="<Figure>"),
            'src="data:image/png;base64,aGk="',
        ),
        (shown(image_svg__xml="<svg/>"), 'src="data:image/svg+xml;base64,'),
        (shown(text_markdown="**bold**"), "<strong>bold</strong>"),
        (shown(application_json={"a": 1}), "&quot;a&quot;: 1"),
        (shown(text_plain=["4", "2"]), ">42</pre>"),
        (
            {"output_type": "stream", "name": "stdout", "text": "1%\r99%\n"},
            ">99%\n</pre>",
        ),
    ],
)
def test_each_kind_of_output_has_its_form(
    output: dict[str, Any], expected: str
) -> None:
    assert expected in render_cell(cell(output))


def test_a_widget_says_where_it_works() -> None:
    data = {
        "application/vnd.jupyter.widget-view+json": {},
        "text/plain": "IntSlider(value=3)",
    }
    html = render_cell(cell({"output_type": "display_data", "data": data}))
    assert "IntSlider(value=3)" in html
    assert "open the executed notebook" in html


def test_an_output_over_ten_megabytes_is_cut_with_a_note() -> None:
    text = {
        "output_type": "stream",
        "name": "stdout",
        "text": "x" * (LARGEST_OUTPUT + 1),
    }
    html = render_cell(cell(text, shown(text_html="y" * (LARGEST_OUTPUT + 1))))
    assert len(html) < 100_000
    assert html.count("of output are left out") == 2


def test_neighbouring_pieces_of_a_stream_are_one() -> None:
    pieces = [
        {"output_type": "stream", "name": name, "text": name[-1]}
        for name in ("stdout", "stdout", "stderr")
    ]
    html = render_cell(cell(*pieces))
    assert ">tt</pre>" in html
    assert html.count("<pre") == 3


def test_source_is_highlighted_and_escaped() -> None:
    html = cells_html((cell(source=f"x = '{SCRIPT}'  # note"),))
    assert '<span class="c1"># note</span>' in html
    assert "<script" not in html


def test_logs_read_outputs_as_plain_text() -> None:
    text = text_outputs(
        cell(
            {"output_type": "stream", "name": "stdout", "text": ["a", "b\n"]},
            {
                "output_type": "error",
                "ename": "E",
                "evalue": "v",
                "traceback": ["\x1b[31mred\x1b[0m"],
            },
        )
    )
    assert text == "ab\nred\n"


def test_a_stage_that_never_ran_has_no_cells(tmp_path: Path) -> None:
    assert read_executed(tmp_path / "none.ipynb") == ()


def test_runs_and_pipelines_show_themselves_in_a_notebook() -> None:
    html = scripted_run(failed_events())._repr_html_()
    assert "evaluate to card" in html
    assert "KeyError" in html
    assert "evaluate to card: scores" in home_value()._repr_html_()
