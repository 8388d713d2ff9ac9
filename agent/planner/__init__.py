"""Planning without a model: which look-ups a request needs, its ranking, and sentences made of evidence.

It knows the tools only.
"""
