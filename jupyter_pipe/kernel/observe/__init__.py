"""What a stage touches beyond its variables, noted while it runs.

Takes a stage's context, and from then on what the interpreter tells of the process:
audit events, lookups in the environment, existence checks, calls of readers in native
code, code that asks for the day. Gives the `Observations` of `artifacts/protocol.py` as
plain values. Never raises into the user's code, never prints, never changes what a call
returns, and is dormant outside of a stage. Standard library only.
"""
