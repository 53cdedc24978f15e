"""Tests of what `jupyter pipe tests` writes."""
