"""The tables about libraries: their language, what they say, and how projects extend
them."""

from __future__ import annotations

import contextlib
import functools
import importlib
from pathlib import Path

import pytest

from jupyter_pipe.analysis.dataflow.replays import SHELL
from jupyter_pipe.analysis.knowledge import (
    RECEIVER,
    Argument,
    CallEffect,
    Returns,
    extensions,
    read_knowledge,
)
from jupyter_pipe.analysis.knowledge.phrases import PhraseError, parse_phrase
from jupyter_pipe.analysis.knowledge.tables import Tables, load_tables
from jupyter_pipe.errors import PipeError
from jupyter_pipe.kernel.components import BUILT_IN

DATA = Path(__file__).parents[2] / "jupyter_pipe" / "analysis" / "knowledge" / "data"
TABLES = Tables()
KNOWN_GAPS = {"keras.random"}
"""The generators of keras and tensorflow cannot be read; a plug-in may."""


@pytest.mark.parametrize(
    ("phrase", "effect"),
    [
        ("pure", CallEffect()),
        (
            "mutates self, retains 0:X 1, same",
            CallEffect(
                mutates=(RECEIVER,), retains=(Argument(0, "X"), Argument(1)), returns=Returns.same
            ),
        ),
        ("mutates deep self", CallEffect(mutates=(RECEIVER,), deep=True)),
        ("holder 0+, -> iterator", CallEffect(
            returns=Returns.holder, of=(Argument(0, every=True),), result_type="lib.iterator"
        )),
        ("mutates out, -> numpy.ndarray", CallEffect(
            mutates=(Argument(keyword="out"),), result_type="numpy.ndarray"
        )),
        ("draws numpy.random unless random_state seed", CallEffect(
            draws=("numpy.random",), unless=("random_state", "seed")
        )),
        ("-> Random unless random_state -> Plain", CallEffect(
            result_type="lib.Random", unless=("random_state",), otherwise_type="lib.Plain"
        )),
        ("cannot-travel a lock belongs to its process", CallEffect(
            untransportable="a lock belongs to its process"
        )),
    ],
)  # fmt: skip
def test_a_phrase_says_what_a_call_does(phrase: str, effect: CallEffect) -> None:
    assert parse_phrase(phrase, "lib") == effect


@pytest.mark.parametrize(
    "phrase",
    ["changes self", "mutates", "mutates 0:", "mutates -1", "draws", "-> A unless b"],
)
def test_a_phrase_that_is_wrong_says_which_clause(phrase: str) -> None:
    with pytest.raises(PhraseError, match=phrase.split(maxsplit=1)[0]):
        parse_phrase(phrase)


@pytest.mark.parametrize("file", sorted(path.stem for path in DATA.glob("*.toml")))
def test_every_shipped_table_is_in_the_format(file: str) -> None:
    assert load_tables(file)


@pytest.mark.parametrize("file", sorted(path.stem for path in DATA.glob("*.toml")))
def test_every_component_that_a_table_sets_is_put_back_or_set_again(file: str) -> None:
    """A component that no kernel knows would be lost between stages without a word."""
    restored = {component.name for component in BUILT_IN}
    told_again = {name.removeprefix("@") for name in SHELL}
    for library in load_tables(file).values():
        effects = [
            *library.functions.values(),
            *(effect for _, effect in library.patterns),
        ]
        effects += [
            effect
            for type_ in library.types.values()
            for effect in type_.methods.values()
        ]
        named = {
            name
            for effect in effects
            for name in (*effect.sets, *effect.seeds, *effect.draws)
        }
        lost = {
            name
            for name in named - restored - told_again
            if not name.startswith("process.")
        }
        assert lost <= KNOWN_GAPS


