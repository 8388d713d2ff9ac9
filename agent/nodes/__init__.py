"""The rooms of the graph, one a file."""
