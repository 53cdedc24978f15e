"""Kernels as processes: started, forked from a warm parent, watched, and ended with all
their children.

Never knows what a stage is.
"""
