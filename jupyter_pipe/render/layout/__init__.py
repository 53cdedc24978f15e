"""Where everything in the picture of a pipeline stands. Pure arithmetic."""
