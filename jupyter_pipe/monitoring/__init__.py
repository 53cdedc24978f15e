"""Whether what a service is asked, and what it answers, is still what its model was
made for.

Takes a request log and the bundle whose run made the model; gives a `Watched` record, a
page, and an exit code. `statistics` compares profiles, `window` makes them from the
log, `labels` joins what turned out to be true, `watching` puts it together, `history`
follows it over time, `page` draws it. Loads no model and runs no code of a bundle. What
has too few rows is `unknown`, never fine.
"""
