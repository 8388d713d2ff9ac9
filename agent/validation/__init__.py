"""The checks of an answer: items, evidence and the words of reasons.

It knows the state, the tools and the templates of reasons; never a model.
"""
