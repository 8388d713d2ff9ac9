"""What can be asked: one file a question, engines in plain Python, and the toolbox that shows them to chat models."""
