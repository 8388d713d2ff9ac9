"""Search: finding items by meaning, by words and by the years a request mentions.

Knows ``data``, ``tools.encoders`` and ``tools.engines.attributes``; never findings or evidence. ``item_search`` is the
way in, ``text_index`` what is built and stored.
"""
