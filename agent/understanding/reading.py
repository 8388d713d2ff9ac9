"""Reads a request: runs the stages in order, finds what is left to search for, and reads stated preferences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.meaning import Understanding
from recmind.agent.understanding.names import read_names
from recmind.agent.understanding.numbers import read_numbers
from recmind.agent.understanding.parts import load_values
from recmind.agent.understanding.request import LONG_REQUEST, MAX_CHARACTERS, RequestText, read_request
from recmind.agent.understanding.tables.words import ASKING, ASKS, EDGES, TRAILING
from recmind.agent.understanding.titles import TitleReader
from recmind.agent.understanding.values import read_values
from recmind.agent.understanding.vocabulary import Vocabulary
from recmind.data.conditions import Condition
from recmind.data.records import Preference

if TYPE_CHECKING:
    from recmind.data.store.store import Store
    from recmind.tools.engines.titles import TitleFinder

_VERBS = r"(?:seen|watched|read|bought|tried|played|heard(?: of)?|owned|used|known?|finished|rated|had)"
_AGAIN = re.compile(
    rf"\b(?:(?:to )?(?:watch|see|read|buy|play|enjoy|hear|order|get)?(?: (?:it|them|something|one))? ?(?<!never"
    rf" )(?<!not )(?<!once )again"
    rf"|re ?watch(?:ing|able)?|re ?read(?:ing)?|re ?buy|re ?visit|(?:that |which )?(?:i|ive|we|weve)(?: have)?"
    rf" (?:already |previously )?{_VERBS} (?:already|before)"
    rf"|(?:that |which )?(?:ive|i have|weve|we have) already {_VERBS}|something (?:that )?i (?:already )?know|i"
    rf" know already"
    rf"|an old favou?rite|(?:one of )?my (?:old )?favou?rites again)\b"
)
_UNSEEN = re.compile(
    rf"\b(?:(?:that |which |but )?(?:i|we|id|ive|weve)? ?(?:havent|have not|hasnt|have never|ve never|ive never"
    rf"|never|didnt|did not)"
    rf" (?:yet |already |ever )?{_VERBS}(?: (?:yet|before|already|so far))*|(?:not|never) (?:yet )?{_VERBS}(?:"
    rf" (?:yet|before))?|new to me|unseen|unwatched"
    rf"|i (?:dont|do not) know(?: yet)?(?= (?:yet|already|$|[.,])|$)|something new(?! \w)|unread)\b"
)
_SURPRISE = re.compile(
    r"\b(?:surprise (?:me|us)(?: with)?|(?:a |something |anything )?random(?:ly)?|dealers choice|you (?:choose"
    r"|decide|pick)"
    r"|feeling lucky|im feeling lucky"
    r"|up to you|whatever|anything(?: goes| will do| at all| is fine)?(?= ?(?:$|[.,]))|(?:a |something"
    r" )?surpris(?:e|ing))\b"
)
_IDIOMS = re.compile(
    r"\b(?:why not|not sure(?: (?:what|which|why))?|no idea(?: what)?|i (?:really )?(?:dont|do not) (?:really"
    r" )?(?:know|care|mind)(?: (?:what|which|if))?"
    r"|cant decide(?: what)?|dont mind|dont care|not only|not just|not necessarily|if not|nothing in particular"
    r"|no problem|no matter(?: what)?"
    r"|no preferences?|nothing (?:special|fancy)|no worries|not bad|or not|no particular \w+|no one|no rush"
    r"|whether or not|no longer|what (?:next|now)|(?:im|i am) (?:so )?(?:bored|tired)|its raining|not that i"
    r"|for a change|what(?:s| is)? (?:should|can|could|shall) (?:i|we)|what (?:should|can|could|shall|do|would)"
    r" (?:i|we|you)|can you|could you|would you"
    r"|(?:like|as) (?:the (?:ones?|same)|what) (?:that )?(?:i|we) (?:\w+ )?(?:bought|got|ordered|used|own|have|had)"
    r"(?: (?:before|recently|yesterday|last (?:week|month|time)))?\b"
    r"|how about|what about|lets|let us|in the mood for|as well|at the moment|right now|this (?:evening|weekend"
    r"|afternoon)|tonight|today"
    r"|with (?:my|our|the|some) (?:parents|mom|mum|dad|mother|father|wife|husband|partner|girlfriend|boyfriend"
    r"|friends?|folks|sister|brother|date|gran\w*)"
    r"|(?:my|our) (?:wife|husband|partner|girlfriend|boyfriend|parents|mom|mum|dad|mother|father|friends?)"
    r"(?: (?:wants?|needs?|would like|and (?:i|me)\b)"
    r"| ?(?=(?:loves?|likes?|prefers?|hates?|dislikes?|does|doesnt|cant)\b)))\b"
)
_OWN = frozenset({"i", "im", "ive", "id", "my", "me", "we", "weve", "our"})
_INJECTION = re.compile(
    r"(?:ignore|disregard|forget|override|bypass)(?: \w+){0,4} (?:instructions?|prompts?|rules?|guidelines|above)"
    r"|system prompt"
    r"|you are now (?:a|an|in)|developer mode|jailbreak|(?:reveal|print|show|repeat)(?: \w+){0,3} (?:prompt"
    r"|instructions?|api key|password)"
    r"|act as (?:a|an|if)|drop table"
)
_GOES_ON = frozenset({"and", "but", "then", "also"})
"""Words that begin an order to the machine after a wish."""


def understand(
    query: str, store: Store, finder: TitleFinder, *, user_known: bool, shown: Sequence[str] = ()
) -> Understanding:
    """What the request means for this store's catalogue. It accepts any text, but reads only a bounded length of it.

    Args:
        query: the person's words.
        store: the catalogue.
        finder: finds items by their titles.
        user_known: whether the user has a history.
        shown: ids of the items that were shown before: "shorter" is then relative to them.
    """
    request = read_request(query)
    draft = Draft(request, Vocabulary(store), shown)
    if request.cut:
        draft.unused.append(f"Only the first {MAX_CHARACTERS:,} characters of the request were read.")
    _set_injections_aside(draft)
    load_values(draft)
    titles = TitleReader(request, draft.vocabulary, finder)
    titles.read()
    draft.likes, draft.unlikes = titles.likes, titles.unlikes
    draft.unused += [f"I could not find anything called “{title}”." for title in titles.unknown]
    unseen, again = _flag(draft, _UNSEEN), _flag(draft, _AGAIN)
    surprise = _flag(draft, _SURPRISE)
    read_numbers(draft)
    for _, i, j in list(request.find(_IDIOMS)):
        if request.free(i, j):
            request.mark(i, j, "idiom")
    read_names(draft)
    read_values(draft)
    draft.loosen()
    draft.settle()
    if draft.likes or draft.bound or draft.wished:
        _set_small_talk_aside(request)
    text = _text_left(request)
    if not user_known and (unseen or again):
        draft.unused.append("I do not know who is asking, so I cannot tell what is already known to you.")
    if query.strip() and not request.tokens:
        draft.unused.append("There are no words in the request that I could use.")
    found = bool(draft.likes or draft.unlikes or draft.bound or draft.wished or text)
    return Understanding(
        query=query,
        likes=tuple(draft.likes),
        unlikes=tuple(draft.unlikes),
        bindings=draft.bindings(),
        wishes=draft.wishes(),
        text=text,
        again=again and not unseen,
        unseen=unseen,
        surprise=surprise,
        empty=not found and not surprise,
        count=None if request.recalls else draft.count,
        unused=tuple(dict.fromkeys(draft.unused)),
    )


_LOVED = re.compile(r"\b(?:love|adore|like|enjoy|prefer|fond of|into|fan of|favou?rites?)\b")


def prefer(text: str, store: Store, finder: TitleFinder) -> Understanding:
    """What a stated preference ("no horror", "only films after 1980") binds, read like a request.

    Only what rules something out, bounds on numbers and "only X" bind: someone who likes comedies also wants other
    things.

    Args:
        text: the preference in plain words.
        store: the catalogue.
        finder: finds items by their titles.
    """
    found = understand(text, store, finder, user_known=True)
    only = re.search(r"\b(?:only|always|must|just)\b", text.casefold()) is not None
    kept = tuple(binding for binding in found.bindings if only or any(_restricts(c) for c in binding.conditions))
    return replace(found, bindings=kept)


def preferences(
    user_id: str, text: str, store: Store, finder: TitleFinder, *, at: float | None = None
) -> list[Preference]:
    """The records for a stated preference: one for each condition; none if the text says nothing to keep.

    What is loved ("I love Kurosawa") gets a record too, but binds nothing.

    Args:
        user_id: the user.
        text: the preference in plain words.
        store: the catalogue.
        finder: finds items by their titles.
        at: Unix seconds; None takes the clock.
    """
    binding = [
        Preference(user_id, text, str(condition), at=at)
        for part in prefer(text, store, finder).bindings
        for condition in part.conditions
    ]
    loved = _LOVED.search(text.casefold())
    if binding or loved is None:
        return binding
    found = understand(text[loved.end() :] or text, store, finder, user_known=True)
    loves = [(part.words, part.conditions[0]) for part in found.bindings]
    loves += [(part.words, part.conditions[0]) for part in found.wishes]
    return [Preference(user_id, words, str(condition), at=at, binds=False) for words, condition in loves]


def _restricts(condition: Condition) -> bool:
    return condition.operator not in ("=", "in", "~")


def _flag(draft: Draft, pattern: re.Pattern[str]) -> bool:
    found = False
    for _, i, j in list(draft.request.find(pattern)):
        if (
            draft.request.free(i, j)
            and not draft.request.topical[i]
            and draft.request.asking[draft.request.tokens[i].sentence]
        ):
            draft.request.mark(i, j, "flag")
            found = True
    return found


def _set_injections_aside(draft: Draft) -> None:
    """Orders to a machine ask for no item: their sentences are neither read nor searched for."""
    request = draft.request
    begins: dict[int, int] = {}
    for _, i, _ in request.find(_INJECTION):
        sentence = request.tokens[i].sentence
        begins[sentence] = min(i, begins.get(sentence, i))
    for sentence, begin in sorted(begins.items()):
        first = begin
        while not (request.boundary(first) or request.tokens[first].key in _GOES_ON):
            first -= 1
        last = begin
        while last < len(request.tokens) and request.tokens[last].sentence == sentence:
            last += 1
        words = request.words(first, last)
        shown = words if len(words) <= 60 else words[:59] + "…"
        draft.unused.append(f"I only look for items, so “{shown}” was not followed.")
        request.mark(first, last, "order")


def _set_small_talk_aside(request: RequestText) -> None:
    """Marks sentences in which people only tell about themselves ("I had a long day"): they are not searched for.

    Long requests are an exception: there people tell what they remember of the item.
    """
    sentences: dict[int, list[int]] = {}
    for n, token in enumerate(request.tokens):
        sentences.setdefault(token.sentence, []).append(n)
    if len(sentences) < 2 or len(request.tokens) > LONG_REQUEST:
        return
    for places in sentences.values():
        keys = {request.tokens[n].key for n in places}
        if keys & _OWN and not keys & ASKS and not any(request.tokens[n].mark for n in places):
            request.mark(places[0], places[-1] + 1, "talk")


_UNWANTED = ("order", "denied", "gone")
"""Marks of words that must not be searched for."""


def _text_left(request: RequestText) -> str:
    """The words of the request that are worth a search by meaning, without the phrases around them.

    A story is searched for as a whole, including words that were understood as a kind or a year: they were read with
    less certainty, and the search weighs words by itself.
    """
    if request.story and not any(token.mark in ("like", "unlike") for token in request.tokens):
        return _whole(request)
    runs: list[str] = []
    tokens = request.tokens
    i = 0
    while i < len(tokens):
        if tokens[i].mark not in ("", "keep"):
            i += 1
            continue
        j = i
        while j < len(tokens) and tokens[j].mark in ("", "keep") and (j == i or request.boundary(j) != "."):
            j += 1
        first, last = i, j
        while first < last and tokens[first].key in EDGES and tokens[first].mark != "keep":
            first += 1
        while last > first and tokens[last - 1].key in TRAILING and tokens[last - 1].mark != "keep":
            last -= 1
        if first < last and not all(token.key in EDGES | ASKING for token in tokens[first:last]):
            runs.append(request.words(first, last))
        i = j
    return " ".join(runs)


def _whole(request: RequestText) -> str:
    """The whole text, without what it rules out and without sentences that give orders to a machine."""
    parts: list[str] = []
    start = 0
    for unwanted, group in groupby(request.tokens, key=lambda token: token.mark in _UNWANTED):
        tokens = list(group)
        if unwanted:
            parts.append(request.text[start : tokens[0].start])
            start = tokens[-1].end
    return " ".join("".join([*parts, request.text[start:]]).split())
