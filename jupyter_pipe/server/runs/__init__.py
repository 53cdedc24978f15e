"""Runs over REST: list, start, watch, cancel, resume, read what they left."""
