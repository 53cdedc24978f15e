"""How the command line looks: terminal, live table, plain lines, errors, closing
words."""
