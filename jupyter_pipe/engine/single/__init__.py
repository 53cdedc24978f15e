"""One stage by itself, for engines that bring a scheduler of their own: `jupyter-pipe
run-stage`.

Such an engine runs each stage somewhere, in the order of `pipeline.json`. What stages
leave for each other lies in a root that all of them reach, a folder or a URL, or in
bundles that the engine carries. Nobody watches the whole run there, so the graph cannot
be fixed on the way: what turns out to be otherwise fails the stage.
"""
