from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.ranking.user_state import UserState, UserStateCache
from tests.tools.collaborative.pasts import past
from tests.tools.ranking.test_reranker import TEXTS, reranker

RERANKER = reranker({"linked": 1.0}, TEXTS)


def state(asked: UserSequences) -> UserState:
    return RERANKER.state_of(asked, {"linked"})


def test_a_past_is_known_by_its_identity() -> None:
    known, first, same = UserStateCache(), past((1, 1.0, 0)), past((1, 1.0, 0))
    made = state(first)
    known.put(made)
    assert known.get(first) is made
    assert known.get(same) is None


def test_the_longest_unused_go_first_and_what_is_put_again_counts_once() -> None:
    asked = [past((1, 1.0, 0)) for _ in range(3)]
    known = UserStateCache(largest_bytes=2 * state(asked[0]).size)
    for _ in range(3):
        known.put(state(asked[0]))
    known.put(state(asked[1]))
    assert known.get(asked[0]) is not None
    known.put(state(asked[2]))
    assert [known.get(p) is not None for p in asked] == [True, False, True]


def test_a_state_too_large_to_remember_is_answered_all_the_same() -> None:
    known, large = UserStateCache(largest_bytes=10), past((1, 1.0, 0))
    known.put(state(large))
    assert known.get(large) is None
