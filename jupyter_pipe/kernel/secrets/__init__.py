"""Secrets that must not be written down: what they look like, hiding them, finding them
in values."""
