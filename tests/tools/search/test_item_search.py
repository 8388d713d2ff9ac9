from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recmind.data.conditions import Condition
from recmind.data.errors import RecMindError
from recmind.data.records import Item
from recmind.data.settings import Settings
from recmind.data.store.store import Store
from recmind.data.text import stem
from recmind.tools.evidence.findings import search_findings
from recmind.tools.search.fusion import USUAL_STD, FeatureWeights, by_logit, fuse, highest, similarity_std
from recmind.tools.search.item_search import ItemSearch
from recmind.tools.search.item_text import WordFinder, embedded_text
from recmind.tools.search.keyword_query import keyword_search
from recmind.tools.search.row_filter import RowSet
from recmind.tools.search.text_index import TextIndex
from recmind.tools.search.vector_index import VectorIndex
from tests.tools.word_encoder import WordEncoder
from tests.worlds import FILMS5, films5, item_ids

CHATTER = "Hi, I think I saw this movie years ago as a kid and can't remember the name, please help me find it! I know"
TOLD = f"{CHATTER} some detective was looking for a thief who wanted to do one last heist. Thanks anyone for any help"


@pytest.fixture
def store(tmp_path):
    with films5(tmp_path) as opened:
        yield opened


@pytest.fixture
def encoder():
    return WordEncoder()


@pytest.fixture
def search(store, encoder):
    return ItemSearch(TextIndex.fit(store, encoder))


class TestAsking:
    def test_finds_by_words_and_says_which_matched_and_where(self, search):
        first, second = search.search("monsters in space")[:2]
        assert {first.item_id, second.item_id} == {"alien", "aliens"}
        assert first.score > second.score > 0
        alien = first if first.item_id == "alien" else second
        assert (alien.words, alien.field) == (("space", "monster"), "description")
        assert alien.similarity == pytest.approx(
            search.index.vectors[0] @ search.index.encoder.encode_query("monsters in space"), abs=1e-6
        )

    def test_the_score_is_1_for_the_first_of_both_lists(self, search):
        best = search.search("detective thief heist")[0]
        assert (best.item_id, best.score) == ("heat", 1.0)

    def test_like_mixes_the_items_own_vectors_and_leaves_them_out(self, search):
        assert item_ids(search.search("", like=["alien"]))[0] == "aliens"
        assert "alien" not in item_ids(search.search("monsters in space", like=["alien"]))
        mixed = search.query_vector("comedy", ["alien"])
        plain, own = search.index.encoder.encode_query("comedy"), search.vector("alien")
        np.testing.assert_allclose(mixed, (plain + own) / np.linalg.norm(plain + own), atol=1e-6)

    def test_conditions_and_exclusions_hold_whatever_the_query(self, search):
        comedies = (Condition("genres", "=", "Comedy"),)
        assert set(item_ids(search.search("monsters in space", conditions=comedies))) == {"amelie", "up"}
        assert item_ids(search.search("monsters in space", conditions=comedies, exclude={"up"})) == ["amelie"]

    def test_every_item_that_has_a_word_comes_once(self, search):
        found = item_ids(search.search("space monster comedy", n=50))
        assert len(found) == len(set(found)) == len(FILMS5)

    @pytest.mark.parametrize("query", ["", "   "])
    def test_nothing_asked_finds_nothing(self, search, query):
        assert search.search(query) == []

    @pytest.mark.parametrize(
        "query", ['"', "NEAR(", "a AND OR NOT *", "title:alien^2", "\0\ud800", "天気の子", "-" * 50]
    )
    def test_any_text_is_words_and_never_syntax(self, search, query):
        assert isinstance(search.search(query), list)

    def test_a_long_rambling_request_is_answered(self, search):
        request = "So I remember seeing this one years ago with my cousin, " * 200 + "a space crew and a monster"
        assert item_ids(search.search(request, n=2)) != []

    def test_in_a_long_request_what_it_is_about_outweighs_the_chatter(self, search):
        first, *others = search.search(TOLD)
        assert (first.item_id, first.score) == ("heat", 1.0)
        assert first.words == ("detective", "thief", "heist", "last")  # what is chatter comes last
        assert all(1 > hit.score > 0 for hit in others)

    def test_a_long_request_holds_to_conditions_and_exclusions(self, search):
        assert set(item_ids(search.search(TOLD, conditions=(Condition("genres", "=", "Comedy"),)))) <= {"amelie", "up"}
        assert "heat" not in item_ids(search.search(TOLD, exclude={"heat"}))
        assert search.search(TOLD, conditions=(Condition("year", ">", 2050.0),)) == []
        assert len(search.search(TOLD, n=2)) == 2

    def test_the_years_that_a_long_request_mentions_decide_between_equals(self, store, encoder):
        store.items.put([Item(f"twin{year}", "Twins", "Two sisters meet.", {"year": year}) for year in (1961, 1994)])
        search = ItemSearch(TextIndex.fit(store, encoder))
        told = f"{CHATTER} two sisters meet each other again in a little harbor town, it was from the "
        for years, expected in (("early 60s", ["twin1961", "twin1994"]), ("90s", ["twin1994", "twin1961"])):
            assert [found for found in item_ids(search.search(told + years)) if found.startswith("twin")] == expected

    def test_a_long_request_finds_items_added_since_and_none_that_is_gone(self, store, search):
        store.items.put([Item("zoo", "Zoo", "Zebras escape from a burning zoo and cross the frozen river.")])
        store.items.set_available(["heat"], False)
        told = f"{CHATTER} some zebras escape from a zoo that is burning, and they cross a frozen river"
        assert item_ids(search.search(told))[0] == "zoo"
        assert "heat" not in item_ids(search.search(f"{told}, and a detective and a thief before the last heist"))

    def test_what_a_long_request_is_compared_with_is_what_its_similarities_say(self, search):
        hit = search.search(TOLD)[0]
        again = search.similarities(search.query_vector(TOLD), [hit.item_id])
        assert hit.similarity == pytest.approx(float(again[0]), abs=1e-6)

    def test_unavailable_and_removed_items_never_come_even_before_a_new_build(self, store, search):
        store.items.set_available(["alien"], False)
        store.items.remove(["aliens"])
        assert not {"alien", "aliens"} & set(item_ids(search.search("monsters in space", n=50)))
        assert item_ids(
            search.search("", like=["alien"], n=50)
        )  # what is not available can still be what others are like

    def test_items_added_since_are_found_by_their_words(self, store, search):
        store.items.put([Item("zoo", "Zoo", "Zebras escape.")])
        hit = next(hit for hit in search.search("zebras", n=2) if hit.item_id == "zoo")
        assert (hit.similarity, hit.words, hit.field) == (None, ("zebras",), "description")
        assert search.vector("zoo") is None

    def test_similarities_are_nan_where_they_are_not_known(self, search):
        vector = search.query_vector("space")
        found = search.similarities(vector, ["up", "unknown", "alien"])
        np.testing.assert_allclose(found[[0, 2]], search.index.vectors[[4, 0]] @ vector, atol=1e-6)
        assert np.isnan(found[1])
        assert np.isnan(search.similarities(None, ["up"])).all()


