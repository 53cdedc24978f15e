"""Data flow over a notebook: what each stage reads, binds, mutates, draws and
replays."""

from jupyter_pipe.analysis.analyse import analyse
from jupyter_pipe.analysis.program import Analysis, Program, ProgramCell, StageFlow

__all__ = ["Analysis", "Program", "ProgramCell", "StageFlow", "analyse"]
