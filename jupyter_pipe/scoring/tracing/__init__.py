"""Runs statements of the notebook once and writes down what happens to the rows.

An interpreter of the notebook's own code: what has nothing to do with the rows runs as
it is, everything else expression by expression. Values stay the real ones; beside them
is known which are rows, and which raw row each of their entries belongs to. Loops and
the notebook's functions leave the straight line of what they did.
"""
