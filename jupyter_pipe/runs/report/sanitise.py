"""Makes HTML fit for the report: an allow-list of tags, attributes and styles, applied
by nh3.

What may run, load, submit or cover the page is dropped. nh3 parses as browsers do and
writes what is left anew, well-formed, in linear time; the report's content security
policy is the second wall.
"""

from __future__ import annotations

import os
import re

__all__ = ["sanitised"]


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_TAGS = _words(
    "a abbr b blockquote br caption center code col colgroup dd del details div dl dt em figcaption",
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary",
    "sup table tbody td tfoot th thead tr tt u ul var",
)
# Dropped with all that they contain; the text inside any other tag stays.
_SILENT = _words(
    "applet audio button canvas dialog embed form frame frameset iframe input link map math meta",
    "noembed noframes noscript object option plaintext script select style svg template textarea title",
    "video xmp",
)
_ATTRIBUTES = _words(
    "align alt border colspan height open rowspan span style title valign width"
)
_STYLES = _words(
    "background background-color border border-bottom border-collapse border-left border-right border-top",
    "color font-family font-size font-style font-weight height letter-spacing line-height list-style",
    "margin margin-bottom margin-left margin-right margin-top max-width min-width padding padding-bottom",
    "padding-left padding-right padding-top text-align text-decoration text-indent vertical-align",
    "white-space width",
)
_SCHEMES = frozenset({"http", "https", "mailto", "data"})
_LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
_IMAGE = re.compile(
    r"data:image/(png|jpeg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*\Z", re.IGNORECASE
)
_UNSAFE_VALUE = re.compile(r"[\\<>;@{}]|/\*|javascript", re.IGNORECASE)
_FUNCTION = re.compile(r"([\w-]*)\s*\(")
# All that CSS could load comes by a function (url, image-set, src, …), so the harmless
# ones are listed.
_FUNCTIONS = _words("calc hsl hsla linear-gradient max min radial-gradient rgb rgba")
# A block that is pulled over its neighbours could show a false figure in place of a
# true one.
_PULLED = re.compile(r"(^|[\s(])-")
_LONGEST_STYLE = 4096
_NESTING = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements that are empty, and those that the next of their kind ends.
_NOT_NESTED = _words(
    "br col hr img input link meta area base embed source track wbr",
    "p li dt dd tr td th tbody thead tfoot option colgroup caption",
)
_DEEPEST = 500
_PIECE = 4096
_LONG_RUN = re.compile(rf"[^<>]{{{2 * _PIECE},}}")


def sanitised(html: str) -> str:
    """The harmless part of HTML that a cell showed; empty if nothing of it can be
    seen."""
    if _is_too_deep(html):
        return ""
    rules = _rules(html)
    # Text cannot guess the token, so only true attributes are found again and become
    # styles.
    token = f"jp{os.urandom(8).hex()}-"

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "id":
            return value if value[len(token) :] in rules else None
        return _kept_value(tag, name, value)

    import nh3

    clean = nh3.clean(
        _LONG_RUN.sub(_in_pieces, html),
        tags=set(_TAGS),
        clean_content_tags=set(_SILENT),
        attributes={"*": {*_ATTRIBUTES, "id"}, "a": {"href"}, "img": {"src"}},
        attribute_filter=keep,
        url_schemes=set(_SCHEMES),
        link_rel="noreferrer noopener",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        id_prefix=token,
    )
    clean = re.sub(
        rf'id="{token}([^"]*)"', lambda match: _style_attribute(rules, match[1]), clean
    )
    return clean if _is_visible(clean) else ""


def _kept_value(tag: str, name: str, value: str) -> str | None:
    """The attribute's value as far as it is harmless; None drops the attribute."""
    if name == "style":
        return _safe_style(value) or None
    if name == "href":
        return value if _LINK.match(value) else None
    if name == "src":
        return value if tag == "img" and _IMAGE.match(value) else None
    return value


def _is_visible(clean: str) -> bool:
    # nh3 escapes angle brackets in attributes and text, so these are the tags.
    return (
        "<img" in clean or "<hr" in clean or bool(re.sub(r"<[^>]*>", "", clean).strip())
    )


def _is_too_deep(html: str) -> bool:
    """Parsers look through all open elements again and again; browsers stop at 512 of
    them."""
    depth = 0
    for slash, name in _NESTING.findall(html):
        if name.lower() not in _NOT_NESTED:
            depth = depth + 1 if not slash else max(depth - 1, 0)
            if depth > _DEEPEST:
                return True
    return False


def _in_pieces(run: re.Match[str]) -> str:
    """Text with comments before some of its character references. The parser copies the
    text so far at each reference (1 MB of `&` would take minutes); comments end a text,
    and are dropped."""
    text, parts, place = run[0], [], 0
    while (cut := text.find("&", place + _PIECE)) >= 0:
        parts.append(text[place:cut])
        place = cut
    return "<!---->".join([*parts, text[place:]])


def _rules(html: str) -> dict[str, str]:
    """The styles that a `<style>` of the same output gives to single ids, as pandas'
    Styler does."""
    found: dict[str, list[str]] = {}
    for sheet in _sheets(html):
        for rule in sheet.split("}"):
            selectors, _, declarations = rule.partition("{")
            for selector in selectors.split(","):
                if re.fullmatch(r"\s*#[\w-]+\s*", selector):
                    found.setdefault(selector.strip()[1:], []).append(declarations)
    return {key: ";".join(parts)[:_LONGEST_STYLE] for key, parts in found.items()}


def _sheets(html: str) -> list[str]:
    """What stands inside `<style>` elements, found in one pass."""
    lower, sheets, place = html.lower(), [], 0
    while (opened := lower.find("<style", place)) >= 0:
        begin = lower.find(">", opened)
        end = lower.find("</style", begin)
        if begin < 0 or end < 0:
            break
        sheets.append(html[begin + 1 : end])
        place = end
    return sheets


def _style_attribute(rules: dict[str, str], key: str) -> str:
    # An id stands once in a page; many elements with one long style would be a flood.
    style = _safe_style(rules.pop(key, ""))
    return f'style="{style}"' if style else ""


def _safe_style(style: str) -> str:
    kept = []
    for declaration in style[:_LONGEST_STYLE].split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip().replace('"', "'")
        if name in _STYLES and value and _is_safe(name, value):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def _is_safe(name: str, value: str) -> bool:
    if _UNSAFE_VALUE.search(value):
        return False
    if not all(function.lower() in _FUNCTIONS for function in _FUNCTION.findall(value)):
        return False
    return not (
        name.startswith(("margin", "text-indent", "letter-spacing"))
        and _PULLED.search(value)
    )
