"""Chat models: the offline planner, and the factory that opens any other by name."""
