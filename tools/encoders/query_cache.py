"""The vectors of past queries, kept on disk, so that a repeated query needs no model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

from recmind.data.arrays import Float32s
from recmind.data.disk_cache import DiskCache, key_of

LARGEST = 10_000
"""Largest number of vectors on disk (15 MB with 384 numbers each); the longest unused are removed first."""
LARGEST_IN_MEMORY = 512


class QueryCache:
    """Vectors by encoder and text. A cache that cannot be read or written costs time, never an answer."""

    def __init__(self, path: Path | None, largest: int = LARGEST) -> None:
        """Keep vectors on disk and in memory.

        Args:
            path: the SQLite file, made when needed; None keeps vectors in memory only.
            largest: largest number of vectors on disk.
        """
        self._disk = None if path is None else DiskCache(path, largest)
        self._recent: OrderedDict[bytes, Float32s] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, encoder: str, text: str) -> Float32s | None:
        """The vector of this text, float32 of shape (dimension,), or None where it is not known; it is read-only."""
        key = key_of((encoder, text))
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        data = None if self._disk is None else self._disk.get(key)
        if data is None:
            return None
        vector = np.frombuffer(data, dtype="<f4").astype(np.float32, copy=False)
        self._remember(key, vector)
        return vector

    def put(self, encoder: str, text: str, vector: Float32s) -> None:
        """Keep the vector of this text.

        Args:
            encoder: name and checksum of the encoder, and the weights of words if it was given any.
            text: the query.
            vector: float32 of shape (dimension,); it becomes read-only.
        """
        key = key_of((encoder, text))
        self._remember(key, vector)
        if self._disk is not None:
            self._disk.put(key, vector.astype("<f4").tobytes())

    def _remember(self, key: bytes, vector: Float32s) -> None:
        vector.flags.writeable = False
        with self._lock:
            self._recent[key] = vector
            if len(self._recent) > LARGEST_IN_MEMORY:
                self._recent.popitem(last=False)
