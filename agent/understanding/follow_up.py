"""Reads a message against the conversation before it: what it is about, what it changes, and what still holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recmind.agent.understanding.carrying import carried
from recmind.agent.understanding.meaning import Binding, TitleMention, Understanding
from recmind.agent.understanding.reading import understand
from recmind.agent.understanding.references import MANY, ONE, SEVERAL, OutOfRange, Talked, as_number, referred
from recmind.agent.understanding.same_value import read_same_values

if TYPE_CHECKING:
    from recmind.data.store.store import Store
    from recmind.tools.engines.titles import TitleFinder

_UNNAMED = re.compile(r"\(\?P<\w+>")
ANY_REFERENCE = _UNNAMED.sub("(?:", rf"(?:{ONE}|{SEVERAL})")
"""Words for items of the last list; titles are not among them."""
_ENDS = r"(?=$|[.,;!?]| and (?!the |that|this|number)| but | please)"

_START_OVER = re.compile(
    r"^(?:ok(?:ay)?,? |no,? |please,? |let'?s )*(?:start (?:over|again|anew|afresh|from scratch)"
    r"|new (?:search|topic|request)"
    r"|something (?:completely|totally|entirely) different|forget (?:it|(?:all|everything)(?: (?:of )?that| i said)?"
    r"|that|about (?:it|that)))\b(?:,? please)?[ ,.:;!]*"
)
_WHY = re.compile(
    r"^(?:and |but |so |ok,? |please |can you |could you |tell me |say )*(?:why|how come|explain"
    r"|what is the reason for|what made you (?:choose|pick|think of))(?! not)"
    r"(?: (?:did you|do you|would you|have you|are you|you|should i|would i|is|was|are|were|recommend(?:ed|ing)?"
    r"|suggest(?:ed|ing)?|pick(?:ed)?|choose|chose|put|list(?:ed)?|show|watch|see|read|buy|me|i|exactly))*"
    r" ?(?P<what>.*?)(?: (?:there|here|on the list|in the list|recommended|suggested|so high|at all))*[ ?.!]*$"
)
_HAD = re.compile(
    r"\b(?:(?:i|we) ?(?:'?ve|have|had|did)? )?(?:already |just |both )?(?P<how>seen|watched|read|know|knew|own"
    rf"|played|heard|bought|tried|finished|saw|have|had|loved and seen)(?: already)? (?P<what>{ANY_REFERENCE}"
    rf"(?:(?:,? and |, ){ANY_REFERENCE})*)(?: (?:already|before|too|twice|once))*{_ENDS}"
)
_HAD_TITLE = re.compile(
    r"\b(?:(?:i|we) ?(?:'?ve|have) )(?:already |just )?(?:seen|watched|read|played|heard|bought|tried|finished)"
    r"(?: already)? (?P<what>.{1,80}?)(?: (?:already|before|too|twice|once))*(?=$|[.;!?]| but )"
)
_DENIED_HAD = re.compile(r"(?:\bnot|\bnever|n'?t)\b[^.,;]*$")
_LIKE = re.compile(
    r"\b(?:(?:something|anything|more|another(?: one)?|others?|films?|ones?|much|just|exactly|a bit)? ?(?:more )?"
    rf"(?:like|similar to|along the lines of|in the style of)|(?:i|we) (?:really |quite )?(?:liked?|loved?|prefer)"
    rf"|more of) (?P<what>{ANY_REFERENCE}(?:(?:,? and |, ){ANY_REFERENCE})*)(?: (?:best|most|please))?{_ENDS}"
)
_UNLIKE = re.compile(
    r"\b(?:(?:i|we) )?(?:do ?n[o']?t|did ?n[o']?t|do not|did not)(?: really)? (?:like|want|fancy|enjoy)"
    rf" (?P<what>{ANY_REFERENCE}){_ENDS}|\b(?:not|nothing like|no more like|hated?|except|without|skip|drop|leave out)"
    rf" (?P<what2>{ANY_REFERENCE}){_ENDS}"
)
_OTHERS = re.compile(
    r"^(?:none of (?:these|those|them)|(?:ok(?:ay)?,? |no,? |and |please,? |show |give |me |us |any |some |a few "
    rf"|are there |what |anything |something |the |(?P<many>{MANY}) )*"
    r"(?:more|others?|else|next|different|another|new)(?: (?:one|ones|options|suggestions|ideas|results|recommendations"
    r"|films?|movies?|books?|items?|things?|please|do you have|have you got|is there|are there))*)[ ?.!]*$"
)
_OPENING = re.compile(
    r"^(?:(?:ok(?:ay)?|hm+|well|yes|actually|and|but|then|so|now|rather|maybe|great|thanks|thank you"
    r"|(?:what|how) about)[ ,.!]+"
    r"|no[,.!]+ *)"
)
_CHANGES = re.compile(
    r"^(?:something|anything|make (?:it|them)|only|just|also|but|and|in|from|by|with|without|under|over|before|after"
    r"|for|no|not|nothing|less|fewer|more|too|a bit|a little|even|set|at most|at least|up to|older|newer|shorter|longer"
    r"|cheaper|that is|thats)\b"
)
_ASIDE = re.compile(
    r"\b(?:instead(?! of)|as well|though|rather(?! than))\b|,? ?\b(?:too|also|then)$|^(?:also|instead)\b"
)
_ADDS = re.compile(r"\b(?:also|too|as well|and)\b")
_TOO = r"\b(?:(?:it|that|they|those|these)(?:'?s| is| are|'?re)? )?(?:way |much |a bit |far )?too "
_REPHRASED = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (rf"{_TOO}(?:long|lengthy)\b|\b(?:less|not (?:so|as|that)) long\b", "shorter"),
        (rf"{_TOO}short\b", "longer"),
        (rf"{_TOO}(?:expensive|dear|pricey)\b|\b(?:less|not (?:so|as|that)) (?:expensive|pricey)\b", "cheaper"),
        (rf"{_TOO}old\b|\bmore (?:recent|modern)\b|\bless old\b", "newer"),
        (rf"{_TOO}(?:new|recent|modern)\b|\bless (?:recent|modern)\b", "older"),
        (r"\bnot (?:so|as|that|quite so) (?=\w)", "less "),
    )
)
"""Complaints about the last list, with the wishes they express."""
_DENIALS = ("!=", "not in")
_HARDLY = re.compile(r"\b(?:less|too|fewer) (?P<what>\w+)")
_FINE = re.compile(
    r"^(?P<what>.+?) (?:is|are|would be) (?:fine|ok|okay|all ?right|allowed|welcome|no problem)"
    r"(?: (?:again|too|now|after all|though|by me|with me))*[ .!]*$"
)
ENOUGH = 5
"""With at least this many items left, "less violent" rules violent items out; with fewer it stays a wish."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a message means after what was said before."""

    understanding: Understanding
    """What holds now: what the message says, and what it does not change."""
    why: TitleMention | None = None
    """The item whose reason is asked for."""
    had: tuple[TitleMention, ...] = ()
    """The items that the person says they have had."""
    aside: tuple[TitleMention, ...] = ()
    """The items of the last list that the person wants replaced by others."""
    focus: str | None = None
    """The id of the item that the message is about."""
    fresh: bool = False
    """Whether nothing that was said before holds any longer."""
    refines: bool = False
    """Whether the message changes the last request, rather than making a new one."""
    notes: tuple[str, ...] = ()
    """Sentences for the person about what the message mentions but does not exist."""


