"""From a cell's text to units of plain Python, with the way back to the user's lines
and columns.

Takes source; gives syntax trees, scopes and names. Never asks what a value may be.
"""
