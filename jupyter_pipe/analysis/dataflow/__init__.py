"""From facts of units to what flows between stages: effects, replays, groups and their
order."""