@pytest.mark.parametrize("file", sorted(path.stem for path in DATA.glob("*.toml")))
def test_every_type_that_a_table_names_is_described(file: str) -> None:
    """A misspelt result type would silently lose what is known about the result."""
    for library in load_tables(file).values():
        effects = [
            *library.functions.values(),
            *(effect for _, effect in library.patterns),
        ]
        for type_ in library.types.values():
            effects += type_.methods.values()
            assert all(TABLES._type(base) for base in type_.bases)
        names = {effect.result_type for effect in effects} | {
            effect.otherwise_type for effect in effects
        }
        names |= {
            attr.result_type
            for type_ in library.types.values()
            for attr in type_.attributes.values()
        }
        missing = {name for name in names - {""} if TABLES._type(name) is None}
        assert not missing - PLAIN


PLAIN = {"builtins.slice", "matplotlib.figure.Figure", "re.Match"}


# Names that only older or newer versions of their library have.
VERSIONED = {
    "itertools.batched",
    "copy.replace",
    "random.binomialvariate",
    "pandas.read_gbq",
    "pandas.value_counts",
    "pandas.DataFrame.applymap",
    "pandas.DataFrame.first",
    "pandas.DataFrame.last",
    "sklearn.model_selection.HalvingGridSearchCV",
    "sklearn.model_selection.HalvingRandomSearchCV",
}


@pytest.mark.parametrize(
    "library",
    ["numpy", "pandas", "sklearn", "scipy", "matplotlib", "seaborn", "stdlib"],
)
def test_functions_of_the_tables_exist(library: str) -> None:
    """Holds the tables against the installed libraries, so that a misspelt name is
    found."""
    names = {
        name for table in load_tables(library).values() for name in table.functions
    }
    assert {name for name in names - VERSIONED if not _exists(name)} == set()


