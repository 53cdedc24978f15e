"""Commands about models that are in use, and about what is told to other tools."""
