"""Which runs read or wrote a file: an index over the runs of a root, in
`.jupyter_pipe/lineage.sqlite`; and what one run came from (`runs`).

Takes run records and what stages were observed to touch; answers questions about files
without reading every run again. The index is folded from what is on disk already, so
that one that is deleted, damaged or of another version is made again. It decides
nothing and is believed by nobody else: what a version came from stands, signed, beside
the version (`registry.lineage`).
"""

from __future__ import annotations

from jupyter_pipe.lineage.index import LineageIndex, Touch
from jupyter_pipe.lineage.runs import RunLineage, TouchedFile, lineage_of_run

__all__ = ["LineageIndex", "RunLineage", "Touch", "TouchedFile", "lineage_of_run"]
