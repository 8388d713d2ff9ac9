from recmind.data import wording


def test_long_words_are_cut_in_quotation_marks() -> None:
    assert wording.quoted("word " * 40).endswith("…”")
    assert len(wording.quoted("word " * 40)) < wording.QUOTE_LENGTH + 5


def test_a_line_of_values_names_no_attribute() -> None:
    assert wording.values_line({"year": (1999,), "genres": ("Comedy", "Sci-Fi"), "x": ()}) == "1999 · Comedy, Sci-Fi"
