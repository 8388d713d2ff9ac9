from pathlib import Path

from recmind.data.conditions import Condition
from recmind.tools.evidence.loosening import loosening, unmet
from tests.tools.worlds import films


def test_loosening_names_the_conditions_to_drop(tmp_path: Path) -> None:
    store = films(tmp_path)
    comedy, old, long_ago = (
        Condition("genres", "=", "Comedy"),
        Condition("year", "<", 1970),
        Condition("year", "<", 1900),
    )
    assert loosening(store, (comedy, old)) == "without year<1970 there are 3; without genres=Comedy there are 1"
    assert loosening(store, (comedy, old), exclude={"psycho"}) == "without year<1970 there are 3"
    assert loosening(store, (comedy,)) == "without genres=Comedy there are 10"
    assert loosening(store, (old, long_ago)) == "without year<1900 there are 1"
    assert unmet(store, (old,), exclude={"psycho"}) == (
        "The only item that meets year<1970 is excluded. Without year<1970 there are 9."
    )
    assert unmet(store, ()) == "The catalogue has no available item."
