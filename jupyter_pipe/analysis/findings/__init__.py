"""What is said about a notebook: each check takes facts and stages, and gives
diagnostics."""
