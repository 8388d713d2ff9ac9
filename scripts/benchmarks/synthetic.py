"""Catalogues of any size that behave like real ones: popularity by Zipf, tastes in clusters, histories in sessions.

Everything is drawn with a single seed: the same size gives the same files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s
from recmind.data.progress import Progress, quiet
from recmind.tools.encoders.encoder import DEFAULT_DIMENSION, DefaultEncoder

PER_ITEM = 10
"""Mean number of interactions of an item."""
PER_USER = 20.0
"""Mean number of interactions of a user; their logarithms are normal."""
SPREAD = 1.0
"""Standard deviation of those logarithms."""
ITEMS_OF_A_CLUSTER = 100
"""Mean number of items of a cluster: few clusters are large and most are small, by Zipf."""
ZIPF = 0.9
"""Exponent of the popularity: an item's share falls with its rank to this power."""
FLAT_RANKS = 5
"""Added to every rank, so that the first item does not take everything."""
TASTES = 4
"""Number of clusters from which a user takes items; most come from the first."""
OFF_TASTE = 0.2
"""The share of interactions with any item, by popularity alone."""
SESSION = 4.0
"""Mean number of interactions of a session; most are with a single cluster."""
YEARS = 3
BEGIN = 1_600_000_000
DAY_S = 86_400
GENRES = (
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family", "Fantasy",
    "History", "Horror", "Music", "Mystery", "Romance", "Science Fiction", "Sport", "Thriller", "War", "Western",
)  # fmt: skip
WORDS_OF_A_DESCRIPTION = 24
COMMON_WORDS = 3_000
TOPIC_WORDS = 12
"""Number of words that the items of one cluster share."""
TEXT_NOISE = 0.8
"""Length of the random part of a text's vector; its cluster's part has length 1."""

_BLOCK = 100_000
_SYLLABLES = [
    f"{start}{vowel}"
    for start in (
        "b",
        "d",
        "f",
        "g",
        "k",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "t",
        "v",
        "z",
        "br",
        "dr",
        "gl",
        "kr",
        "pl",
        "st",
    )
    for vowel in "aeiou"
]


@dataclass(frozen=True, slots=True)
class CatalogueFiles:
    """The files of a catalogue."""

    items: Path
    interactions: Path


