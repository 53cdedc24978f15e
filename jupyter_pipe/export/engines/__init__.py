"""One module an engine, each with its `EXPORTER`: a `Plan` goes in, the text of one file comes out.

None imports the engine, and none knows of another: what they have in common stands in the plan.
"""
