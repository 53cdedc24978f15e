"""The documentation as pages of this server: what JupyterLab links to is there without
a network.

The Markdown is in the wheel beside the package, and in `docs/` of a checkout. The pages
are our own text, so nothing is sanitised; their policy allows no script and nothing
from elsewhere all the same. Pictures are not shipped: their place is taken by their
description.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

import mistune

import jupyter_pipe
from jupyter_pipe.errors import PipeError
from jupyter_pipe.server.base import PipeHandler, allowed

__all__ = ["PAGE", "ROUTES", "page_html", "page_names"]

PAGE = "[a-z-]+"
# Generated from the source by mkdocs: without it, they say nothing.
_NOT_READABLE = frozenset({"api"})
# The pages have styles of their own, and no scripts.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 48rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; font: 16px/1.55 system-ui, sans-serif; }
a { color: light-dark(#0b57d0, #8ab4f8); }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
pre { padding: 0.75rem 1rem; overflow-x: auto; background: light-dark(#f3f4f6, #22262b); }
pre code { overflow-wrap: normal; }
td:first-child code { white-space: nowrap; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { padding: 0.3rem 0.6rem; border: 1px solid light-dark(#c4c7cc, #4a4f57); }
th, td { text-align: left; vertical-align: top; }
h2, h3 { margin-top: 2em; }
:target { background: light-dark(#fff3bf, #4d4300); }
.picture { padding-left: 1rem; border-left: 3px solid light-dark(#c4c7cc, #4a4f57); }
"""


class DocumentationHandler(PipeHandler):
    """`GET docs/PAGE`: HTML."""

    @allowed("read")
    async def get(self, name: str) -> None:
        """Read a page."""
        page = await self.work(page_html, name)
        self.set_header("Content-Security-Policy", _POLICY)
        self.finish(page, set_content_type="text/html; charset=UTF-8")


ROUTES = [(f"docs/({PAGE})", DocumentationHandler)]


def page_names() -> frozenset[str]:
    """The pages that there are, such as `tags`."""
    return frozenset(path.stem for path in _folder().glob("*.md")) - _NOT_READABLE


def page_html(name: str) -> str:
    """A page as a whole document. Raises PipeError if there is none of this name."""
    if name not in page_names():
        raise PipeError(
            f"There is no page '{name}' in the documentation.", code="route_unknown"
        )
    text = (_folder() / f"{name}.md").read_text(encoding="utf-8")
    body = mistune.create_markdown(
        renderer=_Renderer(), plugins=["table", "strikethrough"]
    )(text)
    title = html.escape(text.partition("\n")[0].lstrip("# "))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · jupyter_pipe</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f'<body><nav><a href="index">All pages</a></nav><main>{body}</main></body></html>'
    )


def _folder() -> Path:
    package = Path(jupyter_pipe.__file__).parent
    shipped = package / "docs"
    # The second is the case in a checkout.
    return shipped if shipped.is_dir() else package.parent / "docs"


class _Renderer(mistune.HTMLRenderer):
    """Links between pages and to headings, as the sites that show Markdown make
    them."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self._ids: Counter[str] = Counter()

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """A heading that can be linked to; that of a diagnostic also by its code."""
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        # As GitHub makes them, so that links work in both places.
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        self._ids[slug] += 1
        # The second "Trust" of a page is `trust-1`.
        number = f"-{self._ids[slug] - 1}" if self._ids[slug] > 1 else ""
        code = re.match(r"PIPE\d+", plain)
        anchor = f'<a id="{code[0]}"></a>' if code else ""
        return f'<h{level} id="{slug}{number}">{anchor}{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Only where it leads is left of a link to what is not shipped."""
        page, _, section = url.partition("#")
        if url.startswith(("http://", "https://", "#")):
            return super().link(text, url, title)
        if page.endswith(".md") and page.removesuffix(".md") in page_names():
            return super().link(
                text,
                page.removesuffix(".md") + (f"#{section}" if section else ""),
                title,
            )
        return text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """What is to be seen, in words."""
        return f'<em class="picture">{text}</em>'