def _exists(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(".".join(parts[:length]))
            with contextlib.suppress(AttributeError):
                functools.reduce(getattr, parts[length:], module)
                return True
    return False


@pytest.mark.parametrize(
    ("type_", "class_", "ignored"),
    [
        ("builtins.list", list, set()),
        ("builtins.dict", dict, {"fromkeys"}),
        ("builtins.set", set, set()),
        ("builtins.str", str, set()),
        ("numpy.ndarray", "numpy.ndarray", {"itemset", "tostring", "ptp"}),
        ("pandas.DataFrame", "pandas.DataFrame", set()),
        ("pandas.Series", "pandas.Series", set()),
        ("numpy.random.Generator", "numpy.random.Generator", set()),
        ("numpy.random.RandomState", "numpy.random.RandomState", set()),
        ("matplotlib.axes.Axes", "matplotlib.axes.Axes", {"plot_surface"}),
        ("pathlib.Path", Path, {"cwd", "home"}),
    ],
)
def test_methods_of_the_tables_exist(
    type_: str, class_: type | str, ignored: set[str]
) -> None:
    if isinstance(class_, str):
        module, _, name = class_.rpartition(".")
        class_ = getattr(importlib.import_module(module), name)
    found = TABLES._type(type_)
    assert found is not None
    known = {*found.methods} - ignored
    assert {
        name
        for name in known
        if not hasattr(class_, name) and f"{type_}.{name}" not in VERSIONED
    } == set()


@pytest.mark.parametrize(
    "name",
    [
        "append",
        "extend",
        "update",
        "add",
        "fit",
        "sort",
        "insert",
        "pop",
        "remove",
        "clear",
        "shuffle",
    ],
)
def test_methods_that_change_a_receiver_of_unknown_type(name: str) -> None:
    effect = TABLES.method("", name)
    assert effect is not None
    assert RECEIVER in effect.mutates


@pytest.mark.parametrize(
    "name",
    ["head", "predict", "transform", "items", "groupby", "mean", "copy", "describe"],
)
def test_methods_that_leave_a_receiver_of_unknown_type_alone(name: str) -> None:
    effect = TABLES.method("", name)
    assert effect is not None
    assert not effect.mutates


def test_fitting_changes_the_model_and_not_the_data() -> None:
    effect = TABLES.function("sklearn.linear_model.Ridge")
    assert effect is not None
    fit = TABLES.method(effect.result_type, "fit")
    assert fit is not None
    assert (fit.mutates, fit.returns, fit.retains) == ((RECEIVER,), Returns.same, ())


def test_a_model_that_keeps_its_data_says_so() -> None:
    effect = TABLES.function("sklearn.neighbors.KNeighborsClassifier")
    assert effect is not None
    fit = TABLES.method(effect.result_type, "fit")
    assert fit is not None
    assert Argument(0, "X") in fit.retains


def test_a_model_without_a_seed_draws_when_it_is_fitted() -> None:
    effect = TABLES.function("sklearn.ensemble.RandomForestClassifier")
    assert effect is not None
    drawing, seeded = (
        TABLES.method(type_, "fit")
        for type_ in (effect.result_type, effect.otherwise_type)
    )
    assert drawing is not None
    assert seeded is not None
    assert (drawing.draws, seeded.draws, effect.unless) == (
        ("numpy.random",),
        (),
        ("random_state",),
    )


def test_components_and_what_is_shown_through_them() -> None:
    assert TABLES.component("pandas.options.display.width") == "pandas.options"
    assert TABLES.component("os.environ") == "os.environ"
    assert TABLES.component("os.path") is None
    assert TABLES.display_reads("pandas.DataFrame") == ("pandas.options",)
    assert TABLES.display_reads("builtins.int") == ()
    assert "suspended" in TABLES.untransportable("builtins.generator")
    assert TABLES.untransportable("builtins.list") == ""


def test_what_is_unknown_is_none() -> None:
    assert TABLES.function("nowhere.function") is None
    assert TABLES.method("builtins.list", "no_such_method") is None
    assert TABLES.method("", "no_such_method") is None


PROJECT = """
[tool.jupyter_pipe.knowledge.mylib]
functions."mutates 0" = "push clear"
functions."-> Box" = ["Box"]
types.Box.methods."mutates self, retains 0" = "put"
types.Box.cannot-travel = "a box belongs to its process"

[tool.jupyter_pipe.knowledge.numpy]
functions."mutates 0" = "asarray"
"""


def test_a_project_extends_and_overrides_the_tables(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    knowledge = read_knowledge(tmp_path / "notebooks")
    assert knowledge.function("mylib.push") == CallEffect(mutates=(Argument(0),))
    assert knowledge.method("mylib.Box", "put") == CallEffect(
        mutates=(RECEIVER,), retains=(Argument(0),)
    )
    assert knowledge.untransportable("mylib.Box") == "a box belongs to its process"
    assert knowledge.function("numpy.asarray") == CallEffect(mutates=(Argument(0),))
    assert knowledge.function("numpy.zeros") == TABLES.function("numpy.zeros")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.jupyter_pipe.knowledge.lib]\nfunctions."changes 0" = "f"', "changes"),
        (
            '[tool.jupyter_pipe.knowledge.lib]\nfunction."mutates 0" = "f"',
            "lib.function is not known",
        ),
        (
            '[tool.jupyter_pipe.knowledge.lib]\nfunctions."mutates 0" = 3',
            "must be names",
        ),
        ('[tool.jupyter_pipe.knowledge]\nlib = "mutates"', "must be a table"),
        (
            "[tool.jupyter_pipe.knowledge.lib.types.A]\nmethod = {}",
            "lib.types.A.method is not known",
        ),
        ("[tool", "cannot be read"),
    ],
)
def test_a_bad_table_is_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PipeError) as caught:
        read_knowledge(tmp_path)
    assert words in caught.value.message
    assert caught.value.code == "knowledge_invalid"


def test_a_package_extends_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "boxes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: boxes\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[jupyter_pipe.knowledge]\nboxes = boxes_knowledge:TABLE\n", encoding="utf-8"
    )
    (tmp_path / "boxes_knowledge.py").write_text(
        "TABLE = {'boxes': {'functions': {'mutates 0': 'fill'}}}", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    extensions._from_packages.cache_clear()
    try:
        assert read_knowledge().function("boxes.fill") == CallEffect(
            mutates=(Argument(0),)
        )
    finally:
        extensions._from_packages.cache_clear()
