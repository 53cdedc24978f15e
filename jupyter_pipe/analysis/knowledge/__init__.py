"""What libraries mutate, return, retain and draw: tables of data behind one
protocol."""

from jupyter_pipe.analysis.knowledge.effects import (
    RECEIVER,
    Argument,
    AttributeEffect,
    CallEffect,
    Knowledge,
    Returns,
)
from jupyter_pipe.analysis.knowledge.extensions import read_knowledge

__all__ = [
    "RECEIVER",
    "Argument",
    "AttributeEffect",
    "CallEffect",
    "Knowledge",
    "Returns",
    "read_knowledge",
]