@pytest.mark.parametrize("share", [1.0, 0.7, 0.2, 0.0])
def test_words_are_ranked_alike_however_many_items_are_allowed(tmp_path, monkeypatch, share):
    rng = np.random.default_rng(2)
    with Store(tmp_path / "many.db") as store:
        texts = [" ".join(f"w{word}" for word in rng.integers(0, 30, 4)) for _ in range(300)]
        items = [Item(f"i{n}", text, attributes={"group": int(rng.random() < share)}) for n, text in enumerate(texts)]
        store.items.put(items[:280])
        search = ItemSearch(TextIndex.fit(store, WordEncoder()))
        store.items.put(items[280:])
        conditions = (Condition("group", "=", 1.0),)
        for common in (0, 10**6):
            monkeypatch.setattr("recmind.tools.search.keyword_query.COMMON", common)
            for excluded in (set(), {f"i{n}" for n in range(0, 300, 3)}):
                allowed = search.index.allowed(conditions, excluded)
                numbers = np.setdiff1d(store.items.matching(conditions), [*store.items.numbers_of(excluded).values()])
                every = search.index.allowed()
                whole = [n for n in keyword_search(search.index, "w3 w7", 10**4, every) if n in numbers]
                assert keyword_search(search.index, "w3 w7", 10**4, allowed) == whole
                assert keyword_search(search.index, "w3 w7", 5, allowed) == whole[:5]


