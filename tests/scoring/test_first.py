"""The way from a notebook to a proved scorer."""

from __future__ import annotations

from jupyter_pipe.scoring.ways_out import way_out
from tests.scoring.harness import build

SMALL = """
# %%
import numpy as np, pandas as pd
from sklearn.tree import DecisionTreeRegressor
# %% rows:raw
rng = np.random.default_rng(3)
raw = pd.DataFrame({"area": rng.normal(80, 20, 60), "rooms": rng.integers(1, 6, 60)})
raw["price"] = rng.normal(size=60)
raw.loc[::7, "area"] = np.nan
# %%
sales = raw[raw["price"] > -1].reset_index(drop=True)
middle = sales["area"].median()
sales["area"] = sales["area"].fillna(middle)
model = DecisionTreeRegressor(random_state=0).fit(sales[["area", "rooms"]], sales["price"])
# %% score:predicted
predicted = model.predict(sales.drop(columns="price"))
"""


def test_a_scorer_keeps_what_the_notebook_learned_and_drops_what_only_filtered() -> (
    None
):
    built, names = build(SMALL)
    assert built.passed, built.proofs
    assert "raw['price']" not in built.scorer.source
    assert [column.name for column in built.scorer.form.columns if column.optional] == [
        "price"
    ]
    row = {"area": None, "rooms": 2}
    frame = built.recording.names["pd"].DataFrame(
        [{"area": names["middle"], "rooms": 2}]
    )
    assert built.scorer.score_records([row])[0] == names["model"].predict(frame)[0]


def test_a_way_out_names_what_to_write_instead() -> None:
    assert "map(means)" in way_out("groupby(…).transform")
