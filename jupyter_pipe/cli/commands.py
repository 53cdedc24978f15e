"""The commands by name: the module of each, and what it does, for the list of all of them.

That list is printed without importing any of the modules.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "SUMMARIES"]

COMMANDS = {
    "run": "jupyter_pipe.cli.runs.run",
    "plan": "jupyter_pipe.cli.runs.plan",
    "check": "jupyter_pipe.cli.notebooks.check",
    "suggest": "jupyter_pipe.cli.notebooks.suggest",
    "compile": "jupyter_pipe.cli.notebooks.compile",
    "graph": "jupyter_pipe.cli.notebooks.graph",
    "verify": "jupyter_pipe.cli.notebooks.verify",
    "score": "jupyter_pipe.cli.notebooks.score",
    "serve": "jupyter_pipe.cli.operations.serve",
    "monitor": "jupyter_pipe.cli.operations.monitor",
    "runs": "jupyter_pipe.cli.runs.runs",
    "show": "jupyter_pipe.cli.runs.show",
    "open": "jupyter_pipe.cli.runs.open",
    "logs": "jupyter_pipe.cli.runs.logs",
    "compare": "jupyter_pipe.cli.runs.compare",
    "contract": "jupyter_pipe.cli.data.contract",
    "drift": "jupyter_pipe.cli.data.drift",
    "sweep": "jupyter_pipe.cli.data.sweep",
    "loop": "jupyter_pipe.cli.operations.loop",
    "resume": "jupyter_pipe.cli.runs.resume",
    "approve": "jupyter_pipe.cli.runs.approve",
    "cancel": "jupyter_pipe.cli.runs.cancel",
    "debug": "jupyter_pipe.cli.runs.debug",
    "gc": "jupyter_pipe.cli.runs.gc",
    "trust": "jupyter_pipe.cli.runs.trust",
    "export": "jupyter_pipe.cli.notebooks.export",
    "run-stage": "jupyter_pipe.cli.runs.run_stage",
    "completion": "jupyter_pipe.cli.completion",
}
SUMMARIES = {
    "run": "run a notebook as a pipeline",
    "plan": "say what would run and why, without running it",
    "check": "say what is wrong with notebooks, cell by cell",
    "suggest": "propose stages for a notebook without tags",
    "compile": "write a notebook's pipeline as a package",
    "graph": "draw the stages and what flows",
    "verify": "compare the notebook, run whole, with its pipeline",
    "score": "predict for new rows what the notebook would predict",
    "serve": "answer requests for predictions over HTTP",
    "monitor": "say whether requests and predictions are still as expected",
    "runs": "list runs, newest first",
    "show": "show how a run went",
    "open": "open the report of a run in the browser",
    "logs": "print what happened in a run",
    "compare": "say what differs between runs",
    "contract": "say what data must look like, and hold it to that",
    "drift": "say what moved in the data between runs",
    "sweep": "try many values of parameters, and say which were best",
    "loop": "run a notebook again when its data, schedule or model asks for it",
    "resume": "continue a run that failed or was cancelled",
    "approve": "answer a stage that waits for a person",
    "cancel": "end a run that goes on",
    "debug": "try out a stage by hand, with its inputs restored",
    "gc": "remove old runs and what only they need",
    "trust": "use what somebody else computed",
    "export": "write the pipeline for another engine",
    "run-stage": "run one stage, as another engine does",
    "completion": "print what makes a shell complete commands",
}
