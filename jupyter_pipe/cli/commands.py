"""The commands by name: the module of each, and what it does, for the list of all of
them.

That list is printed without importing any of the modules.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "FOR_ONE_NOTEBOOK", "SUMMARIES"]

COMMANDS = {
    "run": "jupyter_pipe.cli.runs.run",
    "plan": "jupyter_pipe.cli.runs.plan",
    "check": "jupyter_pipe.cli.notebooks.check",
    "suggest": "jupyter_pipe.cli.notebooks.suggest",
    "compile": "jupyter_pipe.cli.notebooks.compile",
    "graph": "jupyter_pipe.cli.notebooks.graph",
    "verify": "jupyter_pipe.cli.notebooks.verify",
    "tests": "jupyter_pipe.cli.notebooks.tests",
    "score": "jupyter_pipe.cli.notebooks.score",
    "serve": "jupyter_pipe.cli.operations.serve",
    "monitor": "jupyter_pipe.cli.operations.monitor",
    "package": "jupyter_pipe.cli.operations.package",
    "runs": "jupyter_pipe.cli.runs.runs",
    "show": "jupyter_pipe.cli.runs.show",
    "open": "jupyter_pipe.cli.runs.open",
    "logs": "jupyter_pipe.cli.runs.logs",
    "compare": "jupyter_pipe.cli.runs.compare",
    "contract": "jupyter_pipe.cli.data.contract",
    "labels": "jupyter_pipe.cli.data.labels",
    "drift": "jupyter_pipe.cli.data.drift",
    "sweep": "jupyter_pipe.cli.data.sweep",
    "loop": "jupyter_pipe.cli.operations.loop",
    "register": "jupyter_pipe.cli.models.register",
    "models": "jupyter_pipe.cli.models.models",
    "promote": "jupyter_pipe.cli.models.promote",
    "rollback": "jupyter_pipe.cli.models.rollback",
    "lineage": "jupyter_pipe.cli.models.lineage",
    "track": "jupyter_pipe.cli.operations.track",
    "resume": "jupyter_pipe.cli.runs.resume",
    "approve": "jupyter_pipe.cli.runs.approve",
    "cancel": "jupyter_pipe.cli.runs.cancel",
    "debug": "jupyter_pipe.cli.runs.debug",
    "impact": "jupyter_pipe.cli.models.impact",
    "gc": "jupyter_pipe.cli.runs.gc",
    "trust": "jupyter_pipe.cli.runs.trust",
    "export": "jupyter_pipe.cli.notebooks.export",
    "submit": "jupyter_pipe.cli.operations.submit",
    "run-stage": "jupyter_pipe.cli.runs.run_stage",
    "completion": "jupyter_pipe.cli.completion",
}
# Asked before the command's module is imported, so that each says the same.
FOR_ONE_NOTEBOOK = frozenset(
    {
        "contract",
        "labels",
        "loop",
        "register",
        "score",
        "serve",
        "suggest",
        "sweep",
        "tests",
    }
)
"""What is about cells, a model or data of one notebook, and refuses a list."""
# In the order in which `--help` lists them.
SUMMARIES = {
    "run": "run a notebook as a pipeline",
    "plan": "say what would run and why, without running it",
    "check": "say what is wrong with notebooks, cell by cell",
    "suggest": "propose stages for a notebook without tags",
    "compile": "write a notebook's pipeline as a package",
    "graph": "draw the stages and what flows",
    "verify": "compare the notebook, run whole, with its pipeline",
    "tests": "write tests of a notebook's stages from a run",
    "score": "predict for new rows what the notebook would predict",
    "serve": "answer requests for predictions over HTTP",
    "package": "write a scorer as an image, or for another server",
    "monitor": "say whether requests and predictions are still as expected",
    "runs": "list runs, newest first",
    "show": "show how a run went",
    "open": "open the report of a run in the browser",
    "logs": "print what happened in a run",
    "compare": "say what differs between runs",
    "contract": "say what data must look like, and hold it to that",
    "labels": "have rows labelled, and make one label a row of the answers",
    "drift": "say what moved in the data between runs",
    "sweep": "try many values of parameters, and say which were best",
    "loop": "run a notebook again when its data, schedule or model asks for it",
    "register": "keep the model of a run as a new version",
    "models": "list models, or the versions of one",
    "promote": "let a version of a model answer, if it is better",
    "rollback": "let the version that answered before answer again",
    "lineage": "say what a version of a model came from",
    "track": "tell MLflow, or another tracker, about runs",
    "resume": "continue a run that failed or was cancelled",
    "approve": "answer a stage that waits for a person",
    "cancel": "end a run that goes on",
    "debug": "try out a stage by hand, with its inputs restored",
    "impact": "say which runs and versions a file went into",
    "gc": "remove old runs and what only they need",
    "trust": "use what somebody else computed",
    "export": "write the pipeline for another engine",
    "submit": "have another engine run a pipeline, and follow it there",
    "run-stage": "run one stage, as another engine does",
    "completion": "print what makes a shell complete commands",
}
