"""The cache as the runner and `plan` see it: does an earlier result serve, and why
not."""
