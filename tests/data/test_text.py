"""Keys for comparing and looking up."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from recmind.data.store import schema
from recmind.data.text import (
    clean,
    fold,
    format_number,
    normalize,
    put_article_first,
    stem,
    title_keys,
    to_number,
    words,
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Amélie", "amelie"),
        ("Ocean's Eleven", "oceans eleven"),
        ("Fast & Furious", "fast and furious"),
        ("WALL·E", "wall e"),
        ("  Spider-Man:  2 ", "spider man 2"),
        ("ＦＵＬＬ", "full"),
        ("Straße", "strasse"),
        ("千と千尋", "千と千尋"),
        ("हिन्दी", "हिन्दी"),
        ("🎃", ""),
        ("a\ud800b", "a b"),
    ],
)
def test_normalize_forgives_case_accents_and_punctuation(text: str, key: str) -> None:
    assert normalize(text) == key
    assert normalize(key) == key


def test_fold_keeps_accents_and_punctuation() -> None:
    assert fold("  Amélie\t(2001) ") == "amélie (2001)"


def test_clean_makes_text_storable() -> None:
    assert clean(" a\0b\ud800 ") == "ab\ufffd"


def test_words_are_those_of_the_index() -> None:
    assert words("Don't panic, É!") == ["don", "t", "panic", "é"]


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("The Net", {"the net": 0, "net": 1}),
        ("Matrix, The", {"matrix the": 0, "the matrix": 1, "matrix": 1}),
        ("Alien: Resurrection", {"alien resurrection": 0, "alien": 2}),
        ("Rocky II (1979)", {"rocky ii 1979": 0, "rocky ii": 1, "rocky 2": 1}),
        ("", {}),
        ("!!!", {}),
    ],
)
def test_title_keys_say_how_far_they_are(title: str, keys: dict[str, int]) -> None:
    assert title_keys(title) == keys


def test_articles_of_several_languages_move_to_the_front() -> None:
    assert [put_article_first(t) for t in ("Net, The", "Haine, La", "Appartement, L'", "Me, Myself & Irene")] == [
        "The Net", "La Haine", "L'Appartement", "Me, Myself & Irene",
    ]  # fmt: skip


def test_numbers_are_only_what_reads_back_the_same() -> None:
    assert [to_number(t) for t in ("7", "-1.5", ".5", "1e3", "007", "1_000", "nan", "inf", "٣", "")] == [
        7.0, -1.5, 0.5, 1000.0, None, None, None, None, None, None,
    ]  # fmt: skip
    assert [format_number(n) for n in (1999.0, 7.5, -0.25)] == ["1999", "7.5", "-0.25"]


def test_a_number_between_control_characters_is_one():
    # str.strip takes them for white space, float does not.
    assert to_number("0\x1f") == 0.0


FORMS = """
    heist heists story stories hunted hunting box boxes movie movies run running runs city cities funny funnier glass
    gas news new string king bee rain rainy scare scary tense tension comedy comedies comedic mystery mysterious
    detective detectives detecting space spaces spaceship spaceships alien aliens alienated robot robots robotic
    intelligent intelligence intelligently philosophy philosophical psychology psychological
    psychologically psychologies technology
    technologies technological biology geology trilogy trilogies apology apologies analogy archaeologist archaeology
    incredible incredibly terrible terribly horribly assembly assemblies assemble noble nobly doubly feebly possibly
    lovely love loving loved lover romance romances romantic romantically violent violence violently dream dreams
    dreamlike dreaming animated animation animator relational conditional rational valency hesitancy digitizer
    conformably radically differently vilely analogously vietnamization predication operator feudalism decisiveness
    hopefulness callousness formality sensitivity sensibility triplicate formative formalize electricity electrical
    hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement
    adjustment dependent adoption homologous communism activate angularity effective bowdlerize probate rate cease
    controlling rolling caresses ponies ties cats feed agreed plastered bled motoring sing conflated troubled sized
    hopping tanned falling hissing fizzed failing filing happy sky as is us vs s a ii 90s 2001 1990s r2d2 moisturizing
    moisturizer moisturizers cleanser cleansers cleansing conditioner shampoos brushes polishes fragrances amélie
    naïve cafés señor über straße фильм фильмы 東京 œuvre
"""


def test_a_stem_is_what_the_full_text_index_makes_of_the_word():
    """So that what search finds by its words and what is proved of it cannot disagree."""
    forms = [normalize(word) for word in FORMS.split()]
    with closing(sqlite3.connect(":memory:")) as database:
        (tokenizer,) = re.findall(r"tokenize = '(porter[^']*)'", Path(schema.__file__).read_text(encoding="utf-8"))
        database.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = '{tokenizer}')")
        database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'instance')")
        database.executemany("INSERT INTO texts(rowid, text) VALUES (?, ?)", enumerate(forms))
        indexed = dict(database.execute("SELECT doc, term FROM terms"))
    assert len(forms) > 200
    assert {word: stem(word) for word in forms} == {word: indexed[n] for n, word in enumerate(forms)}


def test_threads_get_the_same_stems():
    forms = FORMS.split() * 20
    expected = [stem(word) for word in forms]
    stem.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(stem, forms)) == expected
