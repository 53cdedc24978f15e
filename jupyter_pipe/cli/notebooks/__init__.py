"""Commands about notebooks: check, compile, export, graph, suggest, verify. One file a
command."""
