"""The executor for Dask: a cluster that is there, or one of this machine for the
run."""
