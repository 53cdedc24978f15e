"""Switches rules off, one at a time, and sees that random notebooks notice.

`python -m tests.property.mutants [NAME…]` prints how many notebooks each took. A rule
that can be switched off without notice is either not needed or not tested.
"""

from __future__ import annotations

import importlib
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jupyter_pipe.analysis.source.magics import transform
from tests.cases.pipelines import Forks
from tests.property.grammar import idioms, write_notebook
from tests.property.judge import judge

__all__ = ["MUTANTS", "Mutant", "find_rule", "notebooks_until_noticed"]

ENOUGH = 150
NOTHING: frozenset[Any] = frozenset()
ANALYSIS = "jupyter_pipe.analysis."


def nothing(*_: Any, **__: Any) -> None:
    """What a rule does that is switched off."""


def no_values(*_: Any, **__: Any) -> frozenset[Any]:
    """What an expression gives that is not understood."""
    return NOTHING


@dataclass(frozen=True)
class Mutant:
    """`target` is `module:function` below `jupyter_pipe.analysis` (replaced wherever it
    was imported), or a statement of Python that is run in every stage's kernel. `focus`
    finds the idioms in which the rule matters; `extra` are idioms of its own; of 56
    cells `gaps` go back to an earlier stage."""

    name: str
    target: str
    instead: Callable[..., Any] = nothing
    focus: str = "."
    extra: tuple[str, ...] = ()
    gaps: int = 1
    bad: tuple[str, ...] = ("different", "learned")


# A change that no analysis can see: only the guard does.
HIDDEN = (
    "getattr(<list>, chr(97) + 'ppend')(<int>)",
    "<+box> = Box(<list>)",
    "print(<list>)",
)
# One name, now this function and now that.
REBOUND = (
    *(f"def <+reader>():\n    return {number}" for number in range(3)),
    "print(<reader>())",
)

MUTANTS = (
    Mutant("mutation", "world.world:World.mutate", focus="list"),
    Mutant(
        "affected containers",
        "world.heap:Heap.affected",
        lambda _, changed: set(changed),
        "list|nested",
    ),
    Mutant("shared memory", "world.heap:Heap.share", focus="arr|grid"),
    Mutant("what containers hold", "world.heap:Heap.store", focus="nested|dictl|box"),
    Mutant("shallow copies", "world.heap:Heap.copy_parts", focus="nested|dictl"),
    Mutant(
        "elements of loops",
        "interpreter.iteration:elements_of",
        no_values,
        "nested|dictl|^for",
    ),
    Mutant(
        "bodies of functions",
        "interpreter.functions:call_function",
        no_values,
        r"reader|fn|thunk|^<\+int>",
    ),
    Mutant(
        "functions given to libraries",
        "calls.libraries:escape",
        no_values,
        "map|filter|sorted|partial|fn",
    ),
    Mutant(
        "functions that objects of libraries keep",
        "calls.libraries:_keep_functions",
        focus=r"bound|^print\(<list>|^<\+int>",
    ),
    Mutant(
        "names in query strings",
        "source.embedded_names:read_embedded_names",
        focus=r"query|^<\+frame>|^<\+int>",
    ),
    Mutant(
        "names in eval",
        "source.embedded_names:evaluate_text",
        no_values,
        "eval|int|list",
    ),
    Mutant(
        "names in globals()",
        "interpreter.access:read_namespace",
        no_values,
        "globals|locals|int",
    ),
    Mutant(
        "magics and shell commands",
        "source.shell_calls:run_magic",
        no_values,
        "!echo|lines|int",
    ),
    Mutant(
        "magics of the notebook",
        "source.extension_magics:run_own_magic",
        no_values,
        r"shout|^<\+(int|list)> = ",
    ),
    Mutant(
        "names of star imports",
        "world.world:World._from_star_imports",
        no_values,
        r"shout|^<\+(int|list)> = ",
    ),
    Mutant("code in magics", "source.magics:_code_of", focus="time|int|list"),
    Mutant("files", "calls.files:touch_file", focus=r"file|json|csv|\[<int>"),
    Mutant("drawing from generators", "world.world:World.draw", focus="random|numpy"),
    Mutant(
        "ambient state that is set",
        "world.world:World.set_component",
        focus="random|numpy|environ|printoptions",
    ),
    Mutant(
        "ambient state that is read",
        "world.world:World.touch",
        focus="environ|decimal|random",
    ),
    Mutant(
        "methods of libraries",
        "knowledge.tables:Tables.method",
        focus="list|dict|arr|rng|set",
    ),
    Mutant(
        "functions of libraries",
        "knowledge.tables:Tables.function",
        focus="arr|np\\.|iter|next|rng",
    ),
    Mutant("inplace and out", "calls.libraries:keyword_effects", focus="frame|inplace"),
    Mutant(
        "identity tests",
        "interpreter.expressions:_identify",
        focus=r" is <|^<\+(list|nested|pair|dictl|box)>",
    ),
    Mutant(
        "passing an old value on",
        "dataflow.flows:Summary.pass_on",
        focus="int|if |try|while",
    ),
    Mutant(
        "arguments of functions",
        "interpreter.functions:_bind_parameters",
        focus="pusher|list|adder|int",
    ),
    Mutant(
        "attributes of instances",
        "interpreter.access:store_attribute",
        focus="box|space|inst|row",
    ),
    Mutant(
        "methods of notebook classes",
        "world.heap:find_in_class",
        no_values,
        "box|inst|cls",
    ),
    Mutant(
        "names made between the cells of a stage",
        "dataflow.order:_untimely",
        lambda *_: (),
        focus="^$",
        extra=REBOUND,
        gaps=20,
    ),
    Mutant(
        "settings are made again",
        "dataflow.replays:Definitions.settings_before",
        lambda *_: [],
        focus="dialect|limit|kind|shown|log|mime",
    ),
    Mutant(
        "calls are settings by their names",
        "calls.settings:is_setting",
        lambda _: False,
        focus="mime",
        extra=(
            "import codecs\ncodecs.register_error('star', lambda e: ('*', e.end))<!star>",
            "print('aé'.encode('ascii', 'star'))<?star>",
        ),
    ),
    Mutant(
        "one NaN stays one",
        "sys.modules['jupyter_pipe_kernel.values.encoding'].may_hold_nan = lambda _: False",
        focus="nan",
    ),
    Mutant(
        "the guard",
        "sys.modules['jupyter_pipe_kernel.session'].is_changed = lambda *_: False",
        focus="^$",
        extra=HIDDEN,
        bad=("different",),
    ),
    Mutant(
        "groups",
        "sys.modules['jupyter_pipe_kernel.session'].find_groups = lambda found: [[one] for one in found]",
        focus=" is |list|nested|pair",
    ),
    Mutant(
        "restoring ambient state",
        "sys.modules['jupyter_pipe_kernel.session'].Ambience.restore = lambda _: None; "
        "sys.modules['jupyter_pipe_kernel.session'].Ambience.enter = lambda _: None",
        focus="random|numpy|environ",
    ),
    Mutant(
        "storing ambient state",
        "sys.modules['jupyter_pipe_kernel.session'].Ambience.changed = lambda _: []",
        focus="random|numpy|environ",
    ),
)


