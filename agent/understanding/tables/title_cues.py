"""Words before a title that say that it is a title, and whether it is wanted."""

from __future__ import annotations

import re

from recmind.agent.understanding.tables.words import table

STRONG = re.compile(
    r"\b(?:(?:something|anything|more|much|just|exactly|films?|movies?|ones?) like|like|similar to|similarly to"
    r"|in the (?:vein|style|spirit|mold|tradition) of|along the lines of|reminiscent of|comparable to|akin to"
    r"|(?:the )?same (?:vibes?|feel|mood|tone|style) (?:as|of)|(?:the )?vibes? of|a la|more of|fans? of"
    r"|resembl(?:es|ing|e)"
    r"|(?:the )?(?:likes|feel|mood|tone|style|atmosphere) of|as (?:good|funny|scary|great|fun|dark) as|a cross"
    r" between|a mix of"
    r"|a mixture of|similar with|such as|reminds? me of|remind me of|unlike)\b"
)
"""After these ("something like X") a title may be in lower case, or misspelt."""
WEAK = re.compile(
    r"\b(?:(?:i|we|she|he|they|who|and) (?:(?:really|also|just|absolutely|recently) )*"
    r"(?:like|love|enjoy|liked|loved|enjoyed|adored|adore|watched|saw|finished|read|played|bought)"
    r"|ive (?:just |recently |already )?(?:seen|watched|finished|read|played)|my favou?rites? (?:\w+ )?(?:is|are|was)"
    r"|loved|enjoyed|after (?:watching|seeing|reading)|just (?:saw|watched|finished))\b"
)
"""After these ("I loved X") a title must be written as one, or have several words."""
HATED = re.compile(
    r"\b(?:(?:didnt|dont|did not|do not|doesnt|never) (?:really |much )?(?:like|liked|enjoy|love)|hated?"
    r"|disliked?|loathed?"
    r"|couldnt stand|cant stand)\b"
)
"""The title after these is not wanted."""
COMPARED = re.compile(r"(?<!\S)(?:\w+er|(?:more|less|fewer) \w+) (?<!other )(?<!rather )(?<!another )than(?! \d)(?!\S)")
"""The title after these is compared with, and so a starting point."""
LIKE_IS_A_VERB = table("would id wed looks look looked acts act acting sounds sound sounded you youd they theyd")
NEGATION = re.compile(
    r"(?:not|nothing|never|no|without|except|anything but|other than|isnt|arent|but not)(?: (?:too|another|more"
    r"|much|exactly|quite|anything|something|films?|movies?))*$"
)
"""Right before a cue these reverse its meaning."""
BARE_NEGATION = re.compile(
    r"\b(?:but not|not|except(?: for)?|other than|anything but|excluding|without|besides|apart from)\b"
)
"""A title directly after these is not wanted."""
LIST_LINKS = frozenset({"and", "or", "plus", "meets", "nor"})
