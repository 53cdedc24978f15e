"""Stored values: the protocol between runner and kernel, and the content-addressed
store."""

from jupyter_pipe.artifacts.bootstrap import bootstrap_source
from jupyter_pipe.artifacts.protocol import ArtifactRef, StageContext, StageResult
from jupyter_pipe.artifacts.store import Store

__all__ = ["ArtifactRef", "StageContext", "StageResult", "Store", "bootstrap_source"]
