"""The state of one abstract execution of the notebook: what a statement finds and what
it leaves.

`World` is what the rules of `interpreter` and `calls` are given. Its parts, each with a
module of its own: `names` (what variables may be), `heap` (objects and what they hold),
`objects` (which object a place in the code makes), `calls` (what is being called, and
how far calls are followed), `recorder` (what a statement has shown) and `process` (what
no variable names: folders, patched libraries, modules). Nothing here knows Python's
rules or a library.
"""
