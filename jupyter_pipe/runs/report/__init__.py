"""A run told to people: the report, its sections, JUnit, and single lines for terminals
and logs."""
