"""One attempt at one stage: what it needs, where its files lie, how it is carried out
and ended.

Takes an assignment, gives a result. Never decides what runs next.
"""