@dataclass
class _FollowUpText:
    """The message while it is read: what was understood is cut out of it."""

    text: str
    talked: Talked
    store: Store
    notes: list[str] = field(default_factory=list)

    @property
    def folded(self) -> str:
        return self.text.casefold()

    def cut(self, start: int, end: int) -> None:
        self.text = " ".join(f"{self.text[:start]} {self.text[end:]}".split()).strip(" ,;")

    def items(self, words: str, *, anywhere: bool = False) -> list[TitleMention]:
        """The items that the words refer to; from then on "it" means a single one."""
        try:
            found = referred(words, self.talked, self.store if anywhere else None)
        except OutOfRange as error:
            self.notes.append(str(error))
            return []
        if len(found) == 1:
            self.talked = replace(self.talked, focus=found[0].item_id)
        return found


def follow_up(
    message: str,
    before: Understanding | None,
    talked: Talked,
    store: Store,
    finder: TitleFinder,
    *,
    user_known: bool,
    read: Understanding | None = None,
) -> FollowUp:
    """What the message means for this store's catalogue, after what was said before.

    Args:
        message: the person's words.
        before: what held until now; None at the beginning.
        talked: the items that "the second" and "that" may refer to.
        store: the catalogue.
        finder: finds items by their titles.
        user_known: whether the user has a history.
        read: the understanding of the message alone; None if nobody has read it yet.
    """
    said = _FollowUpText(_plain(message), talked, store)
    fresh = _start_over(said)
    if fresh:
        before, said.talked = None, Talked()
    why = _why(said)
    if why is not None:
        kept = before or Understanding(message)
        return FollowUp(replace(kept, query=message, unused=()), why=why, focus=why.item_id, notes=tuple(said.notes))
    opened = False
    while found := _OPENING.match(said.folded):
        said.cut(*found.span())
        opened = True
    had = _all(said, _HAD) + _had_titles(said)
    aside, count = _others(said)
    same = read_same_values(said.text, said.talked, store) if said.talked.shown else None
    if same is not None:
        said.text = same.rest
    unlikes, likes = _all(said, _UNLIKE), _all(said, _LIKE)
    before = _allowed(said, before, finder, user_known=user_known)
    adds = bool(_ADDS.search(said.folded)) or (opened and bool(_CHANGES.match(said.folded)))
    changes = bool(_CHANGES.match(said.folded) or _ASIDE.search(said.folded))
    rest = _rephrased(said.text) if before is not None else said.text
    shown = tuple(mention.item_id for mention in said.talked.shown)
    if read is not None and not shown and _plain(read.query) == rest:
        new = read
    else:
        new = understand(rest, store, finder, user_known=user_known, shown=shown)
    new = _only_less(new, rest, store, before) if before is not None else new
    new = replace(
        new,
        query=message,
        likes=_joined(likes, new.likes),
        unlikes=_joined(unlikes, new.unlikes),
        bindings=(*new.bindings, *(same.bindings if same else ())),
        unused=(*new.unused, *said.notes),
        count=count or new.count,
    )
    new = replace(new, empty=new.empty and not (new.likes or new.unlikes or new.bindings))
    spoken = [*had, *likes, *unlikes]
    refines = before is not None and (changes or bool(spoken or aside or same) or not _has_topic(new))
    return FollowUp(
        carried(before, new, store, refines=refines, adds=adds and not _replaces(message)),
        had=tuple(had),
        aside=tuple(aside),
        focus=spoken[-1].item_id if len(spoken) == 1 else None,
        fresh=fresh,
        refines=refines,
    )


