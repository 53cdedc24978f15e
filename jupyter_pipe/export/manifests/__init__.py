"""Engines that are told in YAML, JSON, a script or a language of their own: a module
each with its `EXPORTER`, from `Plan` to the text of one file.

None imports the engine, and none knows of another: what they have in common stands in
the plan.
"""
