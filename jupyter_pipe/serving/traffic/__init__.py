"""What went through a service: counted for Prometheus, and written down for monitoring.

`metrics` counts, over all workers; `log` writes answers behind a bounded queue;
`reading` gives them back. Neither ever holds up an answer: what cannot be written is
counted as lost.
"""
