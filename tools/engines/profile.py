"""A user's taste in numbers: what they like more than the catalogue explains, recently and over time, and what less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import numpy as np

from recmind.data import wording
from recmind.data.arrays import Bools, Float64s, Int64s, index_in_sorted
from recmind.data.catalogue import InteractionArrays
from recmind.data.records import Preference
from recmind.data.signals import LOW_FEELING, POOR_STARS, standardized, weights
from recmind.data.store.store import Store
from recmind.data.text import format_number, shortened
from recmind.tools.engines.attributes import AttributeWeights, TasteKey, attribute_weights, taste_value

PRIOR_ITEMS = 8.0
"""Pseudo-items with the catalogue's shares of values, added to a user's items, so that two films make no taste."""
LEAST_ITEMS = 3
"""Least number of items with a value that make a taste."""
LEAST_LIFT = 1.2
MOST_TASTES = 12
RECENT = 20
"""Number of newest positive interactions that count as recent, if there are at least twice as many."""
LISTED = 5
_DAY_S = 86_400
_PARTS = ("at night", "in the morning", "in the afternoon", "in the evening")
_SEASONS = ("winter", "spring", "summer", "autumn")
_LEAST_DAYS = 8
"""Least number of days with an interaction from which habits are read."""
_HABIT = 0.5
"""Least share of the days that makes a habit; by chance, a part of the day or a season gets a quarter."""
_WEEKEND = 0.6
_DIGEST_WORDS = 120


@dataclass(frozen=True, slots=True)
class ValueTaste:
    """A value that the user takes more often (or likes less) than expected."""

    attribute: str
    value: str
    """A year stands for its decade: ``1990s``."""
    lift: float
    """The user's share of items with the value, divided by the expected share; smoothed, above 1."""
    count: int
    """The number of the user's items that have the value."""

    @property
    def phrase(self) -> str:
        """``genre Film-Noir ×3.1``."""
        return f"{wording.attribute_label(self.attribute)} {self.value} ×{format_number(round(self.lift, 1))}"


@dataclass(frozen=True, slots=True)
class PastItem:
    """A past item with its value, if any."""

    item_id: str
    title: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known about a user's taste."""

    user_id: str | None
    known: bool = False
    """Whether the user has any interaction or stated preference."""
    interactions: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    """Interactions by kind, commonest first."""
    since: float | None = None
    """Unix seconds of the oldest interaction with a time."""
    until: float | None = None
    tastes: tuple[ValueTaste, ...] = ()
    """Tastes over the whole past; lifts are over the catalogue's shares. Most telling first."""
    recent_tastes: tuple[ValueTaste, ...] = ()
    """Values that the newest positive interactions have more often than the whole past; lifts are over that past."""
    disliked: tuple[ValueTaste, ...] = ()
    """Values whose items the user rates low or dislikes more often than others; lifts compare those shares."""
    recent: tuple[PastItem, ...] = ()
    """The newest items, newest first."""
    favorites: tuple[PastItem, ...] = ()
    """The items of the highest values; where nothing has a value, the newest clearly positive ones."""
    hours: str = ""
    """The usual part of the day (UTC) or week: ``in the evening, at weekends``; empty where there is none."""
    seasons: str = ""
    """The usual season of the year: ``in winter``; empty where there is none."""
    preferences: tuple[Preference, ...] = ()
    """The preferences that the user stated, oldest first."""
    lifts: dict[TasteKey, float] = field(default_factory=dict, repr=False, compare=False)
    """The lift of every taste, by attribute and value; for ranking and for choosing the facts of a reason."""

    def digest(self) -> str:
        """The profile as text for a model, at most some 120 words."""
        if not self.known:
            return "Nothing is known of this person."
        kinds = ", ".join(f"{count} {wording.counted(kind, count)}" for kind, count in self.kinds[:4])
        years = _years(self.since, self.until)
        lines = [f"{kinds}{years}." if kinds else "No history yet."]
        for label, tastes, n in (
            ("Likes (lift)", self.tastes, 7),
            ("Lately more", self.recent_tastes, 3),
            ("Likes less", self.disliked, 3),
        ):
            if tastes:
                lines.append(f"{label}: {', '.join(taste.phrase for taste in tastes[:n])}.")
        favorites, newest = (
            "; ".join(shortened(i.title, 50) for i in past[:4]) for past in (self.favorites, self.recent)
        )
        # Where nothing has a value, the favorites are the newest items, and are told once.
        lines += [f"Favorites: {favorites}."] if favorites and favorites != newest else []
        lines += [f"Newest: {newest}."] if newest else []
        habits = ", ".join(part for part in (self.hours, self.seasons) if part)
        if habits:
            lines.append(f"Usually {habits}.")
        stated = [f"{wording.quoted(p.text)} ({p.condition})" for p in self.preferences[-5:]]
        if stated:
            lines.insert(1, f"Said: {', '.join(stated)}.")
        return _bounded(lines)


