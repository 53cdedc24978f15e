"""A bundle behind HTTP: rows in, predictions out, each with the version that made it.

Takes a source, which says what the current version is and where its folder lies; gives
a service of one or several processes. `live` loads versions aside, lets each repeat its
golden rows, and swaps them by one assignment; `web` answers; `traffic` counts and
writes down; `processes` starts, watches and ends workers. Never serves a version whose
golden rows differ, and never lets a request wait for a swap.
"""
