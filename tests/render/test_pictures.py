from __future__ import annotations

from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from jupyter_pipe.model import Parameter, Pipeline
from jupyter_pipe.render import (
    MARKS,
    mark_svg,
    pipeline_html,
    to_dot,
    to_mermaid,
    to_svg,
)
from jupyter_pipe.render.layout.layout import short_name, text_width
from jupyter_pipe.render.theme import STAGE_COLOURS, stripe_svg
from tests.render.drawn import make_pipeline

HOSTILE = '"><script>alert(1)</script>&]]>'
SVG = "{http://www.w3.org/2000/svg}"


def hostile() -> Pipeline:
    pipeline = make_pipeline([HOSTILE, "b"], [(HOSTILE, "b", HOSTILE)])
    parameter = Parameter(HOSTILE, "str", HOSTILE, HOSTILE, description=HOSTILE)
    return replace(pipeline, name=HOSTILE, description=HOSTILE, parameters=(parameter,))


def test_svg_is_well_formed_and_names_every_stage_with_its_state() -> None:
    pipeline = make_pipeline(["load", "fit"], [("load", "fit", "X, y")])
    root = ElementTree.fromstring(to_svg(pipeline, {"load": "cached", "fit": "failed"}))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "cached, load" in titles
    assert "failed, fit" in titles
    assert "load to fit: X, y" in titles
    assert "X, y" in [text.text for text in root.iter(f"{SVG}text")]


def test_names_from_a_hostile_notebook_stay_text() -> None:
    for text in (to_svg(hostile()), pipeline_html(hostile())):
        assert "<script" not in text
    ElementTree.fromstring(to_svg(hostile(), {HOSTILE: "failed"}, linked=True))
    assert "<script" not in to_mermaid(hostile())
    assert '[label="\\"><script>' in to_dot(hostile())


@pytest.mark.parametrize(
    ("states", "look"),
    [
        ({}, "jpipe-edge"),
        ({"load": "queued", "fit": "queued"}, "jpipe-edge jpipe-waiting"),
        ({"load": "succeeded", "fit": "running"}, "jpipe-edge jpipe-feeding"),
        ({"load": "cached", "fit": "queued"}, "jpipe-edge"),
    ],
)
def test_an_edge_shows_whether_its_values_exist(
    states: dict[str, str], look: str
) -> None:
    root = ElementTree.fromstring(
        to_svg(make_pipeline(["load", "fit"], [("load", "fit", "X")]), states)
    )
    assert {
        path.get("class")
        for path in root.iter(f"{SVG}path")
        if "edge" in path.get("class", "")
    } == {look}


@pytest.mark.parametrize("state", sorted(MARKS))
def test_every_mark_is_drawn_and_says_its_word(state: str) -> None:
    root = ElementTree.fromstring(
        mark_svg(state, done=0.5).replace("<svg", f'<svg xmlns="{SVG[1:-1]}"')
    )
    assert root.get("aria-label") == MARKS[state].word
    assert len(root)
    assert len(MARKS[state].glyph) == len(MARKS[state].ascii) == 1


def test_shapes_and_glyphs_tell_states_apart_without_colour() -> None:
    for field in ("shape", "glyph", "ascii"):
        assert len({getattr(mark, field) for mark in MARKS.values()}) == len(MARKS)


def test_stripes_of_the_first_24_stages_differ() -> None:
    assert len({stripe_svg(number, 0, 0, 20) for number in range(24)}) == 3 * len(
        STAGE_COLOURS
    )


def test_long_names_keep_their_ends_and_fit() -> None:
    name = "load_everything_from_the_warehouse_07"
    short = short_name(name, 100)
    assert text_width(short) <= 100
    assert short.endswith("_07")
    assert short_name("fit", 100) == "fit"


def test_mermaid_and_dot_show_values_and_plain_orderings() -> None:
    pipeline = make_pipeline(["a", "b", "c"], [("a", "b", "x, y"), ("b", "c", "")])
    assert to_mermaid(pipeline).splitlines() == [
        "flowchart TD",
        '    s0["a"]',
        '    s1["b"]',
        '    s2["c"]',
        '    s0 -- "x, y" --> s1',
        "    s1 -.-> s2",
    ]
    assert 's0 -> s1 [label="x, y"];' in to_dot(pipeline)
    assert "s1 -> s2 [style=dashed];" in to_dot(pipeline)


def test_a_theme_can_be_fixed() -> None:
    pipeline = make_pipeline(["a"], [])
    assert "prefers-color-scheme" in to_svg(pipeline)
    assert "prefers-color-scheme" not in to_svg(pipeline, theme="dark")
