"""Commands about models that are in use."""
