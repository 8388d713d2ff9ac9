import pytest

from recmind.data import wording


def test_long_words_are_cut_in_quotation_marks() -> None:
    assert wording.quoted("word " * 40).endswith("…”")
    assert len(wording.quoted("word " * 40)) < wording.QUOTE_LENGTH + 5


def test_a_line_of_values_names_no_attribute() -> None:
    assert wording.values_line({"year": (1999,), "genres": ("Comedy", "Sci-Fi"), "x": ()}) == "1999 · Comedy, Sci-Fi"


@pytest.mark.parametrize(
    ("values", "text"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more")],
)
def test_of_many_only_the_first_are_named(values, text):
    assert wording.first_few(values) == text


@pytest.mark.parametrize(
    ("parts", "plain", "with_comma"),
    [
        ([], "", ""),
        (["a"], "a", "a"),
        (["a", "b"], "a or b", "a or b"),
        (["a", "b", "c"], "a, b or c", "a, b, or c"),
    ],
)
def test_a_word_stands_before_the_last(parts, plain, with_comma):
    assert wording.series(parts, "or") == plain
    assert wording.series(parts, "or", comma=True) == with_comma
