"""What a process that forks kernels makes for all of them, and how each ends. Knows
nothing of stages."""
