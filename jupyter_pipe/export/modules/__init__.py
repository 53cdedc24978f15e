"""Engines that are told in Python: a module each with its `EXPORTER`, from `Plan` to
the text of one module.

None imports the engine, and none knows of another: what they have in common stands in
the plan.
"""