def star_kinds(store: Store) -> frozenset[str]:
    """The kinds of interaction whose values look like stars: their mean is five at most."""
    return frozenset(kind for kind, mean in store.catalogue().means.items() if mean <= 5)


def build_profile(store: Store, user_id: str) -> Profile:
    """The profile of the user, read from the store."""
    preferences = tuple(store.preferences.of_user(user_id))
    number = store.users.number_of(user_id)
    arrays = None if number is None else store.interactions.arrays_of([number])
    if arrays is None or not len(arrays):
        return Profile(user_id=user_id, known=bool(preferences), preferences=preferences)
    weight = weights(arrays, store.settings).astype(np.float64)
    feeling = _feelings(arrays, weight, store)
    tastes, recent_tastes, disliked = _tastes(store, arrays, weight, feeling)
    times = arrays.at[~np.isnan(arrays.at)]
    kinds = np.bincount(arrays.kinds, minlength=len(arrays.kind_names))
    hours, seasons = _habits(times)
    return Profile(
        user_id=user_id,
        known=True,
        interactions=len(arrays),
        kinds=tuple((arrays.kind_names[k], int(kinds[k])) for k in np.argsort(-kinds, kind="stable") if kinds[k]),
        since=float(times.min()) if len(times) else None,
        until=float(times.max()) if len(times) else None,
        tastes=tuple(tastes[:MOST_TASTES]),
        recent_tastes=tuple(recent_tastes[:LISTED]),
        disliked=tuple(disliked[:LISTED]),
        recent=_past_items(store, arrays, np.arange(len(arrays))[::-1]),
        favorites=_past_items(store, arrays, _favorite_order(arrays, weight, store)),
        hours=hours,
        seasons=seasons,
        preferences=preferences,
        lifts={(taste.attribute, taste.value): taste.lift for taste in tastes},
    )


def _feelings(arrays: InteractionArrays, weight: Float64s, store: Store) -> Float64s:
    """How the user felt about each interaction, float64: about -2 to 2; 0 is neutral or not known.

    A value counts by its distance from the user's mean of the kind, in standard deviations.
    """
    feeling = np.sign(weight)
    for kind, name in enumerate(arrays.kind_names):
        valued = (arrays.kinds == kind) & ~np.isnan(arrays.values)
        if store.settings.kind(name).positive == "above_mean" and valued.any():
            feeling[valued] = standardized(arrays.values[valued].astype(np.float64))
    return feeling


@dataclass(frozen=True, slots=True)
class _TasteTable:
    """All values that can be a taste, at one version of the catalogue."""

    keys: tuple[TasteKey, ...]
    shares: Float64s
    """For each key, the share of the items that have its value, 0 to 1."""
    weights: Float64s
    """For each key, how much its attribute says (``AttributeWeight.weight``)."""
    value_numbers: Int64s
    """Numbers of the values, sorted."""
    key_places: Int64s
    """For each value number, its place in ``keys``: years of a decade share one."""


_TABLES: WeakKeyDictionary[AttributeWeights, _TasteTable] = WeakKeyDictionary()


