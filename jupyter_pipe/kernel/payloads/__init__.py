"""Files of values: which variables travel together, how they are written, whether a
stage changed them."""
