"""Lasting preferences of users: read from a request, kept, corrected and forgotten.

It knows what is understood of a request; graph, memory and serving import it.
"""
