"""Plain questions to the catalogue, each answered by one engine: popular, filter, history, titles, details.

An engine takes a store and returns plain results. Engines know ``data`` and a user's past
(``tools/collaborative/user_sequence.py``), never evidence, findings or LangChain. ``attributes`` says which attributes
tell what an item is; search and ranking use it.
"""
