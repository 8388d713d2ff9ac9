"""Word tables of the language: function words, cues and nouns, but no values of a catalogue."""

from __future__ import annotations


def table(text: str) -> frozenset[str]:
    """The words of ``text``."""
    return frozenset(text.split())


def phrases(text: str) -> frozenset[str]:
    """The phrases of ``text``, separated by bars and line ends."""
    return frozenset(" ".join(part.split()) for part in text.replace("\n", "|").split("|") if part.strip())


ARTICLES = table("a an the")

PRONOUNS = table(
    "it this that these those them they he him his she i me my mine we us our you your what which who whom"
)
"""In lower case these are never a title, even if a film has that title."""

STOP = (
    table(
        """
        a an the and or but nor so yet if then than as at by for from in into of off on onto out over to up with
        within about after before during between is are was were be been being am do does did done have has had
        having will would can could should shall may might must it its this that these those there here he she they
        them his her their i im ive id ill me my mine we us our you your youre who whom whose which what when where
        why how some any all both each every either neither other another such own same just only also too very
        really quite rather pretty somewhat bit lot lots more most less least much many few little kind kinds sort
        sorts type types way not no without else even still again ever never s t d m re ve ll isnt arent wasnt dont
        doesnt didnt wont cant couldnt wouldnt havent hasnt like because while though although however well thats
        theres whats lets gonna wanna im maybe perhaps possibly
        """
    )
    | PRONOUNS
)

POLITE = table(
    "please pls plz thanks thank thx cheers hi hello hey dear kindly ok okay yes yeah hmm um uh oh lol tonight today"
)

ASKING = table(
    """
    want wants wanted wanting need needs looking look searching search find recommend recommends recommendation
    recommendations suggest suggests suggestion suggestions give show get tell help prefer prefers feel feeling fancy
    mood love loves interested interest watch watching see read reading buy listen play try hoping hope wish wondering
    craving after seeking please something anything somebody list pick choose offer bring
    """
)
"""Words around a request; they are removed from both ends of the search text."""

ASKS = table(
    "want wants wanting need needs looking recommend suggest prefer fancy mood please avoid hate give show wish into"
    " something anything skip rather nothing"
)
"""Words that show that a sentence of a long text asks for something, rather than tells a story."""

RECALLS = table("remember remembers recall forgot forget forgotten whats")
"""Words of a person who looks for one thing they once knew: what they remember may be wrong, and binds nothing."""

HEDGES = table(
    "maybe probably possibly perhaps somewhat kinda around circa roughly approximately think believe guess might"
    " presumably sorta ideally preferably"
)
"""A kind or a year within a few words after one of these is a guess, and so a wish."""

GENERIC = table(
    """
    film films movie movies flick flicks picture pictures title titles item items thing things product products one ones
    book books novel novels song songs album albums track tracks game games series serial show shows gift gifts present
    presents stuff option options idea ideas something anything feature features episode episodes video videos
    recommendation recommendations suggestion suggestions brand brands pick picks choice choices
    """
)
"""Nouns that stand for "an item of the catalogue"."""

PLACEHOLDER = table(
    """
    film films movie movies flick flicks title titles item items thing things one ones stuff option options something
    anything recommendation recommendations suggestion suggestions pick picks choice choices
    """
)
"""Generic nouns that mean nothing to a search in any catalogue."""

COMMON = (
    table(
        """
        good bad great best better worst worse nice fine awesome amazing excellent perfect wonderful fantastic cool fun
        favorite favourite interesting boring predictable overrated underrated watch watched watching seen see story
        stories plot acting actor actors actress cast director movie film owned time times day night year years life
        world people person man men woman women guy girl boy thing things new old long short big small high low first
        last next way work works place home name end ending start beautiful pretty lovely stupid dumb weird strange
        crazy awful terrible original sequel series remake part two three four five top must ok okay better scene scenes
        set make made makes get give take come goes go going feel feels based book play show tv dvd video rent bought
        buy review rating rated list queue heard need want really evening weekend afternoon morning
        """
    )
    | STOP
    | GENERIC
)
"""Words that people write in passing; if a catalogue has one as a value (a careless tag), it is not a wish."""

TOPIC = table(
    "about where who whose whom that which when wherein featuring regarding concerning involving involves starring"
    " set against during between through around inside under on into over having has have while because"
)
"""The words after one of these say what the item is about; they describe and do not bind."""

COPULAS = table(
    "is are isnt arent was were has have hasnt havent doesnt does dont do can cant will wont i im ive we my"
)
"""After "that" these are about the item itself ("that is not scary"), not about its story."""

BEFORE_SUBJECT = table("of in at like as with for to") | TOPIC
"""A value directly after one of these describes and does not bind."""

POSSESSIVE = table("my your his her our their its this that these those")

DEGREE = table("too so very overly particularly especially that excessively extremely really super terribly all")
FILLERS = (
    table(
        """
        a an the any more of kind kinds sort type anything something to be watch see want like in for into with mood
        interested made set again much films film movies movie items item products product stuff things thing other
        another being is are please some these those from having made of
        """
    )
    | DEGREE
)
"""Words between a negation and what it denies."""

JOINERS = table("and or nor")

STOPPERS = table(
    "and or but with without from in by that which who where not no nor except for of only just though however yet"
) | table(
    "before after under over about set instead please plus meets also if when because so than is was are since to"
    " on less more"
)
"""Words that can follow a title, and so end it."""

MAKER_CUES = (
    r"(?:directed|written|made|created|produced|designed|composed|authored|published|sung|performed) by|by|from"
    r" director|from author|from the maker of"
)
PLAYER_CUES = r"with|starring|featuring|stars?|played by|acted by"

NUMBER_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "dozen": 12, "couple": 2,
}  # fmt: skip

DECADE_WORDS = {
    "twenties": 1920, "thirties": 1930, "forties": 1940, "fifties": 1950, "sixties": 1960, "seventies": 1970,
    "eighties": 1980, "nineties": 1990, "noughties": 2000, "aughts": 2000,
}  # fmt: skip

QUALITY = table(
    "good great best better nice decent awesome amazing excellent perfect wonderful fantastic cool fun favorite"
    " favourite top"
    " interesting really nicely suitable available enjoyable brilliant superb solid worthwhile new old"
)
"""Praise says nothing about what is wanted."""

EDGES = (
    STOP
    | ASKING
    | POLITE
    | PLACEHOLDER
    | QUALITY
    | HEDGES
    | table("made called set bit kind sort type person people similar friend friends couple actor director looks")
    | table("hated loved enjoyed enjoy")
)
"""Words that are removed from both ends of the search text."""

TRAILING = STOP | POLITE | PLACEHOLDER | QUALITY | table("set called made please watch see read feel feeling")
"""Words that are removed from the end of the search text: fewer, because "falls in love" ends with its main word."""

N = r"(?:\d+(?:\.\d+)?|" + "|".join(word for word in NUMBER_WORDS if word not in ("a", "an", "couple", "dozen")) + ")"
"""Pattern of a number in figures or words."""


def number(text: str) -> float:
    """A number in figures or words."""
    return float(NUMBER_WORDS[text]) if text in NUMBER_WORDS else float(text)
