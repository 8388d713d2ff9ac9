"""How RecMind thinks: the graph, its nodes and models, what is checked, kept and traced, and the command line."""
