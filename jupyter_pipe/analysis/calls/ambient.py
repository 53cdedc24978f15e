"""Ambient state: global generators, options and settings that code uses without naming
them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.knowledge.tables import is_known_library
from jupyter_pipe.analysis.world.environment import START, Slot
from jupyter_pipe.analysis.world.heap import NOTHING
from jupyter_pipe.analysis.world.world import PATCHED, text_of
from jupyter_pipe.model import PACKAGES

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.dataflow.facts import Unit
    from jupyter_pipe.analysis.world.world import World

__all__ = ["FELT_EVERYWHERE", "drop_unseeded", "use_current_figure", "use_style"]

FELT_EVERYWHERE = (
    "@numpy.errstate",
    "@sys.recursionlimit",
    "@sys.int_max_str_digits",
    "@time.zone",
    "@sys.argv",
    "@locale",
    "@sklearn.config",
    "@process.builtins",
    PACKAGES,
)
"""Components that a stage may use without naming anything that says so: once one is
written, every later statement reads it."""
STYLED = frozenset({"matplotlib", "seaborn"})
STYLED_METHODS = frozenset(
    {"plot", "hist", "boxplot", "dendrogram", "imshow", "scatter_matrix"}
)
STYLED_WORDS = ("draw", "plot", "chart")
"""They stand in names of what makes a picture: `networkx.draw_circular`,
`sklearn.tree.plot_tree`."""
STYLE = ("@matplotlib.rcParams", "@ipython.matplotlib", "@ipython.config")
FIGURE = PATCHED + "matplotlib.pyplot"
"""The figure that pyplot draws into. With the inline backend none outlives its cell."""
BACKENDS = frozenset({"matplotlib.use", "matplotlib.pyplot.switch_backend"})
DRAWING = frozenset({"matplotlib.pyplot", "seaborn"})
OPENING = frozenset({"figure", "subplots", "subplot_mosaic", "clf"})
CLOSING = frozenset({"close"})
_NOT_DRAWING = """
show ion ioff rc rcdefaults rc_context set_cmap switch_backend get_cmap imread imsave get_fignums
set_theme set_style set_context set set_palette color_palette load_dataset axes_style plotting_context
"""
NOT_DRAWING = frozenset(_NOT_DRAWING.split())


def use_style(world: World, qualified: str, node: ast.AST) -> None:
    """Whatever makes a picture reads the style: functions of the plotting libraries,
    methods of their objects, and what its name tells of other libraries, such as frames
    and graphs."""
    if _makes_pictures(qualified):
        read_style(world, node)


def read_style(world: World, node: ast.AST) -> None:
    """The parameters of matplotlib, and how the shell shows its figures."""
    for component in STYLE:
        world.touch(component, node)


def _makes_pictures(qualified: str) -> bool:
    """Whether a call may draw, and so read the style: by its library, or by its
    name."""
    parts = qualified.split(".")
    if parts[0] in STYLED or parts[-1] in STYLED_METHODS:
        return True
    # Of a library without a table nobody knows: `missingno.matrix(frame)`.
    if parts[0] and not is_known_library(parts[0]):
        return True
    # `sklearn.metrics.RocCurveDisplay.from_estimator`
    if any(part.endswith("Display") for part in parts):
        return True
    return any(word in part.lower() for part in parts[1:] for word in STYLED_WORDS)


def choose_backend(world: World, name: str) -> None:
    """Only the inline backend closes its figures when a cell ends."""
    world.process.keeps_figures = "inline" not in name


def use_current_figure(world: World, qualified: str, arguments: Arguments) -> None:
    """With a backend of the notebook's choice, pyplot's figure waits for the next
    cell."""
    if qualified in BACKENDS:
        choose_backend(
            world,
            " ".join(text_of(frozenset((value,))) or "" for value in arguments.every()),
        )
    module, _, name = qualified.rpartition(".")
    # `plt.show()` with Agg still leaves the figure for the next cell; `rc` draws
    # nothing.
    if not world.process.keeps_figures or module not in DRAWING or name in NOT_DRAWING:
        return
    if name in CLOSING:
        # plt.close(): what the next cell draws is a new figure, whoever made the last
        # one.
        world.names.set(FIGURE, Slot(NOTHING, frozenset((START,))))
    else:
        # plt.figure() starts anew, plt.plot() adds to whatever figure there is.
        world.touch(FIGURE, arguments.node, write=True, whole=name in OPENING)


def drop_unseeded(units: Sequence[Unit]) -> None:
    """A generator that the notebook never seeds is not carried: every stage draws fresh
    entropy."""
    drawn = {component for unit in units for component in unit.facts.draws}
    seeded = {component for unit in units for component in unit.facts.seeds}
    # `np.random.rand()` without any `seed`: an edge here would order stages for
    # nothing.
    for component in drawn - seeded:
        for unit in units:
            unit.facts.reads.pop(component, None)
            unit.facts.writes.pop(component, None)
            unit.facts.bound.pop(component, None)
