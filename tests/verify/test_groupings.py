"""Cells drawn into other stages: the code stays, and nothing that was said of the old
stages."""

from __future__ import annotations

import json
import random

from jupyter_pipe.notebook.grammar import PREFIXES, SYNONYMS
from jupyter_pipe.verify.groupings import random_grouping

EVERY_PREFIX = [f"{prefix}:x" for prefix in (*PREFIXES, *SYNONYMS)]


def tags_after_drawing(tags: list[str], seed: int) -> list[list[str]]:
    cells = [
        {
            "cell_type": "code",
            "source": f"x = {number}",
            "metadata": {"tags": tags},
            "outputs": [],
        }
        for number in range(4)
    ]
    content = json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    ).encode()
    drawn = json.loads(random_grouping(content, random.Random(seed)))
    return [cell["metadata"]["tags"] for cell in drawn["cells"]]


def test_only_what_is_true_of_a_cell_in_any_stage_stays() -> None:
    """A question that somebody answers (`approve:`) would keep the comparison waiting
    for ever."""
    for seed in range(20):
        for tags in tags_after_drawing([*EVERY_PREFIX, "hide-input"], seed):
            kept = [tag for tag in tags if not tag.startswith("stage:group_")]
            assert kept == ["reads:x", "writes:x", "hide-input"]