def notebooks_until_noticed(mutant: Mutant, forks: Forks, seed: int = 5) -> int | None:
    """How many notebooks it takes until one shows that the rule is missing."""
    focused = [idiom for idiom in idioms() if re.search(mutant.focus, idiom)] + list(
        mutant.extra
    )
    with _switched_off(mutant, forks):
        for number in range(1, ENOUGH + 1):
            generator = random.Random(seed * 1_000_003 + number)
            sizes = [generator.randint(1, 4) for _ in range(generator.randint(3, 6))]
            if (
                judge(
                    forks,
                    write_notebook(generator.choice, focused, sizes, gaps=mutant.gaps),
                ).kind
                in mutant.bad
            ):
                return number
    return None


def find_rule(target: str) -> tuple[Any, str]:
    """The module or class that has the rule, and the rule's name there. Raises
    AttributeError."""
    module_name, _, path = target.partition(":")
    owner: Any = importlib.import_module(ANALYSIS + module_name)
    *classes, name = path.split(".")
    for part in classes:
        owner = getattr(owner, part)
    return owner, getattr(owner, name).__name__


@contextmanager
def _switched_off(mutant: Mutant, forks: Forks) -> Iterator[None]:
    if mutant.target.startswith("sys."):
        with patch.object(forks, "sabotage", f"import sys; {mutant.target}; del sys"):
            yield
        return
    owner, name = find_rule(mutant.target)
    original = getattr(owner, name)
    with ExitStack() as stack:
        transform.cache_clear()
        stack.callback(transform.cache_clear)
        stack.enter_context(patch.object(owner, name, mutant.instead))
        for module in [
            one for key, one in sys.modules.items() if key.startswith(ANALYSIS)
        ]:
            if getattr(module, name, None) is original:
                stack.enter_context(patch.object(module, name, mutant.instead))
        yield


def main(names: list[str]) -> int:
    unnoticed = 0
    with tempfile.TemporaryDirectory() as scratch:
        forks = Forks(Path(scratch))
        for mutant in MUTANTS:
            if names and mutant.name not in names:
                continue
            count = notebooks_until_noticed(mutant, forks)
            unnoticed += count is None
            print(f"{count or 'not noticed':>12}  {mutant.name}", flush=True)
        forks.close()
    return int(unnoticed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
