import pytest

from recmind.data.lists import first_few, series


@pytest.mark.parametrize(
    ("values", "text"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more")],
)
def test_of_many_only_the_first_are_named(values, text):
    assert first_few(values) == text


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
    assert series(parts, "or") == plain
    assert series(parts, "or", comma=True) == with_comma
