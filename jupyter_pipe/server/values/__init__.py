"""Values that stages left: what a run's records say of them, and previews, for which
they are loaded.

A value is loaded in a process of its own (`loading`), with the interpreter of the
notebook's kernel, for a limited time and within limited memory, and only if the record
that names it is signed by the user.
"""
