"""The static layer, from values to values: no kernels."""
