"""Repositories that strangers made to harm whoever opens them, and everything that we
do with them.

`attacks/` holds what a stranger does to an honest repository, one decorated function
each; `commands` and `routes` list what a victim does with it; `watching` notices what
must not happen. To add an attack, write a function in a module of `attacks/`: it meets
every command and every route by itself.

    python -m tests.hostile FOLDER           builds the repositories there, for a look by hand
    python -m tests.hostile FOLDER --try     runs every command on them, and says what happened
"""
