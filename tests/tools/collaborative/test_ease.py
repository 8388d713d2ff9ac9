import numpy as np
import pytest

from recmind.tools.collaborative import ease as ease_module
from recmind.tools.collaborative.ease import ease


def by_the_book(taken: np.ndarray, regularization: float) -> np.ndarray:
    inverse = np.linalg.inv(taken.T @ taken + regularization * np.eye(taken.shape[1]))
    found = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(found, 0)
    return np.maximum(found, 0)


@pytest.mark.parametrize("by_users", [True, False])
def test_ease_is_that_of_the_paper(by_users: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    taken = (rng.random((40, 25)) < 0.3).astype(float)
    users, items = np.nonzero(taken)
    if not by_users:
        monkeypatch.setattr(ease_module, "EASE_USERS", 0)
    found = ease(users, items, 25, regularization=5.0)
    assert found is not None
    np.testing.assert_allclose(found.toarray(), by_the_book(taken, 5.0), atol=1e-4)


def test_ease_is_not_fitted_where_it_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease_module, "EASE_USERS", 1)
    monkeypatch.setattr(ease_module, "EASE_ITEMS", 2)
    assert ease(np.array([0, 1]), np.array([0, 2]), 3) is None
