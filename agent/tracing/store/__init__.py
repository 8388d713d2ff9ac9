"""The file of traces: what is kept of a run, how it is written, read again, counted, judged and deleted.

It knows the records; neither views nor exports.
"""
