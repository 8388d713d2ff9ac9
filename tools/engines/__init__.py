"""Plain questions to the catalogue, each answered by one engine: popular, filter, history, titles, details.

A store in, plain results out. Knows ``data`` and what makes a past (``recmind.tools.past``); never evidence, findings
or LangChain. ``attributes`` says which attributes of a catalogue tell what an item is; search and ranking use it too.
"""
