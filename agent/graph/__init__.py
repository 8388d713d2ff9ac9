"""The state machine: how it is built, its nodes, the budget of a request and its lines of thought.

Only memory and serving import it.
"""
