"""Commands about data: contracts of values, and what moved between runs."""
