from recmind.data.conditions import Condition
from recmind.data.store.store import Store
from recmind.tools.evidence.loosening import loosening, unmet


def test_loosening_names_the_conditions_to_drop(films10: Store) -> None:
    comedy, old, long_ago = (
        Condition("genres", "=", "Comedy"),
        Condition("year", "<", 1970),
        Condition("year", "<", 1900),
    )
    assert loosening(films10, (comedy, old)) == "without year<1970 there are 3; without genres=Comedy there are 1"
    assert loosening(films10, (comedy, old), exclude={"psycho"}) == "without year<1970 there are 3"
    assert loosening(films10, (comedy,)) == "without genres=Comedy there are 10"
    assert loosening(films10, (old, long_ago)) == "without year<1900 there are 1"
    assert unmet(films10, (old,), exclude={"psycho"}) == (
        "The only item that meets year<1970 is excluded. Without year<1970 there are 9."
    )
    assert unmet(films10, ()) == "The catalogue has no available item."
