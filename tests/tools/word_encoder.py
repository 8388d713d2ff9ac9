"""An encoder whose vectors follow from the words alone, so that a test can say what is near."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from recmind.data.text import stem, words


class WordEncoder:
    """A vector for each word, drawn from the word itself: texts that share words are near. Counts what it encodes."""

    name = "words"
    checksum = "1"
    dimension = 64

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], progress=None):
        self.encoded += texts
        return np.array([self.encode_query(text) for text in texts], dtype=np.float32).reshape(-1, self.dimension)

    def encode_query(self, text: str, spans=()):
        vector = np.full(self.dimension, 1e-3)
        for word in words(text):
            seed = int.from_bytes(hashlib.sha256(stem(word).encode()).digest()[:8], "little")
            vector += np.random.default_rng(seed).normal(size=self.dimension)
        return (vector / np.linalg.norm(vector)).astype(np.float32)
