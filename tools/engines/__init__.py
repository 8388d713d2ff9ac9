"""Plain questions to the catalogue, each answered by one engine: popular, filter, history, titles, details.

A store in, plain results out. They know ``data`` and a user's past (``recmind.tools.collaborative.user_sequence``), never
evidence, findings or LangChain. ``attributes`` says which attributes of a catalogue tell what an item is; search and ranking use it too.
"""
