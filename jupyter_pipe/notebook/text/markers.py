"""Changes the tags of cells in a notebook that is kept as text: the cell's marker, and
no other byte.

Pure. What was changed is read again before it is given out: where the text would then
say something else than was wanted, that is an error, and nothing was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.notebook.text.limits import TAGS_OPTION, text_error
from jupyter_pipe.notebook.text.reading import TextNotebook, read_text_notebook

__all__ = ["edit_text_tags"]

TagChange = Callable[["list[str] | None"], "list[str] | None"]

_JSON_OPTIONS = re.compile(r"\{.*\}\s*$")
_LINE_MARKER = re.compile(r"\s*(#\s?%%|#\s?\+(\s|$)|`{3,}|~{3,})")
_FENCE = re.compile(r"\s*(`{3}|~{3})")
_DIRECTIVE = re.compile(r"\s*(`{3,}|~{3,})\{code-cell\}")
_YAML_TAGS = re.compile(r"\s*:?tags\s*:")


def edit_text_tags(name: str, data: bytes, changes: Mapping[int, TagChange]) -> bytes:
    """The file with the tags changed of the cells with these indices.

    A change takes the list of tags, or None where there is none, and returns what shall
    stand there. Raises NotebookError where the cell's marker cannot be written so.
    """
    before = read_text_notebook(name, data)
    # Without line ends of other systems in between: `splitlines` would end lines
    # elsewhere, too.
    lines = data.decode("utf-8").splitlines(keepends=True)
    wanted: dict[int, list[str]] = {}
    for index in sorted(changes, reverse=True):
        old = before.content["cells"][index]["metadata"].get("tags")
        # No tag at all is written in two ways: without a list, and as an empty one.
        new = changes[index](None if old is None else list(old)) or []
        if new != (old or []):
            wanted[index] = new
            _edit(name, lines, before, index, new)
    changed = "".join(lines).encode()
    _check(name, changed, before, wanted)
    return changed


def _edit(
    name: str, lines: list[str], found: TextNotebook, index: int, tags: list[str]
) -> None:
    """Write the tags of one cell into the lines; cells below it have been edited
    already."""
    first = found.lines[index]
    if first is None:
        raise _cannot(name, None, index)
    marker = _marker_above(lines, first - 1)
    if marker is None:
        _mark(lines, found, index, first - 1, tags)
    elif _DIRECTIVE.match(lines[marker]):
        _edit_directive(lines, marker, tags)
    else:
        content, end = _split(lines[marker])
        lines[marker] = _with_tags(content, tags) + end


def _marker_above(lines: list[str], first: int) -> int | None:
    """The line that begins the cell: the one above its code, or the fence above the
    options of MyST."""
    if _LINE_MARKER.match(lines[first]) and not _DIRECTIVE.match(lines[first]):
        # of a cell in another language, which counts as its first line: ```bash
        return first
    place = first - 1
    while place >= 0 and not _LINE_MARKER.match(lines[place]):
        if lines[place].strip() and not _is_option(lines, place):
            return None
        place -= 1
    return place if place >= 0 else None


def _is_option(lines: list[str], place: int) -> bool:
    """Whether a line stands between a MyST fence and the cell's code."""
    fences = filter(_FENCE.match, reversed(lines[: place + 1]))
    return bool(_DIRECTIVE.match(next(fences, "")))


def _mark(
    lines: list[str], found: TextNotebook, index: int, first: int, tags: list[str]
) -> None:
    """A cell of the light format that has no marker gets one, and an end."""
    end = _split(lines[first])[1] or "\n"
    source = str(found.content["cells"][index]["source"])
    below = first + source.count("\n")
    if not lines[below].endswith(("\n", "\r")):
        lines[below] += end
    lines.insert(below + 1, f"# -{end}")
    lines.insert(first, _with_tags("# +", tags) + end)


def _with_tags(marker: str, tags: list[str]) -> str:
    """`# %% a title tags=["stage:load"]`, or the JSON that some versions of jupytext
    write."""
    options = _JSON_OPTIONS.search(TAGS_OPTION.sub("", marker))
    if options and "=" not in marker[: options.start()]:
        values: dict[str, Any] = {**json.loads(options[0]), "tags": tags}
        if not tags:
            del values["tags"]
        rest = json.dumps(values, ensure_ascii=False) if values else ""
        return (marker[: options.start()] + rest).rstrip()
    text = f" tags={json.dumps(tags, ensure_ascii=False)}" if tags else ""
    if TAGS_OPTION.search(marker):
        return TAGS_OPTION.sub(lambda _: text, marker, count=1)
    return marker.rstrip() + text


def _edit_directive(lines: list[str], marker: int, tags: list[str]) -> None:
    """The options of a MyST cell: `:tags: […]` below the fence, or `tags: […]` between
    two rules."""
    end = _split(lines[marker])[1]
    is_block = lines[marker + 1].startswith("---")
    start = marker + 1 + is_block
    last = _end_of_options(lines, start, is_block=is_block)
    option = (
        f"{'' if is_block else ':'}tags: {json.dumps(tags, ensure_ascii=False)}{end}"
    )
    old = next(
        (place for place in range(start, last) if _YAML_TAGS.match(lines[place])), None
    )
    if old is None:
        lines[start:start] = [option] if last > start else [option, end]
        return
    # A list of YAML's own kind goes on below: `- stage:load`.
    items = takewhile(lambda line: line.startswith((" ", "- ")), lines[old + 1 : last])
    stop = old + 1 + len([*items])
    lines[old:stop] = [option] if tags else []
    # The empty line below the only option came with it.
    if not tags and last - start == stop - old and not lines[old].strip():
        del lines[old]


def _end_of_options(lines: list[str], start: int, *, is_block: bool) -> int:
    """The first line that is not an option."""
    sign = "---" if is_block else ":"
    options = takewhile(lambda line: line.startswith(sign) != is_block, lines[start:])
    return start + len([*options])


def _split(line: str) -> tuple[str, str]:
    content = line.rstrip("\r\n")
    return content, line[len(content) :]


def _check(
    name: str, data: bytes, before: TextNotebook, wanted: Mapping[int, list[str]]
) -> None:
    """Raise NotebookError unless the text now says what it said before, but for the
    tags."""
    try:
        after = read_text_notebook(name, data).content["cells"]
    except NotebookError:
        after = []
    for index, cell in enumerate(before.content["cells"]):
        tags = wanted.get(index, cell["metadata"].get("tags")) or []
        if index >= len(after) or not _says(after[index], cell["source"], tags):
            raise _cannot(name, before.lines[index], index)
    if len(after) != len(before.content["cells"]):
        raise _cannot(name, None, 0)


def _says(cell: Mapping[str, Any], source: str, tags: list[str]) -> bool:
    found = cell["metadata"].get("tags") or []
    return bool(cell["source"] == source and found == tags)


def _cannot(name: str, line: int | None, index: int) -> NotebookError:
    error = text_error(
        name,
        line,
        f"the tags of the cell at place {index + 1} cannot be written into its marker",
        'Begin the cell with a line such as `# %% tags=["stage:load"]`, and try again.',
    )
    return NotebookError(error.message, code="notebook_unwritable", hint=error.hint)
