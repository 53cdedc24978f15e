"""The processes of a service: a supervisor, which binds the address, and workers, which
answer.

The supervisor starts a worker again that died and counts what it took with it; it
imports nothing of the web. Workers end when the supervisor does, however that ends.
"""