def _plain(message: str) -> str:
    return " ".join(message.replace("’", "'").split())


def _start_over(said: _FollowUpText) -> bool:
    found = _START_OVER.match(said.folded)
    if found is None:
        return False
    said.cut(*found.span())
    return True


def _why(said: _FollowUpText) -> TitleMention | None:
    found = _WHY.match(said.folded)
    if found is None or not said.talked.shown:
        return None
    what = said.text[found.start("what") : found.end("what")]
    items = said.items(what) if what else [mention for mention in [said.talked.about()] if mention]
    if said.notes:
        said.text = ""
    return items[0] if items else None


def _all(said: _FollowUpText, pattern: re.Pattern[str]) -> list[TitleMention]:
    """The items of the last list that the pattern refers to; its words are cut out of the message."""
    items: list[TitleMention] = []
    while found := pattern.search(said.folded):
        if pattern is _HAD and _DENIED_HAD.search(said.folded[: found.start("how")]):
            break
        name = "what" if found["what"] or "what2" not in pattern.groupindex else "what2"
        items += said.items(said.text[found.start(name) : found.end(name)])
        said.cut(*found.span())
    return items


def _had_titles(said: _FollowUpText) -> list[TitleMention]:
    """Titles of the catalogue that the person has had: "I have seen Alien and Heat"."""
    found = _HAD_TITLE.search(said.folded)
    if found is None or _DENIED_HAD.search(said.folded[: found.end() - len(found[0])]):
        return []
    what = said.text[found.start("what") : found.end("what")]
    for words in (what, what.split(",")[0]):
        if items := said.items(words, anywhere=True):
            said.cut(found.start(), found.end() if words == what else found.start("what") + len(words))
            return items
    return []


