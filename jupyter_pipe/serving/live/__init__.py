"""What is served at the moment: versions are loaded aside, checked, and take over by
one assignment.

`rehearsal` lets a version be loaded in another process first, `models` loads it and
lets it repeat its golden rows, `keeping` holds copies of those that went live,
`routing` chooses between champion and challenger, `following` asks the sources,
`batching` scores. A request takes the routing once and keeps it.
"""
