from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_pipe.runs.report.ansi import ansi_html
from jupyter_pipe.runs.report.sanitise import sanitised

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        (
            "<table><tr><td>1</td></tr></table>",
            "<table><tbody><tr><td>1</td></tr></tbody></table>",
        ),
        ("<b onclick='x'>a</b>", "<b>a</b>"),
        ("<script>alert(1)</script>", ""),
        ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
        ("<svg><script>1</script></svg>x", "x"),
        ("<iframe src=x>y</iframe>z", "z"),
        ("<a href='javascript:x'>a</a>", "<a>a</a>"),
        ("<a href='java\nscript:x'>a</a>", "<a>a</a>"),
        ("<a href='/etc/passwd'>a</a>", "<a>a</a>"),
        ("<a href='#x'>a</a>", '<a href="#x">a</a>'),
        ("<img src='http://host/x.png'>", "<img>"),
        ("<img src='data:image/svg+xml;base64,AAAA'>", "<img>"),
        (
            "<img src='data:image/png;base64,AAAA' onerror=x>",
            '<img src="data:image/png;base64,AAAA">',
        ),
        ("<p style='color:red;position:fixed'>a</p>", '<p style="color:red">a</p>'),
        ("<p style='background:url(http://x)'>a</p>", "<p>a</p>"),
        ("<p style='color:\\65xpression(1)'>a</p>", "<p>a</p>"),
        ("<p style=\"background:image-set('http://x' 1x)\">a</p>", "<p>a</p>"),
        ("<p style=\"background:-webkit-image-set('http://x' 1x)\">a</p>", "<p>a</p>"),
        ("<p style=\"background:cross-fade(src('http://x'), red)\">a</p>", "<p>a</p>"),
        ("<p style='background:IMAGE (ltr x)'>a</p>", "<p>a</p>"),
        ("<p style='color:rgb(1, 2, 3)'>a</p>", '<p style="color:rgb(1, 2, 3)">a</p>'),
        ("<p style='margin-top:-900px'>a</p>", "<p>a</p>"),
        ("<form><input><b>x</b></form>y", "y"),
        ("<div><p>open", "<div><p>open</p></div>"),
        ("</div><b>x</b>", "<b>x</b>"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<!-- c --><i>x</i>", "<i>x</i>"),
        (
            "<style>#T_1 {color: red}</style><b id='T_1'>x</b>",
            '<b style="color:red">x</b>',
        ),
        ('<style>#T_1 {color: red}</style><b>id="T_1"</b>', '<b>id="T_1"</b>'),
        (
            "<style>#T_1 {background: image-set('http://x' 1x)}</style><b id='T_1'>x</b>",
            "<b >x</b>",
        ),
        ("<style>body{display:none}</style>x", "x"),
        ("<div>  </div>", ""),
    ],
)
def test_only_the_harmless_part_is_left(html: str, safe: str) -> None:
    assert without_link_notes(sanitised(html)) == safe


def without_link_notes(html: str) -> str:
    """nh3 adds these to every link, in any order."""
    return html.replace(' target="_blank"', "").replace(
        ' rel="noreferrer noopener"', ""
    )


ODD = [
    "<style>",
    "<style>a",
    "<style>{",
    "<div>",
    "<a>",
    "<b><i>",
    "<p><b>",
    "<table><td>",
    "<p a=b ",
]
ODDER = [
    "<",
    "&",
    "& ",
    "&a",
    "&#x",
    "&amp;",
    "<p>&",
    "<!-",
    "\0",
    "<style>#a{color:red}</style><b id=a>x</b>",
]


@pytest.mark.thorough
@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [*ODD, *ODDER])
def test_a_megabyte_of_anything_is_read_in_one_pass(piece: str) -> None:
    """What goes over its text again and again takes minutes for one of these."""
    html = piece * (MEGABYTE // len(piece))
    assert "<style" not in sanitised(html)


class Watcher(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


TAGS = [
    "<script>",
    "</script>",
    "<svg",
    "<p ",
    "<style>",
    "</style>",
    "<math>",
    "<title>",
    "</title>",
]
MARKS = [
    "'",
    '"',
    ">",
    "<",
    "/",
    "<!--",
    "-->",
    " ",
    "x",
    "onload=x",
    "href=javascript:x",
    "<img src=x ",
]
PIECES = st.sampled_from([*TAGS, *MARKS])


@given(st.lists(PIECES, max_size=20).map("".join))
def test_no_arrangement_lets_a_handler_or_an_active_element_through(html: str) -> None:
    watcher = Watcher()
    watcher.feed(sanitised(html))
    assert not watcher.seen & {
        "script",
        "svg",
        "math",
        "style",
        "template",
        "iframe",
        "onload",
        "href",
        "src",
    }


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("\x1b[31mred\x1b[0m", '<span class="ansi-red">red</span>'),
        (
            "\x1b[1;32mok\x1b[22m ok",
            '<span class="ansi-bold ansi-green">ok</span><span class="ansi-green"> ok</span>',
        ),
        ("\x1b[38;5;31mx\x1b[39m", "x"),
        ("\x1b[2K\x1b[1Ax\x1b]0;title\x07", "x"),
    ],
)
def test_terminal_codes_become_classes_or_nothing(text: str, html: str) -> None:
    assert ansi_html(text) == html
