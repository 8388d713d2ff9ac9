import numpy as np

from recmind.tools.collaborative.model import SeedVector
from recmind.tools.collaborative.neighbors import Neighbors
from recmind.tools.collaborative.user_sequence import SequenceItem
from recmind.tools.ranking.user_state import UserState, UserStateCache


def past(*items: int) -> tuple[SequenceItem, ...]:
    return tuple(SequenceItem(item, 1.0, age) for age, item in enumerate(items))


def state(numbers: int) -> UserState:
    none = np.empty(0, np.int64)
    neighbors = Neighbors(none, none, none, none, None, none, np.empty(0), 0)
    seeds = SeedVector(none, np.empty(0), np.empty(0, np.bool_), neighbors, np.empty(0))
    return UserState(np.zeros((numbers, 4)), seeds, {}, {}, 0.0)


def test_a_past_is_known_by_its_identity_and_for_the_features_it_was_asked_with() -> None:
    known, first, same = UserStateCache(), past(1, 2), past(1, 2)
    made = state(2)
    known.put(first, frozenset({"linked", "text"}), made)
    assert known.get(first, frozenset({"text"})) is made
    assert known.get(first, frozenset({"long_term"})) is None
    assert known.get(same, frozenset({"text"})) is None


def test_the_longest_unused_go_first_and_what_is_put_again_counts_once() -> None:
    size = state(10).size
    known = UserStateCache(largest_bytes=2 * size)
    pasts = [past(n) for n in range(3)]
    for _ in range(3):
        known.put(pasts[0], frozenset(), state(10))
    known.put(pasts[1], frozenset(), state(10))
    assert known.get(pasts[0], frozenset()) is not None
    known.put(pasts[2], frozenset(), state(10))
    assert [known.get(p, frozenset()) is not None for p in pasts] == [True, False, True]


def test_a_state_too_large_to_remember_is_answered_all_the_same() -> None:
    known, large = UserStateCache(largest_bytes=10), past(1)
    known.put(large, frozenset(), state(10))
    assert known.get(large, frozenset()) is None
