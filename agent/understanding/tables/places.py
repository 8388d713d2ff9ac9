"""Languages and countries by the adjective that people use for both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """What "French" may mean: normalized values, empty if it has no such meaning."""

    languages: tuple[str, ...]
    countries: tuple[str, ...]


_TABLE = """
english: english en eng | england, united kingdom, uk, great britain
british: | united kingdom, uk, great britain, gb, england
american: | united states, usa, us, united states of america
american english: |
french: french fr fra | france, fr
german: german de deu | germany, west germany, de
italian: italian it ita | italy
spanish: spanish es spa | spain
portuguese: portuguese pt por | portugal
brazilian: | brazil
mexican: | mexico
argentinian: | argentina
argentine: | argentina
japanese: japanese ja jpn | japan
korean: korean ko kor | south korea, korea
south korean: | south korea, korea
chinese: mandarin, chinese, cantonese, zh | china, hong kong, taiwan
mandarin: mandarin |
cantonese: cantonese |
taiwanese: | taiwan
indian: | india
hindi: hindi hi |
bengali: bengali bn |
russian: russian ru rus | russia, soviet union
soviet: | soviet union
swedish: swedish sv | sweden
danish: danish da | denmark
norwegian: norwegian no | norway
finnish: finnish fi | finland
icelandic: icelandic is | iceland
dutch: dutch nl | netherlands
belgian: | belgium
polish: polish pl | poland
czech: czech cs | czech republic, czechia, czechoslovakia
hungarian: hungarian hu | hungary
romanian: romanian ro | romania
greek: greek el | greece
turkish: turkish tr | turkey
iranian: | iran
persian: persian fa | iran
farsi: persian farsi fa |
arabic: arabic ar |
egyptian: | egypt
israeli: | israel
hebrew: hebrew he |
australian: | australia
canadian: | canada
irish: irish ga | ireland
scottish: | scotland
welsh: welsh cy | wales
austrian: | austria
swiss: | switzerland
ukrainian: ukrainian uk | ukraine
thai: thai th | thailand
vietnamese: vietnamese vi | vietnam
indonesian: indonesian id | indonesia
african: |
south african: | south africa
cuban: | cuba
chilean: | chile
colombian: | colombia
serbian: serbian sr | serbia, yugoslavia
latin: latin la |
"""


def _parse(table: str) -> dict[str, Origin]:
    origins: dict[str, Origin] = {}
    for line in table.strip().splitlines():
        name, _, rest = line.partition(":")
        languages, _, countries = rest.partition("|")
        spoken = languages.replace(",", " ").split()
        lived = tuple(country.strip() for country in countries.split(",") if country.strip())
        if spoken or lived:
            origins[name.strip()] = Origin(tuple(spoken), lived)
    return origins


ORIGINS: dict[str, Origin] = _parse(_TABLE)

COUNTRY_NAMES: dict[str, tuple[str, ...]] = {
    "america": ("united states", "usa", "us"),
    "usa": ("united states", "usa", "us"),
    "the us": ("united states", "usa", "us"),
    "the usa": ("united states", "usa", "us"),
    "the states": ("united states", "usa", "us"),
    "uk": ("united kingdom", "uk", "great britain"),
    "britain": ("united kingdom", "uk", "great britain"),
    "great britain": ("united kingdom", "uk", "great britain"),
    "england": ("england", "united kingdom", "uk"),
    "korea": ("south korea", "korea"),
    "russia": ("russia", "soviet union"),
    "holland": ("netherlands",),
    "germany": ("germany", "west germany"),
}
"""Everyday names of countries; all other names are looked up unchanged."""