class TestBuilding:
    def test_an_unchanged_text_is_not_encoded_again(self, store, encoder, search):
        assert len(encoder.encoded) == len(FILMS5)
        encoder.encoded.clear()
        store.items.put([Item("up", "Up", "A widower flies away with a scout.")])
        again = TextIndex.fit(store, encoder, search.index)
        assert [text.split(".")[0] for text in encoder.encoded] == ["Up"]
        assert again.encoded == 1
        fresh = TextIndex.fit(store, WordEncoder())
        np.testing.assert_array_equal(again.vectors, fresh.vectors)

    def test_removed_and_new_items_keep_vectors_and_items_together(self, store, encoder, search):
        store.items.remove(["alien"])
        store.items.put([Item("new", "Brand New", "Something else.")])
        again = TextIndex.fit(store, encoder, search.index)
        for item_id in ("aliens", "amelie", "heat", "up", "new"):
            item = store.items.get(item_id)
            expected = encoder.encode_query(embedded_text(item, store.settings))
            np.testing.assert_allclose(ItemSearch(again).vector(item_id), expected, atol=1e-6)

    def test_another_encoder_reuses_nothing(self, store, search):
        other = WordEncoder()
        other.checksum = "2"
        assert TextIndex.fit(store, other, search.index).encoded == len(FILMS5)

    def test_items_with_one_text_share_one_encoding(self, store, encoder):
        store.items.put([Item("a", "Same"), Item("b", "Same")])
        search = ItemSearch(TextIndex.fit(store, encoder))
        assert search.index.encoded == len(FILMS5) + 1
        np.testing.assert_array_equal(search.vector("a"), search.vector("b"))

    def test_saved_and_loaded_it_answers_alike(self, store, encoder, search, tmp_path):
        search.index.save(tmp_path)
        loaded = ItemSearch(TextIndex.load(tmp_path, store, encoder))
        assert loaded.search("space comedy", like=["up"]) == search.search("space comedy", like=["up"])
        assert loaded.search(TOLD) == search.search(TOLD)
        assert not loaded.index.vectors.flags.writeable

    def test_a_damaged_file_is_named(self, store, encoder, search, tmp_path):
        search.index.save(tmp_path)
        np.save(tmp_path / "search_numbers.npy", np.arange(2))
        with pytest.raises(
            RecMindError, match=r"search_numbers\.npy' is corrupt \(array lengths differ\)\. Run: recmind index"
        ):
            TextIndex.load(tmp_path, store, encoder)
        search.index.save(tmp_path)
        np.save(tmp_path / "search_years.npy", np.zeros(2, dtype=np.float32))
        with pytest.raises(RecMindError, match=r"search_years\.npy' is corrupt"):
            TextIndex.load(tmp_path, store, encoder)
        search.index.save(tmp_path)
        (tmp_path / "bm25.json").write_text('{"count": 1, "lengths": [1, 1, 1]}')
        with pytest.raises(RecMindError, match=r"bm25\.json' is corrupt"):
            TextIndex.load(tmp_path, store, encoder)
        (tmp_path / "bm25.json").write_text("{}")
        with pytest.raises(RecMindError, match=r"cannot be read .*Run: recmind index"):
            TextIndex.load(tmp_path, store, encoder)
        (tmp_path / "search_vectors.npy").write_bytes(b"junk")
        with pytest.raises(RecMindError, match=r"cannot be read .*Run: recmind index"):
            TextIndex.load(tmp_path, store, encoder)

    def test_a_pickle_is_not_loaded(self, store, encoder, search, tmp_path):
        search.index.save(tmp_path)
        np.save(tmp_path / "search_vectors.npy", np.array([{"a": 1}]), allow_pickle=True)
        with pytest.raises(RecMindError, match="cannot be read"):
            TextIndex.load(tmp_path, store, encoder)

    def test_vectors_of_another_encoder_are_refused(self, store, encoder, search, tmp_path):
        search.index.save(tmp_path)
        other = WordEncoder()
        other.name = "others"
        with pytest.raises(RecMindError, match="built with the encoder 'words', and the settings name 'others'"):
            TextIndex.load(tmp_path, store, other)


def test_fusion_counts_ranks_in_all_lists():
    assert fuse([[1, 2], [2, 3]]) == [
        (2, pytest.approx((1 / 62 + 1 / 61) / (2 / 61))),
        (1, pytest.approx(0.5)),
        (3, pytest.approx(1 / 62 / (2 / 61))),
    ]
    assert fuse([[7, 8], [8, 7]])[0][0] == 7  # a tie goes to the lower number
    assert fuse([]) == []


