"""What is checked before an answer leaves: items, evidence and the words of reasons.

It knows the state, the tools and the templates of reasons; never a model.
"""
