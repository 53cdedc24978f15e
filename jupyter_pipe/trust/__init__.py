"""Whose records are believed: keys of this user, and signatures under what jupyter_pipe
writes.

Takes bytes and folders, gives bytes and keys. A folder is not trusted for being ours: a
clone belongs to whoever cloned it. What is loaded or executed again must carry a
signature of a key that this user has.
"""
