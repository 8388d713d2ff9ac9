from __future__ import annotations

import math

import pytest

from recmind.data.text import stem
from recmind.tools.search.bm25 import Bm25Builder
from recmind.tools.search.word_weights import LONG, TermWeights, term_weights

STORY = "I think I saw this movie years ago, a marshal chases a smuggler across a glacier, then the balloon explodes"


@pytest.fixture
def weights_of():
    words = Bm25Builder()
    for text in (["marshal", "balloon"], ["balloon"], ["balloon"], [stem("movie")], []):
        words.add(([], text, []))
    return TermWeights(words.build())


def test_chatter_weighs_less_than_what_it_is_about_and_stop_words_nothing():
    weights = term_weights(STORY)
    assert weights["marshal"] == weights[stem("glacier")] == 1.0
    assert 0 < weights[stem("movie")] < weights[stem("years")] < 1
    assert "the" not in weights
    assert "i" not in weights


def test_a_word_said_again_weighs_more_in_any_form():
    assert term_weights("balloon, balloons, balloon") == {"balloon": pytest.approx(1 + math.log(3))}
    assert term_weights("") == {}


def test_only_the_words_of_a_long_request_have_a_worth(weights_of):
    assert weights_of.of("a marshal in a balloon") == ()
    assert weights_of.of(" ".join(f"word{n}" for n in range(LONG - 1))) == ()
    assert len(weights_of.of(" ".join(f"word{n}" for n in range(LONG)))) == LONG


def test_worth_is_by_place_and_higher_for_rare_words(weights_of):
    by_word = {STORY[start:end]: value for start, end, value in weights_of.of(STORY)}
    assert list(by_word)[:3] == ["think", "saw", "movie"]
    assert by_word["marshal"] > by_word["balloon"] > 0  # one item has the marshal, three the balloon
    assert by_word["smuggler"] > by_word["marshal"]  # what no item says may be another word for what one does
    assert by_word["movie"] < by_word["marshal"] / 2
    assert weights_of.of(STORY) is weights_of.of(STORY)
