"""Pipelines over REST: check, compile, plan, suggest.

Notebooks are analysed in processes of their own (`worker`), which the server may end at
any moment (`pool`): whatever a notebook holds, the server goes on. Handlers send a
request's bytes there and pass on the answer.
"""
