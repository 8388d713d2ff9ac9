"""The order of candidates: re-ranking for a user, the hybrid score, diversity, and one ranking out of several.

It knows ``collaborative``, ``search`` and ``engines``. The look-ups, the index and the agent import it.
"""
