"""Kinds of values: for each how it is encoded, decoded, digested and compared, and
whether it can change, in one module.

`table` says which class is of which kind. No module imports a library: a class of one
is looked up where a value of it has been met."""
