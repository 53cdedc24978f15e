"""Runs, told to a system that keeps experiments, such as MLflow, without ever slowing
or failing a run.

Takes a run's folder: its log and what its stages left. A process of its own reads the
log and hands what happened to a `Tracker`; what could not be delivered waits in an
outbox beside the run. Never writes anything that the run reads, and never lets a
tracker's trouble become the run's.
"""
