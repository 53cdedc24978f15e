"""Random notebooks in random groupings: the pipeline prints what the notebook
prints."""
