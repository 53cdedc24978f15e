"""Makes HTML that a cell showed fit for the report: an allow-list of tags, attributes and styles.

What may run, load, submit or cover the page is dropped, with all that it contains. The output is
written anew, well-formed, from what the parser saw; the report's content security policy is the
second wall.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

__all__ = ["sanitised"]


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_TAGS = _words(
    "a abbr b blockquote br caption center code col colgroup dd del details div dl dt em figcaption",
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary",
    "sup table tbody td tfoot th thead tr tt u ul var",
)
_VOID = _words("br col hr img")
_SILENT = _words(
    "applet audio button canvas dialog embed form frame frameset iframe input link map math meta",
    "noembed noframes noscript object option plaintext script select style svg template textarea title",
    "video xmp",
)
_EMPTY_ELEMENTS = _words("embed frame input link meta")
_ATTRIBUTES = _words("align alt border colspan height open rowspan span title valign width")
_STYLES = _words(
    "background background-color border border-bottom border-collapse border-left border-right border-top",
    "color font-family font-size font-style font-weight height letter-spacing line-height list-style",
    "margin margin-bottom margin-left margin-right margin-top max-width min-width padding padding-bottom",
    "padding-left padding-right padding-top text-align text-decoration text-indent vertical-align",
    "white-space width",
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*\Z", re.IGNORECASE)
_UNSAFE_VALUE = re.compile(r"[\\<>;]|url\s*\(|expression|/\*|@|javascript", re.IGNORECASE)


def sanitised(html: str) -> str:
    """The harmless part of `html`; empty if nothing of it can be seen."""
    reader = _Reader(_rules(html))
    reader.feed(html)
    reader.close()
    return reader.text()


def _rules(html: str) -> dict[str, str]:
    """The styles that a `<style>` of the same output gives to single ids, as pandas' Styler does."""
    styles: dict[str, str] = {}
    for sheet in re.findall(r"<style\b[^>]*>(.*?)</style\s*>", html, re.IGNORECASE | re.DOTALL):
        for selectors, declarations in _RULE.findall(sheet):
            for selector in selectors.split(","):
                if re.fullmatch(r"\s*#[\w-]+\s*", selector):
                    key = selector.strip()[1:]
                    styles[key] = f"{styles.get(key, '')};{declarations}"
    return styles


class _Reader(HTMLParser):
    def __init__(self, styles: dict[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._styles = styles
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []
        self._visible = False

    def text(self) -> str:
        """What was written, every element closed."""
        closing = "".join(f"</{name}>" for name in reversed(self._open))
        return "".join(self._parts) + closing if self._visible else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write an allowed tag; from a forbidden one on, keep silent until it ends."""
        if tag in _SILENT:
            if tag not in _EMPTY_ELEMENTS:
                self._silent.append(tag)
        elif tag in _TAGS and not self._silent:
            self._parts.append(f"<{tag}{self._attributes(tag, attrs)}>")
            self._visible |= tag in {"img", "hr"}
            if tag not in _VOID:
                self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>`; for any other tag HTML ignores the slash."""
        if tag not in _SILENT or tag in _EMPTY_ELEMENTS:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the element and whatever was left open inside it."""
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]
        elif not self._silent and tag in self._open:
            while True:
                name = self._open.pop()
                self._parts.append(f"</{name}>")
                if name == tag:
                    break

    def handle_data(self, data: str) -> None:
        """Text is text."""
        if not self._silent:
            self._parts.append(escape(data))
            self._visible |= bool(data.strip())

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        kept = {name: value or "" for name, value in attrs if name in _ATTRIBUTES}
        given = dict(attrs)
        style = _safe_style(f"{self._styles.get(given.get('id') or '', '')};{given.get('style') or ''}")
        if style:
            kept["style"] = style
        if tag == "a" and _LINK.match(given.get("href") or ""):
            kept.update(href=given["href"] or "", rel="noreferrer noopener", target="_blank")
        if tag == "img" and _IMAGE.match(given.get("src") or ""):
            kept["src"] = given["src"] or ""
        return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _safe_style(style: str) -> str:
    kept = []
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        if name.strip().lower() in _STYLES and value.strip() and not _UNSAFE_VALUE.search(value):
            kept.append(f"{name.strip().lower()}:{value.strip()}")
    return ";".join(kept)
