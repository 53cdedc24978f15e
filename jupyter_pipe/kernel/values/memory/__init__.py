"""How arrays and frames lie in memory: what overlaps, what is mapped, and the regions
to write."""
