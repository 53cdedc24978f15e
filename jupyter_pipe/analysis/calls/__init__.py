"""What calls do: of the notebook's functions, of builtins, libraries, magics and
programs."""
