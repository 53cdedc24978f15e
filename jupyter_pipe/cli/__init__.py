"""The command line `jupyter pipe`: parses arguments, calls the library, prints. One
file a command."""
