"""Requests on their way through the graph: one, many, a file of them, in other processes, and once more.

It stands above graph and memory; the API and the command line import it.
"""
