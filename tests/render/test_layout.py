from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.layout.crossings import count_crossings, links, order_rows
from jupyter_pipe.render.layout.labels import place_labels
from jupyter_pipe.render.layout.layers import layered
from jupyter_pipe.render.layout.layout import Box, layout, text_width
from tests.render.drawn import make_pipeline


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    count = draw(st.integers(0, 24))
    names = [f"stage_{number}" for number in range(count)]
    pairs = st.tuples(
        st.integers(0, max(count - 1, 0)), st.integers(0, max(count - 1, 0))
    )
    chosen = {
        tuple(sorted(pair))
        for pair in draw(st.lists(pairs, max_size=60))
        if pair[0] != pair[1]
    }
    return make_pipeline(
        names, [(names[a], names[b], f"v{a}") for a, b in sorted(chosen) if count]
    )


def overlap(a: Box, b: Box) -> bool:
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


@given(pipelines(), st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_boxes_never_overlap_and_edges_run_down(
    pipeline: Pipeline, columns: int
) -> None:
    drawing = layout(pipeline, columns=columns)
    assert not any(overlap(a, b) for a, b in combinations(drawing.boxes, 2))
    boxes = {box.name: box for box in drawing.boxes}
    assert all(
        box.x >= 0 and box.x + box.width <= drawing.width + 0.2 for box in drawing.boxes
    )
    for route in drawing.routes:
        start, end = boxes[route.from_], boxes[route.to]
        assert start.row < end.row
        assert route.points[0][1] == start.y + start.height
        assert route.points[-1][1] == end.y
        assert all(
            a[1] <= b[1] for a, b in zip(route.points, route.points[1:], strict=False)
        )


@given(pipelines(), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_rows_hold_no_more_than_the_columns(pipeline: Pipeline, columns: int) -> None:
    boxes = layout(pipeline, columns=columns).boxes
    assert all(
        sum(box.row == row for box in boxes) <= columns
        for row in {box.row for box in boxes}
    )


@given(pipelines())
@settings(max_examples=40, deadline=None)
def test_labels_cover_no_box_and_no_other_label(pipeline: Pipeline) -> None:
    drawing = layout(pipeline)
    labels = place_labels(drawing)
    areas = [
        Box(x.text, x.x, x.y - 9, text_width(x.text, 10), 11, 0, 0) for x in labels
    ]
    assert not any(overlap(a, b) for a in areas for b in drawing.boxes)
    assert not any(overlap(a, b) for a, b in combinations(areas, 2))


@given(pipelines())
@settings(max_examples=30, deadline=None)
def test_ordering_never_adds_crossings(pipeline: Pipeline) -> None:
    pairs = [(edge.from_, edge.to) for edge in pipeline.edges]
    graph = layered([stage.name for stage in pipeline.stages], pairs, columns=8)
    _, below = links(graph)
    assert count_crossings(order_rows(graph), below) <= count_crossings(
        graph.rows, below
    )


def test_the_same_pipeline_gives_the_same_picture() -> None:
    pipeline = make_pipeline(
        "abcdef", [("a", "b", "x"), ("a", "c", "x"), ("b", "f", ""), ("c", "f", "y")]
    )
    assert layout(pipeline) == layout(pipeline)


def test_a_tree_has_no_crossings_and_a_chain_is_straight() -> None:
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "e"), ("b", "f"), ("c", "g")]
    graph = layered("abcdefg", edges, columns=8)
    _, below = links(graph)
    assert count_crossings(order_rows(graph), below) == 0
    chain = layout(make_pipeline("abc", [("a", "b", "x"), ("b", "c", "y")]))
    assert len({box.x + box.width / 2 for box in chain.boxes}) == 1


def test_crossings_are_counted_exactly() -> None:
    graph = layered("abcd", [("a", "d"), ("b", "c")], columns=8)
    _, below = links(graph)
    rows = [graph.rows[0], sorted(graph.rows[1])]
    assert count_crossings(rows, below) == 1
    assert count_crossings(order_rows(graph), below) == 0


def test_a_wide_row_is_split_evenly_and_its_bundle_drawn_once() -> None:
    names = ["start", *(f"part_{number}" for number in range(20)), "end"]
    edges = [("start", name, "x") for name in names[1:-1]] + [
        (name, "end", name) for name in names[1:-1]
    ]
    drawing = layout(make_pipeline(names, edges), columns=8)
    widths = [sum(box.row == row for box in drawing.boxes) for row in range(5)]
    assert widths == [1, 7, 7, 6, 1]
    pieces = {
        piece
        for route in drawing.routes
        for piece in zip(route.points, route.points[1:], strict=False)
    }
    assert len(pieces) < 60


def test_an_empty_pipeline_draws_nothing() -> None:
    assert layout(make_pipeline([], [])).boxes == ()


def test_a_name_stands_off_the_lines_of_others() -> None:
    models = ("ridge", "forest", "boosting")
    edges = [("features", name, "X, y") for name in models] + [
        (name, "evaluate", name) for name in models
    ]
    edges += [
        ("features", "evaluate", "test"),
        ("features", "card", "last_week, test, train"),
    ]
    drawing = layout(make_pipeline(["features", *models, "evaluate", "card"], edges))
    labels = {label.text: label for label in place_labels(drawing)}
    assert {"X, y", "test", *models} <= labels.keys()
    down = [route for route in drawing.routes if len({x for x, _ in route.points}) == 1]
    for text, label in labels.items():
        for route in down:
            (x, top), bottom = route.points[0], route.points[-1][1]
            covered = label.x < x < label.x + label.width and top < label.y < bottom
            assert not covered or text == ", ".join(route.names)
