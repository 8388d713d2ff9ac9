"""Search: finds items by meaning, by words and by the years that a request mentions.

It knows ``data``, ``tools.encoders`` and ``tools.engines.attributes``; never findings or evidence. ``item_search`` is
the entry point; ``text_index`` is what is built and stored.
"""
