"""Code that is copied into compiled packages as it stands. Standard library only;
imports nothing of ours."""
