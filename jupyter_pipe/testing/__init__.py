"""Tests of a notebook's stages, for whoever owns the notebook: `jupyter pipe tests
init`.

A file of tests is written once and then belongs to its reader. It calls the stages,
compiled from the notebook as it is now (`functions`), with inputs that a run once gave
them (`sampling`, `keeping`), and compares what comes out with a description that people
can review (`describing`, `comparing`). `trying` finds out what a stage does with
missing columns, no rows and gaps; `writing` turns that into the text of the file.

    from jupyter_pipe.testing import NotebookUnderTest, with_gaps

Executes the notebook's code in this process, in a folder of its own, never in that of
the notebook. Golden inputs are pickles: whoever runs the tests trusts the folder that
holds them, as with the tests themselves.
"""

from __future__ import annotations

from jupyter_pipe.testing.gaps import with_gaps
from jupyter_pipe.testing.notebook import NotebookUnderTest

__all__ = ["NotebookUnderTest", "with_gaps"]
