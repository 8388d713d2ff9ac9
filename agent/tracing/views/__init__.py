"""Views of a trace: its outline, its candidates, and the difference between two, as text.

They read the records that the store gives, and import no LangChain.
"""
