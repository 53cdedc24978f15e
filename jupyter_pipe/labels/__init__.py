"""Labels that people, or functions of the notebook, give to rows: a queue of tasks,
answers, one label a row.

Takes rows and answers; gives tasks as Label Studio reads them (`tasks`), answers from
what it exports (`answers`), and for each row one label of several votes, with how far
annotators agree (`merging`). All of these are functions of values; `queues` reads the
tasks beside a notebook and writes answers down. Never guesses: a row on which votes are
even stays without a label.
"""

from __future__ import annotations

from jupyter_pipe.labels.answers import (
    Vote,
    votes_from_export,
    votes_from_rows,
    votes_to_export,
)
from jupyter_pipe.labels.merging import Merged, agreement, dawid_skene, majority
from jupyter_pipe.labels.queues import parse_answers
from jupyter_pipe.labels.tasks import label_config, tasks_from_rows

__all__ = [
    "Merged",
    "Vote",
    "agreement",
    "dawid_skene",
    "label_config",
    "majority",
    "parse_answers",
    "tasks_from_rows",
    "votes_from_export",
    "votes_from_rows",
    "votes_to_export",
]
