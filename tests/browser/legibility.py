"""What cannot be read on a page: texts that are cut without a sign, and texts that are
too pale.

Both look at what is painted: boxes of the texts themselves, colours with every
transparency on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

__all__ = ["LEAST_CONTRAST", "cut_texts", "hovered", "pale_texts"]

LEAST_CONTRAST = 4.5

# Of each text that is seen: its node, and its box.
_TEXTS = """
  const textsIn = parts => {
    const found = [];
    for (const part of parts.flatMap(each => [...document.querySelectorAll(each)])) {
      const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement;
        if (!node.data.trim() || parent.closest('.jp-pipe-hidden, option, style, title')
            || !parent.checkVisibility({visibilityProperty: true, opacityProperty: true})) {
          continue;
        }
        const range = document.createRange();
        range.selectNodeContents(node);
        const box = range.getBoundingClientRect();
        if (box.width > 0 && box.height > 0) {
          found.push({node, parent, box, part});
        }
      }
    }
    return found;
  };
  const said = ({node, parent}) =>
    `${parent.getAttribute('class') ?? parent.tagName} "${node.data.trim().slice(0, 40)}"`;
"""

# A text may end early if an ellipsis says so and a tooltip or a label has the rest.
# What scrolls is not cut, but a panel that scrolls sideways is too wide; only the
# picture of a graph may be moved about.
_CUT = f"""parts => {{
  {_TEXTS}
  const isSaid = ({{node, parent}}) => {{
    for (let up = parent; up; up = up.parentElement) {{
      if ([up.title, up.getAttribute('aria-label')].some(has => has?.includes(node.data.trim()))) {{
        return true;
      }}
    }}
    return false;
  }};
  const faults = [];
  for (const text of textsIn(parts)) {{
    const {{parent, box, part}} = text;
    if (parent.closest('svg')) {{
      const node = parent.closest('.jp-pipe-Node')?.querySelector('rect').getBoundingClientRect();
      if (node && (box.right > node.right + 1 || box.left < node.left - 1)) {{
        faults.push(`${{said(text)}} leaves its node`);
      }}
      continue;
    }}
    let right = box.right;
    for (let up = parent; up && up !== part.parentElement; up = up.parentElement) {{
      const style = getComputedStyle(up), frame = up.getBoundingClientRect();
      const inner = frame.left + up.clientLeft + up.clientWidth;
      const clips = style.overflowX !== 'visible' && up.clientWidth > 0;
      if (clips && ['auto', 'scroll'].includes(style.overflowX) && up.matches('.jp-pipe-Section')
          && up.scrollWidth > up.clientWidth + 1) {{
        faults.push(`${{up.id}} is wider than the panel`);
      }}
      if (clips && style.overflowX === 'hidden' && right > inner + 1) {{
        const isMarked = style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none';
        if (!isMarked || !isSaid(text)) {{
          faults.push(`${{said(text)}} is cut without ${{isMarked ? 'a tooltip' : 'an ellipsis'}}`);
        }}
        right = inner;
      }} else if (clips) {{
        right = Math.min(right, inner);
      }}
    }}
    const edge = part.getBoundingClientRect();
    if (right > edge.right + 1 || box.left < edge.left - 1) {{
      faults.push(`${{said(text)}} leaves ${{part.id || part.className}}`);
    }}
  }}
  return [...new Set(faults)];
}}"""

_PALE = f"""([parts, least]) => {{
  {_TEXTS}
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {{willReadFrequently: true}});
  const known = new Map();
  const rgba = text => {{
    if (!known.has(text)) {{
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }}
    return known.get(text);
  }};
  const over = ([r, g, b, a], below) =>
    [r, g, b].map((value, index) => value * a + below[index] * (1 - a));
  const light = colour => {{
    const [r, g, b] = colour.map(value => value / 255)
      .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }};
  // From the page up to the text: backgrounds one over the other, groups that are transparent as a whole.
  const painted = parent => {{
    const ups = [];
    for (let up = parent; up; up = up.parentElement) {{
      ups.unshift(up);
    }}
    let below = [255, 255, 255], shown = 1;
    for (const up of ups) {{
      const style = getComputedStyle(up);
      shown *= Number(style.opacity);
      let [r, g, b, a] = rgba(style.backgroundColor);
      below = over([r, g, b, a * shown], below);
      if (up.matches('.jp-pipe-Node')) {{
        [r, g, b, a] = rgba(getComputedStyle(up.querySelector('rect')).fill);
        below = over([r, g, b, a * shown], below);
      }}
    }}
    const style = getComputedStyle(parent);
    const [r, g, b, a] = rgba(parent.closest('svg') ? style.fill : style.color);
    return [over([r, g, b, a * shown], below), below];
  }};
  const faults = [];
  for (const text of textsIn(parts)) {{
    const [one, other] = painted(text.parent).map(light).sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < least) {{
      faults.push(`${{said(text)}}: ${{contrast.toFixed(2)}}`);
    }}
  }}
  return [...new Set(faults)];
}}"""


def cut_texts(page: Page, *parts: str) -> list[str]:
    """A line for each text within the parts, which are selectors, of which some is not
    to be seen."""
    found: list[str] = page.evaluate(_CUT, list(parts))
    return found


def pale_texts(page: Page, *parts: str) -> list[str]:
    """A line for each text within the parts that stands out less than 4.5 to 1; also of
    disabled controls."""
    found: list[str] = page.evaluate(_PALE, [list(parts), LEAST_CONTRAST])
    return found


@contextmanager
def hovered(page: Page, selectors: Collection[str]) -> Iterator[None]:
    """All elements that match are drawn as under the pointer, at once."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    for selector in selectors:
        found = session.send(
            "DOM.querySelectorAll", {"nodeId": root, "selector": selector}
        )
        for node in found["nodeIds"]:
            session.send(
                "CSS.forcePseudoState",
                {"nodeId": node, "forcedPseudoClasses": ["hover"]},
            )
    try:
        yield
    finally:
        session.detach()
