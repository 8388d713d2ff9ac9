"""What users state for good: read out of a request, kept, corrected and forgotten.

It knows what is understood of a request; graph, memory and serving import it.
"""
