"""What a refusal says: the way out of its own kind, once for all lines that share
it."""

from __future__ import annotations

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.scoring.model import ScoringRefusedError
from jupyter_pipe.scoring.ways_out import EXPLICIT_FORM, way_out
from tests.scoring.harness import build, compiled
from tests.scoring.idioms import notebook_text
from tests.scoring.test_notebooks import write_notebook

BESIDE = 'homes["x"] = homes["area"].shift(1)\nhomes["y"] = homes["area"].diff()'
NEIGHBOURS = f'homes = raw.fillna({{"area": 50}})\n{BESIDE}\nFEATURES = ["x", "y"]'


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("groupby(…).transform", "map(means)"),
        ("with_columns with over(…)", "group_by(key)"),
        ("with_columns with median(…)", "middle ="),
        ("shift", "cell tagged rows:"),
        ("cumsum", "cell tagged rows:"),
        ("ffill", "fillna(train"),
        ("zscore", "Fit a scaler"),
        ("cross_val_predict", "Fit the model"),
        ("index", "reset_index"),
        ("rank", "searchsorted"),
    ],
)
def test_a_kind_of_call_has_a_way_out_of_its_own(about: str, words: str) -> None:
    assert words in way_out(about)
    assert EXPLICIT_FORM in way_out(about)
    assert way_out("mystery") == EXPLICIT_FORM


def test_lines_that_share_a_way_out_show_it_once(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    notebook = write_notebook(tmp_path / "homes.ipynb", notebook_text(NEIGHBOURS))
    assert main(["verify", str(notebook), "--score", "-q"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("✗") == 2
    assert printed.count("way out") == 1


def test_what_a_row_has_of_its_neighbours_can_be_a_raw_column() -> None:
    """The way out of `shift` and its like, tried."""
    with pytest.raises(ScoringRefusedError):
        build(notebook_text(NEIGHBOURS))
    text = notebook_text(
        'homes = raw.fillna({"before": 50})\nFEATURES = ["before", "rooms"]'
    )
    made = 'raw.loc[rng.random(n) < 0.15, "area"] = np.nan\n'
    built, names = build(
        text.replace(made, made + 'raw["before"] = raw["area"].shift(1)\n')
    )
    assert built.passed, built.proofs
    row = {"before": 70.5, "rooms": 2}
    frame = names["pd"].DataFrame([row])
    assert built.scorer.score_records([row])[0] == names["model"].predict(frame)[0]


def test_the_index_can_be_a_raw_column() -> None:
    text = notebook_text('homes = raw\nFEATURES = ["index", "rooms"]')
    made = 'raw.loc[rng.random(n) < 0.15, "area"] = np.nan\n'
    built, _ = build(text.replace(made, made + "raw = raw.reset_index()\n"))
    assert built.passed, built.proofs


def test_a_draw_without_a_seed_is_named() -> None:
    """Run again, the notebook fits another model: that of the run cannot be had."""
    text = notebook_text(
        'homes = raw.fillna({"area": 50})\nFEATURES = ["area", "rooms"]',
        """
# %%
kept = np.random.permutation(len(homes))[:40]
some = homes.iloc[kept]
model = DecisionTreeRegressor(max_depth=7, random_state=0).fit(some[FEATURES], some["price"])
# %% score:predicted
predicted = model.predict(homes[FEATURES])
""",
    )
    _, names = build(text)
    proof = compiled(text, {**names, "predicted": names["predicted"] + 1}).proofs[-1]
    assert "draws without a seed" in proof.detail
    assert proof.place is not None
    assert "permutation" in proof.place.text
