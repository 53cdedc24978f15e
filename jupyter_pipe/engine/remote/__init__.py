"""Attempts on machines that share nothing with the runner but the URL of the run's
root."""
