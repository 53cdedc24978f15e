"""A function from rows to predictions, compiled from a notebook, and proved or refused.

Takes a notebook with the tags `rows:` and `score:`; gives a bundle, a folder with a
module and the values that it needs, or a refusal with cell, line and a way out.
`program` finds the statements that lie between the two tags. `tracing` runs them once
and writes down what happens to the rows, `liveness` drops what the predictions do not
need, `codegen` writes the rest as a module. `proofs` compares that with the notebook.
Never writes a bundle of which a proof has failed.
"""
