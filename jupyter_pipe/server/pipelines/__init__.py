"""Pipelines over REST: check, compile, plan, suggest."""
