"""Settings, signals and the state that is folded from records: in. Records and actions:
out. Pure."""
