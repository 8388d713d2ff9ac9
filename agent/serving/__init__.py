"""Runs requests through the graph: one, many, a file of them, in other processes, or a recorded one again.

It stands above graph and memory; the API and the command line import it.
"""
