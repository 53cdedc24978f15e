"""Runs whose stages another engine runs, each in a process of its own: how they look,
and whose turn it is.

Takes the logs of attempts, gives a run's log and summary. Never starts or ends a stage.
"""
