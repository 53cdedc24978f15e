"""What the values of a run looked like, and what moved between two runs."""
