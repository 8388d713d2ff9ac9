"""Keeps, corrects and forgets the lasting preferences of users."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recmind.agent.preferences.statements import read_statements
from recmind.agent.understanding import preferences
from recmind.data.conditions import Condition, parse_condition
from recmind.data.errors import ConditionError, InputError
from recmind.data.records import Preference
from recmind.data.text import normalize
from recmind.data.wording import quoted

if TYPE_CHECKING:
    from recmind.data.store.store import Store
    from recmind.tools.engines.titles import TitleFinder

_BELOW, _ABOVE = ("<", "<="), (">", ">=")


def keep_preference(
    user_id: str, text: str, store: Store, finder: TitleFinder, *, source: str = "stated", at: float | None = None
) -> list[Preference]:
    """The preferences kept: one record for each condition that the text means for this catalogue.

    What the user said before about the same thing is replaced: another bound on the same number, or the opposite.

    Args:
        user_id: the user.
        text: the preference in plain words.
        store: keeps the preference; its catalogue gives the words their meaning.
        finder: finds items by their titles.
        source: how the preference became known; ``stated`` by default.
        at: Unix seconds; None takes the clock.

    Raises:
        InputError: nothing in the text can be kept; the message says what can.
    """
    found = [replace(preference, source=source) for preference in preferences(user_id, text, store, finder, at=at)]
    if not found:
        raise InputError(
            f"Nothing in {quoted(text)} can be kept: say what to leave out (“no ...”), a bound on a number, "
            "“only ...”, or what you love, in words of the catalogue."
        )
    conditions = [parse_condition(preference.condition) for preference in found]
    with store.writing():
        for known in store.preferences.of_user(user_id):
            old = _condition(known)
            if old is not None and any(_replaces(new, old) for new in conditions):
                store.preferences.delete(known)
        for preference in found:
            store.preferences.put(preference)
    return found


def forget_preference(user_id: str, text: str, store: Store, finder: TitleFinder) -> list[Preference]:
    """Forgets the preferences of the user that this text means; returns them, empty if it means none.

    Args:
        user_id: the user.
        text: the condition itself, the words that were kept or some of them, or other words for the same.
        store: keeps the preferences.
        finder: finds items by their titles.
    """
    known = store.preferences.of_user(user_id)
    key = f" {normalize(text)} "
    meant = [p for p in known if text.strip() == p.condition or f" {normalize(p.text)} " == key]
    if not meant:
        conditions = {preference.condition for preference in preferences(user_id, text, store, finder)}
        meant = [p for p in known if p.condition in conditions]
    if not meant and key.strip():
        meant = [p for p in known if key in f" {normalize(p.text)} "]
    for preference in meant:
        store.preferences.delete(preference)
    return meant


@dataclass(frozen=True, slots=True)
class Settled:
    """A request after its lasting preferences were kept or forgotten."""

    query: str
    """The request without the lasting preferences."""
    notes: tuple[str, ...] = ()
    """What was kept or forgotten, or could not be, a sentence each."""


def asked_now(query: str, user_id: str | None) -> str:
    """The request without its lasting preferences; nothing is kept or forgotten yet.

    Args:
        query: the request.
        user_id: the user; None for nobody: then the preferences stay in the request.
    """
    said = read_statements(query)
    return said.now if user_id is None else said.rest


def settle_statements(query: str, user_id: str | None, store: Store, finder: TitleFinder) -> Settled:
    """Keeps or forgets the lasting preferences in a request; returns the request without them.

    If nobody is named, the preferences hold for this request only.

    Args:
        query: the request.
        user_id: the user; None for nobody.
        store: keeps the preferences.
        finder: finds items by their titles.
    """
    said = read_statements(query)
    if not said.keep and not said.forget:
        return Settled(query)
    if user_id is None:
        return Settled(said.now, ("I do not know who is asking, so nothing is kept beyond this conversation.",))
    notes = [said_of_forgotten(text, forget_preference(user_id, text, store, finder)) for text in said.forget]
    left: list[str] = []
    for text in said.keep:
        try:
            notes.append(said_of_kept(keep_preference(user_id, text, store, finder, at=time.time())))
        except InputError:
            notes.append(
                f"I could not keep {quoted(text)}: it names nothing that tells the items of this catalogue apart."
            )
            left.append(text)
    return Settled(". ".join(part for part in (said.rest, *left) if part), tuple(notes))


def said_of_kept(kept: Sequence[Preference]) -> str:
    """A sentence about the preferences that were kept, and how they were understood."""
    conditions = " and ".join(dict.fromkeys(preference.condition for preference in kept))
    bound = "counts as a wish" if not kept[0].binds else "holds from now on"
    return f"I keep in mind for you: {quoted(kept[0].text)} ({conditions}); it {bound}."


def said_of_forgotten(text: str, forgotten: Sequence[Preference]) -> str:
    """A sentence about the preferences that were forgotten."""
    if not forgotten:
        return f"You had stated nothing like {quoted(text)}, so there was nothing to forget."
    return f"Forgotten, as you asked: {', '.join(dict.fromkeys(quoted(preference.text) for preference in forgotten))}."


def _condition(preference: Preference) -> Condition | None:
    try:
        return parse_condition(preference.condition)
    except ConditionError:
        return None


def _replaces(new: Condition, old: Condition) -> bool:
    """Whether the new condition cancels the old one: another bound on the same side, or its opposite."""
    if new.attribute != old.attribute or new == old:
        return False
    if any(new.operator in side and old.operator in side for side in (_BELOW, _ABOVE)):
        return True
    denies = {new.operator in ("!=", "not in"), old.operator in ("!=", "not in")}
    equal = {"=", "in", "!=", "not in"}
    return denies == {True, False} and {new.operator, old.operator} <= equal and bool(set(new.values) & set(old.values))
