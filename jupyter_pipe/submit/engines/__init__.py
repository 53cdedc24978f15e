"""The engines that can be submitted to, one module each, and what several of them need:
a run that begins once (`beginning`), files that an engine reads (`placing`), images
(`containers`).

Each module has a class with the methods of `submit.Engine`, and a pure function from
what the engine answers to a `Sighting`. Nothing here writes to a run's log, or keeps
anything between two questions but in the run's folder.
"""
