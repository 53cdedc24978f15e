"""Names for stages: from the heading above, the comment on top, what the cells do, what
they make. Pure."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from jupyter_pipe.model import SETUP_STAGE

__all__ = ["Shape", "make_names", "slug"]

_MOST_WORDS = 3
_LONGEST = 30
# Names that a stage of ours cannot have, or that would say nothing.
_INSTEAD = {SETUP_STAGE: "prepare", "shared": "shared_part"}
# `1.2 Load`, `Step 3: Train`, `IV. Results`
_NUMBERING = re.compile(
    r"^\W*((step|part|section|task|chapter|stage|phase)\s+)?(\d+(\.\d+)*|[ivx]+(?=[.):]))[.):\s-]+",
    re.IGNORECASE,
)
# `Cleaning - missing values`, `Model: ridge`, `Plots (optional)`
_ASIDE = re.compile(r"\s[-\u2013\u2014|]\s|[:;,(\[?!]|\.\s")
_FILLER_WORDS = """
a an the of for and or to with our my we let lets s us is are be in on at by it its this that these those
what which how why when where there all some using into from as about via per vs between within more
your you do does did can will not
"""
_PARTICLE_WORDS = "up out over off down"
_GENERIC_WORDS = """
introduction intro overview background basics basic simple example examples exercise exercises demo notes note
making make creating create getting get setting set doing working work performing perform building build
adding add applying apply first next new existing various different several other advanced quick brief final
part section step chapter
"""
_VAGUE_WORDS = """
df data dataset result results res out output tmp temp fig axes model clf reg estimator train test xtrain
xtest ytrain ytest pred preds predictions predicted ypred values value left right item row rows col cols
columns text file files path errors scores
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_GENERIC = frozenset(_GENERIC_WORDS.split())
_VAGUE = frozenset(_VAGUE_WORDS.split())
_SHORTEST = 3


class Shape(Struct, frozen=True):
    """What a name can be made of. `heading` stands above its cells; `divided` says that
    other stages share it. `binds` are the names that the cells assign, `given` those
    that others read; `maker` is a function that they call."""

    heading: str = ""
    title: str = ""
    verb: str = ""
    binds: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    maker: str = ""
    divided: bool = False


def make_names(shapes: Sequence[Shape], taken: Iterable[str] = ()) -> list[str]:
    """One name each, all different, even where case does not count."""
    used = {name.casefold() for name in taken}
    names: list[str] = []
    headings = {shape.heading for shape in shapes}
    common = Counter(word for heading in headings for word in set(_main_words(heading)))
    for shape in shapes:
        name = _free_name(list(_candidates(shape, common)), used)
        used.add(name.casefold())
        names.append(name)
    return names


def slug(text: str, common: Mapping[str, int] | None = None) -> str:
    """A heading as the name of a stage; empty if nothing of it can be one.

    A long one keeps the words that tell most: those that few headings have (`common`
    counts them), and of equals those that stand first. *Creating new features from
    titles* is `features_titles`.
    """
    words = _main_words(text)
    counts = common or {}
    # Sorting is stable: of two words that are equally rare, the earlier one comes
    # first.
    rarest = sorted(range(len(words)), key=lambda number: counts.get(words[number], 0))
    kept: list[int] = []
    for number in rarest:
        name = "_".join(words[one] for one in sorted([*kept, number]))
        if len(kept) < _MOST_WORDS and (not kept or len(name) <= _LONGEST):
            kept.append(number)
    return _as_stage(
        "_".join(words[number] for number in sorted(kept))[:_LONGEST].strip("_")
    )


def _main_words(text: str) -> list[str]:
    """The telling words of a heading, or of the part of it before an aside."""
    plain = (
        unicodedata.normalize("NFKC", text)
        .casefold()
        .replace("'", "")
        .replace("\u2019", "")
    )
    plain = _NUMBERING.sub("", plain)
    return next((words for part in _ASIDE.split(plain) if (words := _words(part))), [])


def _words(text: str) -> list[str]:
    """Words that tell something: fillers and generic words go unless nothing else is
    left."""
    words = re.findall(r"\w+", text.replace("_", " "))
    telling = [word for word in words if word not in _FILLERS] or words
    telling = [word for word in telling if word not in _GENERIC] or telling
    without = [word for word in telling if word not in _PARTICLES]
    telling = without if len(without) > 1 else telling  # *sum up* says more than *sum*
    while telling and not telling[0].isidentifier():
        telling = telling[1:]
    return telling


def _as_stage(name: str) -> str:
    if not name.isidentifier():
        return ""
    # A stage is a module and a function.
    return f"{name}_part" if keyword.iskeyword(name) else _INSTEAD.get(name, name)


def _candidates(shape: Shape, common: Mapping[str, int]) -> Iterator[str]:
    made = _main_value(shape.binds, shape.given)
    if not shape.divided:
        yield slug(shape.heading, common)
    yield slug(shape.title)
    if shape.verb in {"train", "explore"}:
        yield made
    yield shape.verb
    yield made
    if shape.divided:
        yield slug(shape.heading, common)
    if _tells(shape.maker):
        yield _as_stage(shape.maker.strip("_").casefold())
    yield "part"


def _main_value(binds: Sequence[str], given: frozenset[str]) -> str:
    """The word that most names begin with (`ridge`, `ridge_mae`), else the first that
    others read."""
    telling = [name for name in binds if _tells(name.replace("_", ""))]
    if not telling:
        return ""
    words = [name.partition("_")[0] for name in telling]
    word, times = Counter(words).most_common(1)[0]
    main = (
        word
        if times > 1 and _tells(word)
        else next((name for name in telling if name in given), telling[0])
    )
    return _as_stage(main.strip("_").casefold())


def _tells(word: str) -> bool:
    return sum(map(str.isalpha, word)) >= _SHORTEST and word.casefold() not in _VAGUE


def _free_name(candidates: Sequence[str], used: set[str]) -> str:
    """The first candidate that is neither used nor just 'part', else the first one with
    a number."""
    known = [name for name in candidates if name]
    free = next((name for name in known if name.casefold() not in used), "")
    if free and free != "part":
        return free
    number = 2
    while f"{known[0]}_{number}".casefold() in used:
        number += 1
    return f"{known[0]}_{number}" if known[0].casefold() in used else known[0]