def test_logits_become_scores_beside_the_best():
    weights = FeatureWeights(words=1.0, meaning=2.0, years=0.0)
    features = np.array([[1.0, 0.0, 9.0], [0.0, 1.0, 9.0], [0.0, 1.0, 0.0]])
    logits = weights.of(features)
    assert logits.tolist() == [1.0, 2.0, 2.0]
    ordered = by_logit(np.array([5, 9, 7]), logits)
    assert ordered == [(7, 1.0), (9, 1.0), (5, 0.5)]  # a tie goes to the lower number
    assert by_logit(np.array([], dtype=np.int64), np.array([])) == []


def test_the_highest_scores():
    scores = np.array([0.0, 3.0, 1.0, 2.0], dtype=np.float32)
    assert set(highest(scores, 2).tolist()) == {1, 3}
    assert highest(scores, 9).tolist() == [0, 1, 2, 3]
    assert sorted(highest(np.array([2, 5, 2, 2, 1], dtype=np.float32), 3).tolist()) == [0, 1, 2]


def test_the_spread_is_that_of_the_catalogue_where_it_is_large_enough(vectors):
    assert similarity_std(vectors[:20]) == similarity_std(vectors[:0]) == USUAL_STD
    sample = vectors[::19][:256]
    expected = (sample @ sample.T)[np.triu_indices(256, 1)].std()
    assert similarity_std(vectors) == pytest.approx(float(expected), rel=1e-4)


class TestFindings:
    def test_rows_carry_the_words_and_the_similarity(self, search):
        hits = search.search("a heist", n=1)
        row = search_findings(hits, search, query="a heist").rows[0]
        assert (row.item_id, row.title, row.evidence[0].kind) == ("heat", "Heat", "semantic")
        assert row.evidence[0].data["words"] == ["heist"]
        assert row.evidence[0].data["similarity"] == pytest.approx(hits[0].similarity, abs=1e-4)
        assert row.scores == {"search": hits[0].score, "semantic": hits[0].similarity}

    def test_likeness_is_told_of_what_is_really_alike(self, search):
        findings = search_findings(search.search("", like=["alien"]), search, like=["alien"])
        told = {row.item_id: [e.text for e in row.evidence if e.kind == "semantic"] for row in findings.rows}
        assert told["aliens"] == ["a description close to that of Alien"]
        assert told["up"] == []

    def test_an_empty_result_says_what_to_loosen(self, search):
        late = (Condition("year", ">", 2050.0),)
        assert "year>2050" in search_findings([], search, query="space", conditions=late).note
        assert "Loosen a condition" in search_findings([], search, query="space").note
        assert "needs words" in search_findings([], search).note


class TestText:
    def test_what_is_embedded(self):
        item = Item(
            "1",
            "Alien",
            "A crew.",
            {"genres": ("Horror", "Sci-Fi"), "year": 1979, "imdb_id": "tt0078748", "dry_humor": "no", "empty": ()},
        )
        assert embedded_text(item, Settings()) == "Alien. A crew. dry humor: no. genres: Horror, Sci-Fi"
        assert embedded_text(Item("1"), Settings()) == ""

    def test_long_fields_leave_room_for_the_others(self):
        item = Item("1", "T", "word " * 50_000, {"tags": tuple(f"tag{n}" for n in range(1000))})
        text = embedded_text(item, Settings())
        assert text.endswith("tag10, tag11")
        assert len(text) < 1000

    def test_words_are_found_in_any_form_where_most_of_them_stand(self):
        finder = WordFinder(Settings())
        item = Item("1", "Running Man", "He runs, hunted through cities.", {"tags": ("city", "game show")})
        found = finder.find("running from hunters in the city", item)
        assert found == (("running", "city", "runs", "cities"), "description")
        assert finder.find("the of and", item) == ((), "")
        changed = Item("1", "Walking")
        assert finder.find("walk", changed) == (("walking",), "title")

    @pytest.mark.parametrize(
        ("one", "other"),
        [("heists", "heist"), ("stories", "story"), ("hunted", "hunting"), ("boxes", "box"), ("movie", "movies")],
    )
    def test_forms_of_a_word_share_their_stem(self, one, other):
        assert stem(one) == stem(other)

    def test_different_words_do_not(self):
        assert len({stem(word) for word in ("glass", "gas", "news", "new", "string", "king", "bee")}) >= 6


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(20, 32))
    made = centers[rng.integers(0, 20, 5000)] + 0.7 * rng.normal(size=(5000, 32))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def brute(vectors, query, n, allowed):
    rows = np.arange(len(vectors)) if allowed is None else allowed
    similarities = vectors[rows] @ query
    order = np.lexsort((rows, -similarities))[:n]
    return rows[order], similarities[order]


