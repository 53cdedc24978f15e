"""Programs: what a command reads and writes, and the events that tell of it."""
