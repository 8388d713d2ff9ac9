"""BM25F (Robertson and Zaragoza, 2009) over the words of all items, with a weight for each word of a query.

SQLite's full-text search weighs all words of a query alike, but in a long request most words are chatter. The index
consists of plain arrays mapped from files: a query reads the postings of its own words and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recmind.data.arrays import Float32s, Float64s, Int32s, Int64s, index_in_sorted, load_arrays, save_arrays

FIELD_WEIGHTS = (0.7, 1.0, 2.0)
"""Weights of title, description and attributes: in a long request, words of a title mostly occur by chance."""
SATURATION = 1.5
"""k1 of BM25: the larger, the more a repeated word adds."""
LENGTH_NORM = 0.5
"""b of BM25, 0 to 1: how much less a word counts in a longer field."""
SPARSE = 20
"""With fewer postings than one in this many rows, postings are sorted; otherwise an array over all rows sums them."""

_BLOCK = 1 << 18

_PREFIX = "bm25"
_FACTS = "bm25.json"


@dataclass(frozen=True, slots=True)
class Bm25Index:
    """Which rows hold each stem, and its weight there. Threads may share it."""

    terms: NDArray[np.uint64]
    """The hash of each stem, ascending."""
    starts: Int64s
    """Shape (terms + 1,): where the postings of each stem begin and end."""
    rows: Int32s
    """The rows that hold a stem, ascending within it."""
    weights: Float32s
    """The weight of the stem in each of ``rows``: 0 to ``SATURATION + 1``."""
    count: int
    """Number of rows, including those without a word."""
    lengths: tuple[float, ...]
    """The mean length of each field, in words."""

    def scores(self, wanted: Mapping[str, float]) -> tuple[Int64s, Float32s, float]:
        """The rows that hold any of these stems, and their scores.

        A row's score is the sum of weight, times idf, times the stem's weight in the row.

        Args:
            wanted: the weight of each stem, above 0.

        Returns:
            Rows (int64, ascending), the score of each (float32, above 0), and the sum of weight times idf over all
                stems that any row holds.
        """
        found = [(weight * idf, where) for _, weight, idf, where in self._wanted(wanted)]
        if not found:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32), 0.0
        rows = np.concatenate([self.rows[where] for _, where in found])
        parts = np.concatenate([np.float64(weight) * self.weights[where] for weight, where in found])
        if len(rows) * SPARSE > self.count:
            # Sorting the postings would cost more than an array over all rows.
            sums = np.bincount(rows, weights=parts, minlength=self.count)
            holding = np.flatnonzero(sums)
            sums = sums[holding]
        else:
            holding, place = np.unique(rows, return_inverse=True)
            sums = np.bincount(place, weights=parts)
        above = sums > 0
        idf_sum = float(sum(weight for weight, _ in found))
        return holding[above].astype(np.int64), sums[above].astype(np.float32), idf_sum

    def mentions(self, words: Iterable[str]) -> int:
        """The number of postings of these stems."""
        return sum(where.stop - where.start for _, _, _, where in self._wanted(dict.fromkeys(words, 1.0)))

    def score_of(self, text: Sequence[Sequence[str]], wanted: Mapping[str, float]) -> float:
        """The score that a row with these stems would have; for an item that was added after the index was built.

        Args:
            text: the stems of each field, in the order of ``FIELD_WEIGHTS``.
            wanted: the weight of each stem, above 0.
        """
        sums: dict[str, float] = {}
        for field, words in enumerate(text):
            for word, times in Counter(words).items():
                share = _shares(np.array(times), np.array(field), np.array(len(words)), np.array(self.lengths))
                sums[word] = sums.get(word, 0.0) + float(share)
        idf_of = self.idfs(wanted)
        unknown = self.largest_idf
        return sum(
            wanted[word] * idf_of.get(word, unknown) * share * (SATURATION + 1) / (share + SATURATION)
            for word, share in sums.items()
            if word in wanted
        )

    @property
    def largest_idf(self) -> float:
        """The idf of a stem that no row holds."""
        return self._idf(0)

    def idfs(self, words: Iterable[str]) -> dict[str, float]:
        """The idf of each of these stems that any row holds, above 0, as Lucene computes it."""
        return {word: idf for word, _, idf, _ in self._wanted(dict.fromkeys(words, 1.0))}

    def _wanted(self, wanted: Mapping[str, float]) -> list[tuple[str, float, float, slice]]:
        """The stems that any row holds: stem, weight, idf, and the slice of its postings."""
        if not len(self.terms):
            return []
        hashes = np.array([_hash(word) for word in wanted], dtype=np.uint64)
        found = []
        for (word, weight), place, known in zip(wanted.items(), *index_in_sorted(self.terms, hashes), strict=True):
            if known:
                begin, end = self.starts[place : place + 2].tolist()
                found.append((word, weight, self._idf(end - begin), slice(begin, end)))
        return found

    def _idf(self, holding: int) -> float:
        return float(np.log(1 + (self.count - holding + 0.5) / (holding + 0.5)))

    def save(self, folder: Path) -> None:
        """Write the arrays into the folder."""
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in ("terms", "starts", "rows", "weights")}
        save_arrays(folder, _PREFIX, arrays)
        facts = {"count": self.count, "lengths": self.lengths}
        (folder / _FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Bm25Index:
        """The saved index, mapped from its files.

        Raises RecMindError, OSError, ValueError or KeyError where they are missing or damaged.
        """
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        arrays = load_arrays(folder, _PREFIX, ("terms",), ("rows", "weights"))
        return cls(**arrays, count=facts["count"], lengths=tuple(facts["lengths"]))


class Bm25Builder:
    """Collects the words of one row after another."""

    def __init__(self) -> None:
        # A new word gets the next number.
        self._vocabulary: defaultdict[str, int] = defaultdict()
        self._vocabulary.default_factory = self._vocabulary.__len__
        self._terms, self._rows, self._fields, self._counts = array("i"), array("i"), array("b"), array("i")
        self._lengths = array("i")
        self._count = 0

    def add(self, text: Sequence[Sequence[str]]) -> None:
        """Add the next row.

        Args:
            text: the stems of each field, in the order of ``FIELD_WEIGHTS``.
        """
        row, self._count = self._count, self._count + 1
        self._lengths.extend(map(len, text))
        for field, words in enumerate(text):
            counts = Counter(words)
            self._terms.extend(map(self._vocabulary.__getitem__, counts))
            self._rows.extend(repeat(row, len(counts)))
            self._fields.extend(repeat(field, len(counts)))
            self._counts.extend(counts.values())

    def build(self) -> Bm25Index:
        """The index of all rows."""
        lengths = np.asarray(self._lengths).reshape(-1, len(FIELD_WEIGHTS)).astype(np.float64)
        means = lengths.mean(axis=0) if self._count else np.zeros(len(FIELD_WEIGHTS))
        hashes = np.array([_hash(word) for word in self._vocabulary], dtype=np.uint64)
        order = np.argsort(hashes)
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        # Rows were added in order, so those of a term are in order too. Small number types and blocks, because each of
        # a million rows has dozens of postings.
        terms, rows, fields, counts = map(np.asarray, (self._terms, self._rows, self._fields, self._counts))
        terms = place[terms]
        by_term = np.argsort(terms, kind="stable")
        terms, rows = terms[by_term], rows[by_term]
        shares = np.empty(len(rows))
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            of_block = fields[by_term[block]]
            shares[block] = _shares(counts[by_term[block]], of_block, lengths[rows[block], of_block], means)
        del by_term
        first = np.flatnonzero(np.append(True, (terms[1:] != terms[:-1]) | (rows[1:] != rows[:-1]))[: len(rows)])
        sums = np.add.reduceat(shares, first) if len(first) else shares
        del shares
        weights = sums * (SATURATION + 1)
        sums += SATURATION
        weights /= sums
        return Bm25Index(
            terms=hashes[order],
            starts=np.searchsorted(terms[first], np.arange(len(hashes) + 1)),
            rows=rows[first].astype(np.int32, copy=False),
            weights=weights.astype(np.float32),
            count=self._count,
            lengths=tuple(means.tolist()),
        )


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _shares(counts: NDArray[Any], fields: NDArray[Any], lengths: NDArray[Any], means: NDArray[Any]) -> Float64s:
    """How often a stem occurs in a field, weighed by the field and its length; float64 in the shape of ``counts``."""
    norm = 1 - LENGTH_NORM + LENGTH_NORM * lengths / np.maximum(means[fields], 1e-9)
    return np.asarray(np.array(FIELD_WEIGHTS)[fields] * counts / norm, dtype=np.float64)
