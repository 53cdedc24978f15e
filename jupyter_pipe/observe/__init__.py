"""What a stage touched beyond its variables, on the host's side: digests, comparison,
words.

Takes `Observations` (`artifacts/protocol.py`) as a kernel noted them and says whether
anything of that is different now, and what, in a phrase. Looks at files, folders and
variables; never runs a stage, never writes a file, and knows neither the cache nor the
graph.
"""
