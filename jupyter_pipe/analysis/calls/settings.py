"""Settings: calls that are made for what they leave behind in a library or in the
shell.

`sns.set_theme()`, `hv.extension("bokeh")`, `codecs.register(find)`: nobody uses the
result, so the call is there for its effect, and the effect lies where no variable names
it. What the tables say of a function comes first; of all others the name decides. A
library that was set counts as changed: later stages make the setting again where that
gives the same, and are refused otherwise.
"""

from __future__ import annotations

import ast
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import Object, Values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.world import World

__all__ = [
    "calls_for_effect",
    "is_setting",
    "kept_for_later",
    "note_registry_change",
    "note_setting",
    "note_setting_decorator",
    "seeds_library",
]

WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
VERBS = """
set reset unset use register unregister deregister enable disable init initialize initialise config
configure setup install uninstall activate deactivate switch toggle patch monkeypatch allow suppress
silence ignore prefer require autolog autoconfig seed
"""
"""First words: `register_adapter`, `setLoggerClass`."""
JOINED = (
    "set",
    "init",
    "register",
    "unregister",
    "enable",
    "disable",
    "config",
    "seed",
)
"""First words that are also written together with the next: `setlocale`, `initjs`."""
NOUNS = """
option options setting settings config configuration default defaults theme extension support converters
offline notebook locale verbosity backend precision seed
"""
"""Words anywhere in the name: `quantity_support`, `output_notebook`."""
ACTIONS = """
show print display get list describe plot draw save write load read dump export download upload fetch check
test log run main is has find make create delete remove send post put open close start stop wait
"""
"""First words of what is done rather than set: `show_config`, `load_settings`."""
EXACT = """
os.umask threading.stack_size signal.signal mimetypes.add_type logging.addLevelName site.addsitedir
"""
SEEDS = frozenset({"seed", "seeds"})
REGISTRY = """
append extend insert add update setdefault remove discard pop clear appendleft
"""
"""Methods that change a list, set or dict of a module: `sys.meta_path.insert(0,
finder)`."""
LITERAL = frozenset(
    "builtins." + name for name in ("list", "tuple", "set", "dict", "frozenset", "str")
)

_VERBS, _NOUNS, _ACTIONS, _EXACT, _REGISTRY = (
    frozenset(text.split()) for text in (VERBS, NOUNS, ACTIONS, EXACT, REGISTRY)
)


def words_of(name: str) -> list[str]:
    """`setLoggerClass` -> `set`, `logger`, `class`."""
    return [word.lower() for word in WORDS.findall(name)]


def is_setting(qualified: str) -> bool:
    """Whether a function of a library is one that sets something, as far as its name
    tells."""
    words = words_of(qualified.rpartition(".")[2])
    if qualified in _EXACT:
        return True
    # `show_config()` and `load_settings(path)` have a setting's noun and set nothing.
    if not words or words[0] in _ACTIONS:
        return False
    return (
        words[0] in _VERBS
        # `init` would also match `initial_state`, which nobody calls without its
        # result.
        or words[0].startswith(JOINED)
        or not _NOUNS.isdisjoint(words)
    )


def calls_for_effect(node: ast.expr) -> Iterator[ast.expr]:
    """What a statement calls and does not use: its expression, and what a setting is
    called on, since `pl.Config.set_tbl_rows(5).set_fmt_str_lengths(9)` sets twice."""
    yield node
    while (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and is_setting(node.func.attr)
    ):
        node = node.func.value
        yield node


def seeds_library(qualified: str) -> bool:
    """Whether the name speaks of a seed: `lib.seed(3)`, `lib.set_seed(3)`."""
    return not SEEDS.isdisjoint(words_of(qualified.rpartition(".")[2]))


def note_setting(world: World, qualified: str, arguments: Arguments) -> bool:
    """A call of a function that no table knows changes its library, if it is a
    setting."""
    node = arguments.node
    if (
        node not in world.recorder.facts.unused
        or qualified.startswith("builtins.")
        or not is_setting(qualified)
    ):
        return False
    if _acts_on_a_value(arguments):
        return False
    if seeds_library(qualified):
        # where the library is in its sequence cannot be told, so seeding it again would
        # be wrong
        world.recorder.facts.seeds.add("@process." + qualified.partition(".")[0])
    world.patch(qualified, node)
    return True


def note_setting_decorator(world: World, qualified: str, node: ast.AST) -> None:
    """`@register_line_magic`: the library keeps the function."""
    effect = world.knowledge.function(qualified)
    for component in effect.sets if effect is not None else ():
        world.set_component(component, node)
    if effect is None and is_setting(qualified):
        world.patch(qualified, node)


def note_registry_change(
    world: World, qualified: str, name: str, arguments: Arguments
) -> bool:
    """A list or dict that a module keeps is changed: `sys.meta_path.append(finder)`."""
    known = world.knowledge.function(f"{qualified}.{name}") is not None
    is_change = (
        name in _REGISTRY
        # A call whose result is used, `x = modules.pop(name)`, is left to the tables.
        and arguments.node in world.recorder.facts.unused
        and "." in qualified
        and not known
    )
    if is_change:
        world.patch(qualified, arguments.node)
    return is_change


@contextmanager
def kept_for_later(world: World, *, is_kept: bool = True) -> Iterator[None]:
    """What a library is given to call later has not run yet: what it does is not an
    effect of the setting."""
    effects, prints = world.recorder.facts.effects, world.recorder.facts.prints
    yield
    if is_kept:
        # `atexit.register(f)`: that f prints when it runs is not what registering does.
        world.recorder.facts.effects, world.recorder.facts.prints = effects, prints


def _acts_on_a_value(arguments: Arguments) -> bool:
    """`nx.set_node_attributes(graph, …)` changes the graph that it is given, and no
    setting."""
    first = arguments.positional[0] if arguments.positional else frozenset()
    inside = set(ast.walk(arguments.node))
    return any(_is_value(value, inside) for value in _plain(first))


def _plain(values: Values) -> list[Object]:
    return [value for value in values if value.payload is None]


def _is_value(value: Object, inside: set[ast.AST]) -> bool:
    """Something that the notebook holds, and that was not written out for this call."""
    return value.type not in LITERAL and value.maker not in inside