def _taste_table(weights: AttributeWeights) -> _TasteTable:
    known = _TABLES.get(weights)
    if known is not None:
        return known
    attributes = {a.name: a for a in weights.ordered if a.is_year or not a.is_number}
    places: dict[TasteKey, int] = {}
    items: list[float] = []
    links: list[tuple[int, int]] = []
    for value_number, value in sorted(weights.store.attributes.by_value_number(attributes).items()):
        told = value.text if value.number is None else taste_value(attributes[value.attribute].is_year, value.number)
        key = value.attribute, told
        place = places.setdefault(key, len(places))
        if place == len(items):
            items.append(0.0)
        items[place] += value.items
        links.append((value_number, place))
    table = np.array(links, dtype=np.int64).reshape(len(links), 2)
    made = _TABLES[weights] = _TasteTable(
        tuple(places),
        np.array(items) / max(weights.store.catalogue().items, 1),
        np.array([attributes[attribute].weight for attribute, _ in places]),
        table[:, 0],
        table[:, 1],
    )
    return made


def _tastes(
    store: Store, arrays: InteractionArrays, weight: Float64s, feeling: Float64s
) -> tuple[list[ValueTaste], list[ValueTaste], list[ValueTaste]]:
    """Long-term tastes, recent tastes and dislikes, each with the most telling first."""
    table = _taste_table(attribute_weights(store))
    items, places = np.unique(arrays.item_numbers, return_inverse=True)
    best = np.full(len(items), -np.inf)
    np.maximum.at(best, places, weight)
    felt = np.bincount(places, feeling) / np.bincount(places)
    newest = np.full(len(items), -1)
    np.maximum.at(newest, places, np.arange(len(arrays)))
    liked = best > 0
    recent = np.zeros(len(items), np.bool_)
    positives = np.flatnonzero(liked)
    if len(positives) >= 2 * RECENT:
        recent[positives[np.argsort(newest[positives])[-RECENT:]]] = True
    low = felt < LOW_FEELING
    n_liked, n_recent, n_low = int(liked.sum()), int(recent.sum()), int(low.sum())
    holder, key = _holders(store, items, table)

    def counted(members: Bools) -> Int64s:
        return np.bincount(key[members[holder]], minlength=len(table.keys))

    having = np.bincount(key, minlength=len(table.keys))
    of_liked, of_recent, of_low = counted(liked), counted(recent), counted(low)
    likes: list[tuple[float, ValueTaste]] = []
    lately: list[tuple[float, ValueTaste]] = []
    dislikes: list[tuple[float, ValueTaste]] = []
    for place in np.flatnonzero(having >= LEAST_ITEMS).tolist():
        name, tells = table.keys[place], float(table.weights[place])
        count, newer, lower = int(of_liked[place]), int(of_recent[place]), int(of_low[place])
        _keep(likes, name, (count, n_liked, float(table.shares[place])), tells)
        _keep(lately, name, (newer, n_recent, count / max(n_liked, 1)), tells)
        _keep(dislikes, name, (lower, int(having[place]), n_low / len(items)), tells)
    liked_keys = {(taste.attribute, taste.value) for _, taste in likes}
    clear = [pair for pair in dislikes if (pair[1].attribute, pair[1].value) not in liked_keys]
    return _sorted(likes), _sorted(lately), _sorted(clear)


def _holders(store: Store, items: Int64s, table: _TasteTable) -> tuple[Int64s, Int64s]:
    """Which items have which keys: places in ``items`` and in ``table.keys``, arrays of one length, each pair once."""
    links = store.attributes.links(items.tolist())
    if not len(table.value_numbers) or not len(links):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at, kept = index_in_sorted(table.value_numbers, links[:, 1])
    pairs = np.searchsorted(items, links[kept, 0]) * len(table.keys) + table.key_places[at[kept]]
    holder, key = np.divmod(np.unique(pairs), len(table.keys))
    return holder, key


