"""Files and folders: which count, what was learned of each, and the events that tell of
them."""