def _others(said: _FollowUpText) -> tuple[list[TitleMention], int | None]:
    """The items of the list that are to be replaced, and how many are wanted, if the message says so."""
    found = _OTHERS.match(said.folded)
    if found is None or not said.talked.shown:
        return [], None
    said.text = ""
    return list(said.talked.shown), as_number(found["many"]) if found["many"] else None


def _allowed(
    said: _FollowUpText, before: Understanding | None, finder: TitleFinder, *, user_known: bool
) -> Understanding | None:
    """What held before, without what the message allows again ("horror is fine")."""
    found = _FINE.match(said.folded)
    if found is None or before is None:
        return before
    words = said.text[: found.end("what")]
    welcome = understand(words, said.store, finder, user_known=user_known)
    conditions = [c for binding in welcome.bindings for c in binding.conditions]
    conditions += [c for wish in welcome.wishes for c in wish.conditions]
    allowed = {(c.attribute, value) for c in conditions for value in c.values}
    kept = tuple(
        b
        for b in before.bindings
        if not any(c.operator in _DENIALS and (c.attribute, v) in allowed for c in b.conditions for v in c.values)
    )
    if len(kept) < len(before.bindings):
        said.text = ""
    return replace(before, bindings=kept)


def _rephrased(text: str) -> str:
    """The message without words that only link it to what was said; complaints become wishes."""
    for pattern, plain in _REPHRASED:
        text = pattern.sub(plain, text.casefold()) if pattern.search(text.casefold()) else text
    return " ".join(_ASIDE.sub(" ", text).split()) if _ASIDE.search(text) else text


def _replaces(message: str) -> bool:
    return bool(re.search(r"\b(?:instead(?! of)|rather(?! than))\b", message.casefold()))


def _only_less(new: Understanding, text: str, store: Store, before: Understanding | None) -> Understanding:
    """Makes "less violent" rule out violent items if enough remain; words that the catalogue lacks are dropped."""
    bound = [c for part in (*(before.bindings if before else ()), *new.bindings) for c in part.conditions]
    bindings, wishes = list(new.bindings), list(new.wishes)
    for wish in new.wishes:
        denies = all(c.operator in _DENIALS for c in wish.conditions)
        if denies and store.items.count([*bound, *wish.conditions]) >= ENOUGH:
            wishes.remove(wish)
            bindings.append(Binding(f"q{len(bindings) + 1}", wish.words, wish.conditions))
            bound += wish.conditions
    left, unused = new.text, list(new.unused)
    for found in _HARDLY.finditer(text.casefold()):
        if found["what"] in left.casefold().split():
            left = " ".join(word for word in left.split() if word.casefold() not in (found["what"], "less", "too"))
            unused.append(f"Nothing in this catalogue says “{found['what']}”, so “{found[0]}” could not be used.")
    return replace(new, bindings=tuple(bindings), wishes=tuple(wishes), text=left, unused=tuple(unused))


def _has_topic(new: Understanding) -> bool:
    """Whether the message itself says what it is about."""
    names = any(c.operator in ("=", "in") and isinstance(c.values[0], str) for b in new.bindings for c in b.conditions)
    return bool(new.likes or new.text or names or new.surprise)


def _joined(first: list[TitleMention], then: tuple[TitleMention, ...]) -> tuple[TitleMention, ...]:
    return tuple({mention.item_id: mention for mention in (*first, *then)}.values())
