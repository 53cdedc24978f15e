"""The loop: what runs a pipeline again, when, and what becomes of the model that comes
out.

Takes `STEM.loop.yaml` beside the notebook, the records of
`.jupyter_pipe/loops/STEM/loop.jsonl`, and signals: files, the time, commits, alarms,
runs, the registry. Gives decisions, and carries them out. Deciding (`tick`), folding
(`state`) and wording are functions of values; disks, clocks, processes and networks
stand behind `World`. A record is on disk before anybody acts upon it, and what is still
to be done follows from the records alone, so that a loop that was killed goes on where
it was. Never promotes a version without its comparison, never starts two runs at a
time, never runs twice for one trigger. Raises LoopError.

    read_settings(notebook)                  what the file says
    tick(settings, state, signals, now)      the next decisions
    pending(state)                           what has been decided and not been done
    Loop(world).step()                       one look, its decisions, their actions
"""

from __future__ import annotations

from jupyter_pipe.loop.deciding.actions import pending
from jupyter_pipe.loop.deciding.records import Record
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.signals import Alarm, RunSeen, Signals
from jupyter_pipe.loop.deciding.state import State, fold
from jupyter_pipe.loop.deciding.tick import tick
from jupyter_pipe.loop.settings_file import read_settings, settings_path
from jupyter_pipe.loop.stepping import Loop, World

__all__ = [
    "Alarm",
    "Loop",
    "LoopSettings",
    "Record",
    "RunSeen",
    "Signals",
    "State",
    "World",
    "fold",
    "pending",
    "read_settings",
    "settings_path",
    "tick",
]
