"""What runs inside a stage's kernel: standard library only, Python 3.10+, no import of the rest.

The kernel's interpreter need not have jupyter_pipe installed, so the engine puts this folder on
the kernel's path under the name `jupyter_pipe_kernel` (see `engine/worker.py`).
"""
