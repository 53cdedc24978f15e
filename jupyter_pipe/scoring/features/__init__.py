"""The part of a scorer that comes before its model, for whoever computes features
elsewhere.

Takes a proved bundle; gives a folder with a plain Python module, a test that holds it
to the notebook's predictions, and definitions for a feature store. `cutting` divides
the scorer's text at the model, `texts` and `writing` make the files. Never writes
features that are not those of the proved scorer.
"""
