"""Runs the notebook abstractly: what each name may be bound to, what each statement
reads and changes.

Python's own rules. What calls do stands in `analysis.calls`, what libraries do in
`analysis.knowledge`.
"""
