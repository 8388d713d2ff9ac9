"""Evidence: the facts that speak for an item, their wording, and the slate that collects them.

It knows the results of engines, search and ranking, and ``data``; none of these imports it. ``slate`` and ``phrases``
know only ``data``.
"""
