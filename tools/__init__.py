"""The tools: engines in plain Python, the look-ups that ask them, and the toolbox that shows them to chat models."""
