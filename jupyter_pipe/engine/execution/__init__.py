"""papermill executes one notebook in one kernel: cell by cell, saved as it goes, and
tells why it failed.

The only place that imports papermill and nbclient.
"""
