"""What happens next in a run, decided without I/O: messages in, instructions out.

Takes records of stages, attempts and results; gives instructions and verdicts. Never
reads a clock, a file or a process: the runner does, and tells.
"""
