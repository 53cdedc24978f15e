"""The files of a compiled package as bytes: modules, stage notebooks, entry points,
requirements.

Pure, but for asking which distributions are installed.
"""
