"""Commands about versions of models: register, compare and promote, go back, ask where
one came from."""
