"""The file of traces: what of a run is kept, how it is written, read again, counted, judged and thrown away.

It knows the records; neither views nor exports.
"""
