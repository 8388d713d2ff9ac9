"""What is told of a trace: its outline, its candidates, the difference of two, as text.

They read the records that the store gives, and import no LangChain.
"""
