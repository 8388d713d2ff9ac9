"""Words as data: stop words and cues, synonyms and kinds, countries, what makes a title.

The stages of understanding import it; it imports none of them.
"""
