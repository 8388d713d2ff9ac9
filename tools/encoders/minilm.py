"""Sentence vectors of a BERT encoder with NumPy and ``tokenizers`` alone, so that a query need not wait for torch.

It reads the files that sentence-transformers saves (``model.safetensors``, ``tokenizer.json``, ``config.json``) for one
kind of model, that of the default encoder: BERT, mean over the tokens, scaled to length 1.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from recmind.data.arrays import Float32s, Int64s
from recmind.data.progress import Progress, quiet

SpanWeight = tuple[int, int, float]
"""First character of a part of a text, the character behind its last, and the weight of the part: 0 or above."""

LEAST_WEIGHT = 0.1
"""Added to the weight of every token, in units of the mean weight, so that every token counts."""
TOKENS_PER_BATCH = 1024
"""Enough rows to keep the matrix products busy, few enough that a layer's values stay in the processor's cache."""

FEW_ROWS = 64
"""Up to this many rows, as in a query, OpenBLAS needs half the time with the weights on the left; beyond, more."""


class MiniLM:
    """A small BERT sentence encoder; nothing changes after it is made, so threads may share it."""

    def __init__(self, folder: Path, max_tokens: int = 256) -> None:
        """Read the model; its weights are mapped into memory, and read as they are used. Raises OSError where a file is
        missing.

        Args:
            folder: the folder with the model's files.
            max_tokens: the most tokens of a text, with the two markers around it; longer texts are cut.
        """
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.dimension: int = config["hidden_size"]
        self.max_tokens = max_tokens
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # A saved tokenizer may carry the padding and truncation of its training.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=max_tokens)
        weights = read_safetensors(folder / "model.safetensors")
        self._words = weights["embeddings.word_embeddings.weight"]
        # Every text is "segment 0", so that segment's embedding can be added to the positions once.
        self._positions = (
            weights["embeddings.position_embeddings.weight"][:max_tokens]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._first_norm = (weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])
        self._layers = [_Layer(weights, n) for n in range(config["num_hidden_layers"])]

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, with the markers around it, at most ``max_tokens`` for each text."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def encode(self, texts: Sequence[str], progress: Progress = quiet) -> Float32s:
        """The vectors of the texts, float32 of shape (texts, dimension), each row of length 1."""
        return self.encode_tokens(self.tokens(texts), progress)

    def encode_tokens(self, tokens: Sequence[Sequence[int]], progress: Progress = quiet) -> Float32s:
        """The vectors of texts given as token ids, float32 of shape (texts, dimension), each row of length 1.

        Texts of one length share a batch, so nothing is padded.
        """
        vectors = np.empty((len(tokens), self.dimension), dtype=np.float32)
        done = 0
        by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        for length, group in groupby(by_length, key=lambda row: len(tokens[row])):
            rows = list(group)
            size = max(1, TOKENS_PER_BATCH // length)
            for start in range(0, len(rows), size):
                batch = rows[start : start + size]
                vectors[batch] = self._vectors(np.array([tokens[row] for row in batch]))
                done += len(batch)
                progress("encoding", done, len(tokens))
        return vectors

    def encode_weighted(self, text: str, spans: Sequence[SpanWeight]) -> Float32s:
        """The vector of one text with weighted words, float32 of shape (dimension,), of length 1.

        A token counts by the weight of its characters, divided by the mean weight of all tokens, plus ``LEAST_WEIGHT``.
        The words around a token still shape its vector. Smooth inverse frequency (Arora et al., 2017) weighs the
        vectors of words in the same way.

        Args:
            text: the text.
            spans: the weights of parts of the text; characters in none weigh 0.
        """
        encoding = self._tokenizer.encode(text)
        of_character = np.zeros(len(text) + 1, dtype=np.float32)
        for start, end, weight in spans:
            of_character[start:end] = weight
        # The markers around a text cover no character.
        weights = np.array([of_character[start:end].max(initial=0.0) for start, end in encoding.offsets])
        mean = float(weights.mean())
        weights = LEAST_WEIGHT + weights / mean if mean > 0 else np.ones(len(weights))
        pooled = weights @ self._states(np.array([encoding.ids]))[0]
        return np.asarray(pooled / max(float(np.linalg.norm(pooled)), 1e-12), dtype=np.float32)

    def _vectors(self, ids: Int64s) -> Float32s:
        """The vectors of texts of equal length, float32 of shape (texts, dimension).

        Args:
            ids: int64 of shape (texts, tokens): the token ids.
        """
        pooled = self._states(ids).mean(axis=1)
        return np.asarray(pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12), dtype=np.float32)

    def _states(self, ids: Int64s) -> Float32s:
        """The vector of each token within its text, float32 of shape (texts, tokens, dimension)."""
        texts, length = ids.shape
        hidden: Float32s = self._words[ids] + self._positions[:length]
        hidden = _normed(hidden.reshape(texts * length, self.dimension), *self._first_norm, self._epsilon)
        for layer in self._layers:
            attended = _linear(self._attended(hidden, layer, texts, length), layer.mixed) + hidden
            attended = _normed(attended, *layer.mixed_norm, self._epsilon)
            inner = _gelu(_linear(attended, layer.widened))
            hidden = _normed(_linear(inner, layer.narrowed) + attended, *layer.narrowed_norm, self._epsilon)
        return hidden.reshape(texts, length, self.dimension)

    def _attended(self, hidden: Float32s, layer: _Layer, texts: int, length: int) -> Float32s:
        """Self-attention: what each token gathers from the tokens of its text, in the shape of ``hidden``."""
        width = self.dimension // self._heads

        def heads(part: tuple[Float32s, Float32s]) -> Float32s:
            return _linear(hidden, part).reshape(texts, length, self._heads, width).transpose(0, 2, 1, 3)

        scores: Float32s = heads(layer.query) @ heads(layer.key).transpose(0, 1, 3, 2)
        scores *= np.float32(1 / np.sqrt(width))
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        gathered: Float32s = scores @ heads(layer.value)
        return np.ascontiguousarray(gathered.transpose(0, 2, 1, 3)).reshape(texts * length, self.dimension)


class _Layer:
    """The weights of one transformer layer: (matrix, bias) pairs and (scale, shift) pairs."""

    __slots__ = ("key", "mixed", "mixed_norm", "narrowed", "narrowed_norm", "query", "value", "widened")

    def __init__(self, weights: dict[str, Float32s], number: int) -> None:
        def pair(name: str) -> tuple[Float32s, Float32s]:
            return weights[f"encoder.layer.{number}.{name}.weight"], weights[f"encoder.layer.{number}.{name}.bias"]

        self.query, self.key, self.value = (pair(f"attention.self.{name}") for name in ("query", "key", "value"))
        self.mixed = pair("attention.output.dense")
        self.mixed_norm = pair("attention.output.LayerNorm")
        self.widened = pair("intermediate.dense")
        self.narrowed = pair("output.dense")
        self.narrowed_norm = pair("output.LayerNorm")


def read_safetensors(path: Path) -> dict[str, Float32s]:
    """The float32 tensors of a safetensors file by name, mapped read-only from the file; other types are left out."""
    file = np.memmap(path, dtype=np.uint8, mode="r")
    length = int.from_bytes(file[:8].tobytes(), "little")
    header: dict[str, Any] = json.loads(file[8 : 8 + length].tobytes())
    tensors: dict[str, Float32s] = {}
    for name, facts in header.items():
        if name == "__metadata__" or facts["dtype"] != "F32":
            continue
        begin, end = (8 + length + offset for offset in facts["data_offsets"])
        # A plain array over the same memory: every operation on a memmap pays for its subclass.
        tensors[name] = np.asarray(file[begin:end]).view(np.float32).reshape(facts["shape"])
    return tensors


def _linear(values: Float32s, part: tuple[Float32s, Float32s]) -> Float32s:
    """Values of shape (rows, in) times the (out, in) matrix, plus the bias."""
    few = len(values) <= FEW_ROWS
    product: Float32s = np.ascontiguousarray((part[0] @ values.T).T) if few else values @ part[0].T
    product += part[1]
    return product


def _normed(values: Float32s, scale: Float32s, shift: Float32s, epsilon: float) -> Float32s:
    """Layer normalization over the last axis, in place."""
    values -= values.mean(axis=-1, keepdims=True)
    variance = np.einsum("ij,ij->i", values, values) / np.float32(values.shape[1])
    values *= np.float32(1) / np.sqrt(variance + np.float32(epsilon))[:, None]
    values *= scale
    values += shift
    return values


# erf(x) = x P(x²) / Q(x²) on [-4, 4], within float32's own precision: the coefficients that Eigen uses. NumPy has no
# erf, and SciPy would cost a query its import.
_P: tuple[float, ...] = (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05)
_P += (-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02)
_Q: tuple[float, ...] = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


def _gelu(values: Float32s) -> Float32s:
    """The GELU of each value, x (1 + erf(x / √2)) / 2; ``values`` has shape (rows, columns)."""
    result = np.empty_like(values)
    for start in range(0, len(values), 16):
        # Sixteen rows at a time stay in the cache over the twenty passes.
        block = values[start : start + 16]
        x = np.clip(block * np.float32(np.sqrt(0.5)), -4, 4)
        square = x * x
        x *= _polynomial(square, _P)
        x /= _polynomial(square, _Q)
        x += 1
        x *= block
        np.multiply(x, np.float32(0.5), out=result[start : start + 16])
    return result


def _polynomial(x: Float32s, coefficients: tuple[float, ...]) -> Float32s:
    """The value of the polynomial at each x, in the shape of ``x``; the highest power's coefficient comes first."""
    value = x * np.float32(coefficients[0])
    for coefficient in coefficients[1:-1]:
        value += np.float32(coefficient)
        value *= x
    value += np.float32(coefficients[-1])
    return value
