from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_pipe.artifacts.masking import Masker, StreamMasker

PLAIN = "hunter2-token"
ODD = "a'b\"c\\d\ne<f>&é/ü"
KEY = "-----BEGIN KEY-----\nMIIEabcdefgh\nijklmnopqrst\n-----END KEY-----\n"
VALUES = {
    "plain": PLAIN,
    "odd": ODD,
    "key": KEY,
    "digits": "12345678",
    "padded": "  hunter2 \n",
}

ENCODINGS: dict[str, Callable[[str], str]] = {
    "itself": lambda value: f"<{value}>",
    "repr": repr,
    "repr in a text": lambda value: repr(f'it\'s "{value}"'),
    "repr of a repr": lambda value: repr([repr(value)]),
    "repr of bytes": lambda value: repr(value.encode()),
    "JSON": lambda value: json.dumps({"a": value}),
    "JSON with letters": lambda value: json.dumps({"a": value}, ensure_ascii=False),
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)),
    "HTML": html.escape,
    "HTML without quotes": lambda value: html.escape(value, quote=False),
    "HTML as Jinja": lambda value: (
        html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    ),
    "URL": lambda value: urllib.parse.quote(value, safe=""),
    "URL with pluses": urllib.parse.quote_plus,
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex(":").upper(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 behind one": lambda value: base64.b64encode(f":{value}x".encode()).decode(),
    "base64 behind two": lambda value: base64.b64encode(f"u:{value}".encode()).decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(
        f"u:{value}xy".encode()
    ).decode(),
    "UTF-16": lambda value: repr(value.encode("utf-16")),
    "colours": lambda value: f"{value[:3]}\x1b[31m{value[3:5]}\x1b[0m{value[5:]}",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_value_is_hidden_in_every_encoding(
    encode: Callable[[str], str], value: str
) -> None:
    shown = Masker({"T": value}).text(encode(value))
    assert "***" in shown
    for other in ENCODINGS.values():
        assert other(value) not in shown
    assert value.strip() not in shown


def test_what_is_no_secret_stays_as_it_is() -> None:
    masker = Masker({"T": KEY, "OTHER": PLAIN, "EMPTY": "", "BLANK": " \n"})
    text = "-----BEGIN KEY----- hunter2 token MIIE \x1b[31mred\x1b[0m"
    assert masker.text(text) == text
    assert masker.text("") == ""
    assert not Masker({"EMPTY": ""})
    assert masker.names_in(f"x{PLAIN}") == ["OTHER"]


def test_very_short_values_are_named_and_left_alone() -> None:
    masker = Masker({"PIN": "123", "FLAG": " on ", "LONG": "1234"})
    assert masker.too_short == ("PIN", "FLAG")
    assert masker.text("123 on 1234") == "123 on ***"


def test_values_within_values_and_side_by_side_are_hidden_as_a_whole() -> None:
    masker = Masker({"A": "password", "B": "password-and-more", "C": "wordplay"})
    assert masker.text("password-and-more") == "***"
    assert masker.text("passwordplay") == "***"
    assert masker.text("passwordpassword") == "******"


def test_json_values_keep_their_form() -> None:
    masker = Masker({"T": "12345678", "U": PLAIN})
    given = {
        "n": 12345678,
        "f": 1.5,
        "b": True,
        "none": None,
        PLAIN: [f"x {PLAIN}", (1, "y")],
    }
    assert masker.value(given) == {
        "n": "***",
        "f": 1.5,
        "b": True,
        "none": None,
        "***": ["x ***", (1, "y")],
    }


@given(st.lists(st.text("abc-", max_size=9), max_size=6), st.data())
def test_pieces_are_masked_as_one_text(texts: list[str], data: st.DataObject) -> None:
    whole = "".join(texts) + "abc-cab-abc" + "".join(reversed(texts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    pieces = [
        whole[low:high]
        for low, high in zip([0, *cuts], [*cuts, len(whole)], strict=True)
    ]
    masked = Masker({"T": "abc-cab-abc"}).pieces(pieces)
    assert len(masked) == len(pieces)
    assert "abc-cab-abc" not in "".join(masked)


@given(
    st.lists(st.sampled_from([*"abc-", "abc-", "abc-cab-abc"]), max_size=30), st.data()
)
def test_a_stream_is_masked_however_it_is_cut(
    parts: list[str], data: st.DataObject
) -> None:
    whole = "".join(parts).encode()
    stream, written = StreamMasker(Masker({"T": "abc-cab-abc"})), b""
    place = 0
    while place < len(whole):
        length = data.draw(st.integers(1, 7))
        written += stream.feed(whole[place : place + length])
        place += length
    written += stream.end()
    assert b"abc-cab-abc" not in written
    if b"abc-cab-abc" not in whole:
        assert written == whole


def test_a_stream_holds_back_no_more_than_it_must() -> None:
    stream = StreamMasker(Masker({"T": PLAIN}))
    assert stream.feed(b"line\nhunt") == b"line\n"
    assert stream.feed(b"ing\n") == b"hunting\n"
    assert stream.feed(PLAIN.encode()) == b"***"
    assert stream.feed("hü".encode() + PLAIN.encode("utf-16-le")[:6]) == "hü".encode()
    assert stream.feed(PLAIN.encode("utf-16-le")[6:]) == b"***"