def _keep(kept: list[tuple[float, ValueTaste]], key: TasteKey, counts: tuple[int, int, float], weight: float) -> None:
    """Add the taste to ``kept`` if its lift is high enough, weighed by how telling it is: the surprise of its count."""
    count, of, expected = counts
    if count < LEAST_ITEMS or not 0 < expected < 1:
        return
    lift = (count + PRIOR_ITEMS * expected) / (of + PRIOR_ITEMS) / expected
    # A value that one item in thousands has would get an absurd lift; this keeps it readable.
    lift = min(lift, 20.0)
    if lift >= LEAST_LIFT:
        surprise = count * np.log(lift) * np.sqrt(weight)
        kept.append((float(surprise), ValueTaste(key[0], key[1], round(float(lift), 2), count)))


def _sorted(kept: list[tuple[float, ValueTaste]]) -> list[ValueTaste]:
    return [taste for _, taste in sorted(kept, key=lambda pair: (-pair[0], pair[1].attribute, pair[1].value))]


def _favorite_order(arrays: InteractionArrays, weight: Float64s, store: Store) -> Int64s:
    """The places of the positive interactions: the highest value first, then the newest.

    Few stars praise nothing, even if the user never gives more.
    """
    starred = np.array([name in star_kinds(store) for name in arrays.kind_names], dtype=np.bool_)[arrays.kinds]
    positive = np.flatnonzero((weight >= 1) & ~(starred & (arrays.values <= POOR_STARS)))
    values = np.nan_to_num(arrays.values[positive].astype(np.float64), nan=-1.0)
    return positive[np.lexsort((-positive, -values))]


def _past_items(store: Store, arrays: InteractionArrays, order: Sequence[int] | Int64s) -> tuple[PastItem, ...]:
    values: dict[int, float | None] = {}
    for place in order:
        value = float(arrays.values[place])
        values.setdefault(int(arrays.item_numbers[place]), None if np.isnan(value) else value)
        if len(values) >= LISTED:
            break
    ids = store.items.ids_of(values)
    items = store.items.get_many(ids.values())
    return tuple(PastItem(ids[n], items[ids[n]].name, value) for n, value in values.items() if ids.get(n) in items)


def _habits(times: Float64s) -> tuple[str, str]:
    """The usual part of the day or week, and the usual season, each counted once a day; empty where there is none."""
    if len(times) < _LEAST_DAYS:
        return "", ""
    days = np.floor(times / _DAY_S).astype(np.int64)
    single = np.unique(days)
    if len(single) < _LEAST_DAYS:
        return "", ""
    habits = []
    # Where all times are whole days, the hour is not known.
    if np.any(times % _DAY_S != 0):
        parts = np.unique(np.column_stack((days, ((times % _DAY_S) // (_DAY_S / 4)).astype(np.int64))), axis=0)[:, 1]
        counts = np.bincount(parts, minlength=4) / len(parts)
        if counts.max() >= _HABIT:
            habits.append(f"{_PARTS[int(counts.argmax())]} (UTC)")
    # 1970-01-01 was a Thursday: Saturday is 5, Sunday is 6 when Monday is 0.
    if np.mean((single + 3) % 7 >= 5) >= _WEEKEND:
        habits.append("at weekends")
    season = ""
    if single[-1] - single[0] >= 330:
        months = np.array([datetime.fromtimestamp(int(day) * _DAY_S, UTC).month for day in single])
        counts = np.bincount(months % 12 // 3, minlength=4) / len(months)
        if counts.max() >= _HABIT:
            season = f"in {_SEASONS[int(counts.argmax())]}"
    return ", ".join(habits), season


def _years(since: float | None, until: float | None) -> str:
    if since is None or until is None:
        return ""
    first, last = (datetime.fromtimestamp(t, UTC).year for t in (since, until))
    return f", {first}" if first == last else f", {first}–{last}"


def _bounded(lines: Sequence[str]) -> str:
    kept: list[str] = []
    used = 0
    for line in lines:
        used += len(line.split())
        if used > _DIGEST_WORDS and kept:
            break
        kept.append(line)
    return "\n".join(kept)
