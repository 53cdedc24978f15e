"""Writes a bundle for other ways to serve it: an image, KServe, BentoML, MLflow.

Takes a bundle that was proved and signed; gives a folder of files with a copy of it.
What is packaged is checked when it is packaged: where it runs, the package is what is
trusted. Runs none of the other tools.
"""