def write(folder: Path, items: int, progress: Progress = quiet) -> CatalogueFiles:
    """Write a catalogue into the folder, interactions in the order of their times.

    Args:
        folder: the folder.
        items: number of items.
        progress: is called with the lines written.
    """
    rng = np.random.default_rng(items)
    clusters = max(1, items // ITEMS_OF_A_CLUSTER)
    cluster = np.sort(rng.choice(clusters, items, p=_shares(clusters)))
    files = CatalogueFiles(folder / "items.tsv", folder / "interactions.csv")
    folder.mkdir(parents=True, exist_ok=True)
    with files.items.open("w", encoding="utf-8") as opened:
        opened.write("item_id\ttitle\tdescription\tgenres\tmaker\tyear\n")
        for start in range(0, items, _BLOCK):
            opened.writelines(_item_lines(np.arange(start, min(start + _BLOCK, items)), cluster, rng))
            progress("writing items", min(start + _BLOCK, items), items)
    users, taken, at = _histories(cluster, clusters, rng)
    values = np.clip(np.round(2 * rng.normal(3.6, 1.0, len(taken))), 1, 10)
    order = np.argsort(at, kind="stable")
    with files.interactions.open("w", encoding="utf-8") as opened:
        opened.write("user_id,item_id,rating,timestamp\n")
        for start in range(0, len(order), _BLOCK):
            block = order[start : start + _BLOCK]
            columns = (users[block].tolist(), taken[block].tolist(), (values[block] / 2).tolist(), at[block].tolist())
            opened.writelines(
                f"u{user},i{item},{value},{when}\n" for user, item, value, when in zip(*columns, strict=True)
            )
            progress("writing interactions", min(start + _BLOCK, len(order)), len(order))
    return files


def requests(items: int) -> tuple[str, ...]:
    """Short requests in words that a catalogue of this many items has."""
    clusters = max(1, items // ITEMS_OF_A_CLUSTER)
    topics = [_topic(place % clusters) for place in (0, 1, 3, 8, 21)]
    return (
        f"{topics[0][3]} {topics[0][4]}",
        f"a comedy about {topics[1][5]}",
        f"dramas from the 90s about {topics[2][3]}",
        f"{topics[3][4]} and {topics[3][7]}, no horror",
        f"a western after 1980 about {topics[4][6]}",
    )


class ClusteredVectors(DefaultEncoder):
    """The default encoder for queries; for the items' texts, random unit vectors near those of the same first word.

    Encoding a million texts takes hours, and neither the time nor the size of anything after it depends on the numbers.
    """

    def encode(self, texts: Sequence[str], progress: Progress = quiet) -> Float32s:
        """Vectors of shape (texts, 384), float32, each row of length 1."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        rng = np.random.default_rng(len(texts))
        for start in range(0, len(texts), 4_096):
            block = texts[start : start + 4_096]
            noise = rng.standard_normal((len(block), self.dimension), dtype=np.float32)
            noise *= np.float32(TEXT_NOISE / np.sqrt(self.dimension))
            noise += np.stack([_center(text.partition(" ")[0]) for text in block])
            vectors[start : start + len(block)] = noise / np.linalg.norm(noise, axis=1, keepdims=True)
            progress("random vectors", start + len(block), len(texts))
        return vectors


def _shares(count: int) -> Float64s:
    """Zipf weights of this many ranks, which sum up to 1."""
    weights = (np.arange(count) + FLAT_RANKS) ** -ZIPF
    return np.asarray(weights / weights.sum())


def _histories(cluster: Int64s, clusters: int, rng: np.random.Generator) -> tuple[Int64s, Int64s, Int64s]:
    """User, item and Unix seconds of every interaction."""
    items = len(cluster)
    total = items * PER_ITEM
    lengths = np.exp(rng.normal(np.log(PER_USER) - SPREAD**2 / 2, SPREAD, int(total / PER_USER)))
    lengths = np.maximum(1, np.round(lengths * total / lengths.sum())).astype(np.int64)
    users = np.repeat(np.arange(len(lengths)), lengths)
    # A session has one cluster and one stretch of time; off-taste interactions keep the time.
    first = np.append(True, users[1:] != users[:-1]) | (rng.random(len(users)) < 1 / SESSION)
    session = np.cumsum(first) - 1
    begins = np.flatnonzero(first)
    of_user = users[begins]
    tastes = rng.choice(clusters, (len(lengths), TASTES), p=_shares(clusters))
    favored = np.minimum(rng.geometric(0.5, len(begins)) - 1, TASTES - 1)
    of_session = tastes[of_user, favored][session]
    joined = rng.integers(0, YEARS * 300, len(lengths))
    days = joined[of_user] + rng.integers(0, np.maximum(YEARS * 365 - joined[of_user], 1))
    within = np.arange(len(users)) - begins[session]
    at = BEGIN + days[session] * DAY_S + rng.integers(0, DAY_S // 2, len(begins))[session] + 120 * within
    popularity = np.empty(items)
    popularity[rng.permutation(items)] = _shares(items)
    sums = np.concatenate(([0.0], np.cumsum(popularity)))
    starts = np.searchsorted(cluster, np.arange(clusters + 1))
    low, high = sums[starts[:-1]][of_session], sums[starts[1:]][of_session]
    anywhere = (rng.random(len(users)) < OFF_TASTE) | (high <= low)
    low, high = np.where(anywhere, 0.0, low), np.where(anywhere, sums[-1], high)
    drawn = low + rng.random(len(users)) * (high - low)
    taken = np.clip(np.searchsorted(sums, drawn, side="right") - 1, 0, items - 1)
    return users, taken, at.astype(np.int64)


def _item_lines(numbers: Int64s, cluster: Int64s, rng: np.random.Generator) -> Iterator[str]:
    common = [_word(place) for place in range(COMMON_WORDS)]
    said = rng.choice(COMMON_WORDS, (len(numbers), WORDS_OF_A_DESCRIPTION), p=_shares(COMMON_WORDS)).tolist()
    topical = rng.integers(0, TOPIC_WORDS, (len(numbers), 6)).tolist()
    genres = rng.integers(0, len(GENRES), len(numbers)).tolist()
    years = (2024 - np.minimum(rng.exponential(18, len(numbers)), 90)).astype(int).tolist()
    for place, (number, group) in enumerate(zip(numbers.tolist(), cluster[numbers].tolist(), strict=True)):
        topic, chosen = _topic(group), topical[place]
        title = f"{topic[chosen[0] % 3]} {topic[chosen[1]]} {_word(number)}".title()
        words = [common[word] for word in said[place]] + [topic[word] for word in chosen[2:]]
        kinds = dict.fromkeys((GENRES[group % len(GENRES)], GENRES[genres[place]]))
        cells = (f"i{number}", title, " ".join(words), "|".join(kinds), _word(number % 997 + group), str(years[place]))
        yield "\t".join(cells) + "\n"


@cache
def _topic(cluster: int) -> tuple[str, ...]:
    """The words of a cluster."""
    return tuple(_word(COMMON_WORDS + cluster * TOPIC_WORDS + place) for place in range(TOPIC_WORDS))


def _word(number: int) -> str:
    """A pronounceable word, another one for each number."""
    number += len(_SYLLABLES)
    parts = []
    while number:
        number, place = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[place])
    return "".join(parts)


@cache
def _center(word: str) -> Float32s:
    """A unit vector, the same for the same word."""
    vector = np.random.default_rng(crc32(word.encode())).standard_normal(DEFAULT_DIMENSION, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
