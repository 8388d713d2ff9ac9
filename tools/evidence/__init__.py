"""Evidence: the facts that speak for an item, how they read, and the slate that collects them.

Knows the results of engines, search and ranking, and ``data``; none of these imports it. ``slate`` and ``phrases`` know
``data`` alone.
"""