def some(share: float, total: int) -> np.ndarray:
    return np.flatnonzero(np.random.default_rng(int(share * 1000)).random(total) < share)


def rows_of(allowed: np.ndarray | None, vectors: np.ndarray) -> RowSet | None:
    return None if allowed is None else RowSet.of(allowed, len(vectors))


class TestVectorIndex:
    @pytest.fixture(autouse=True)
    def gathers_few(self, monkeypatch):
        monkeypatch.setattr("recmind.tools.search.vector_index.GATHER_UP_TO", 200)
        monkeypatch.setattr("recmind.tools.search.vector_index.GATHERED", 0)

    @pytest.mark.parametrize("share", [None, 1.0, 0.9, 0.4, 0.06, 0.04, 0.001, 0.0])
    def test_flat_search_equals_brute_force_under_any_filter(self, vectors, share):
        allowed = None if share is None else some(share, len(vectors))
        index = VectorIndex(vectors)
        for query in vectors[:5] * np.float32(0.6) + vectors[5:10] * np.float32(0.4):
            rows, similarities = index.nearest(query, 20, rows_of(allowed, vectors))
            expected, values = brute(vectors, query, 20, allowed)
            assert rows.tolist() == expected.tolist()
            np.testing.assert_allclose(similarities, values, atol=1e-5)

    @pytest.mark.parametrize("share", [0.4, 0.06, 0.04, 0.001])
    def test_lists_are_exact_where_a_filter_leaves_few(self, vectors, tmp_path, share):
        index = VectorIndex.build(vectors, tmp_path, flat_up_to=1000)
        allowed = some(share, len(vectors))
        rows, _ = index.nearest(vectors[1], 20, rows_of(allowed, vectors))
        assert rows.tolist() == brute(vectors, vectors[1], 20, allowed)[0].tolist()

    @pytest.mark.parametrize("share", [None, 0.8])
    def test_lists_find_nearly_all_and_read_in_full_all(self, vectors, tmp_path, monkeypatch, share):
        VectorIndex.build(vectors, tmp_path, flat_up_to=1000)
        index = VectorIndex(vectors, tmp_path / "lists.faiss")
        assert index.kind == "lists"
        allowed = None if share is None else some(share, len(vectors))
        expected = [set(brute(vectors, query, 10, allowed)[0].tolist()) for query in vectors[:50]]
        found = [index.nearest(query, 10, rows_of(allowed, vectors))[0].tolist() for query in vectors[:50]]
        assert np.mean([len(e & set(f)) / 10 for e, f in zip(expected, found, strict=True)]) >= 0.95
        monkeypatch.setattr("recmind.tools.search.vector_index.PROBES", 10_000)
        assert [
            set(index.nearest(query, 10, rows_of(allowed, vectors))[0].tolist()) for query in vectors[:50]
        ] == expected

    def test_few_vectors_need_no_lists(self, vectors, tmp_path):
        assert VectorIndex.build(vectors, tmp_path).kind == "flat"
        assert list(Path(tmp_path).iterdir()) == []

    def test_no_vectors_and_no_wish(self, vectors):
        assert len(VectorIndex(vectors[:0]).nearest(vectors[0], 5)[0]) == 0
        assert len(VectorIndex(vectors).nearest(vectors[0], 0)[0]) == 0

    def test_more_than_there_are(self, vectors):
        rows, _ = VectorIndex(vectors[:3]).nearest(vectors[0], 10)
        assert sorted(rows.tolist()) == [0, 1, 2]

    def test_equal_vectors_come_by_row(self):
        same = np.ones((6, 1), dtype=np.float32)
        assert VectorIndex(same).nearest(same[0], 6)[0].tolist() == [0, 1, 2, 3, 4, 5]
