"""What a scorer must show before it is kept: proofs on fresh index values, one of them
in a fresh process.

Takes a scorer and the notebook's rows and predictions, gives a verdict for each proof.
Changes neither.
"""
