"""Tests of tasks, answers and labels."""
