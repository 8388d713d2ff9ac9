"""Reads rows from CSV, TSV, JSON Lines, JSON and Parquet, with the line and the reason where a row is bad."""

from __future__ import annotations

import codecs
import csv
import json
import logging
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from recmind.data.errors import ImportFailed

log = logging.getLogger(__name__)

DELIMITERS = (",", "\t", ";", "|")
LONGEST_FIELD = 64 * 1024 * 1024
_BLOCK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Row = tuple[int, Sequence[Any], str]
"""Line, values in the order of the columns (None or an empty text: no value), and why the row is bad, or an empty
text."""


class RowFile(Protocol):
    """A file with columns and rows."""

    path: Path
    typed: bool
    """Whether values have types; otherwise all are text."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""

    @property
    def total(self) -> int | None:
        """About the number of rows, for progress; None where it is not known."""

    def rows(self) -> Iterator[Row]:
        """All rows; may be called again."""


def open_rows(path: Path) -> RowFile:
    """The file, opened by its ending: Parquet, JSON Lines, JSON, otherwise text with a delimiter.

    Args:
        path: the file.

    Raises:
        ImportFailed: the file is missing, empty or not of that format.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ImportFailed(f"Cannot read {str(path)!r}: {error.strerror}") from None
    if size == 0:
        raise ImportFailed(f"{path.name} is empty.")
    match path.suffix.lower():
        case ".parquet" | ".pq":
            return ParquetFile(path)
        case ".jsonl" | ".ndjson" | ".json":
            return JsonFile(path)
        case _:
            return DelimitedFile(path)


def detect_encoding(path: Path) -> tuple[str, int]:
    """The encoding of a text file (UTF-8, UTF-16 by its BOM, else Latin-1) and the number of its line ends."""
    lines = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8"
    with path.open("rb") as file:
        first = True
        while block := file.read(_BLOCK):
            if first:
                first = False
                encoding = next((name for bom, name in _BOMS if block.startswith(bom)), encoding)
            lines += block.count(b"\n")
            if encoding == "utf-8":
                try:
                    # Not final: a block may end in the middle of a character.
                    decoder.decode(block)
                except UnicodeDecodeError:
                    encoding = _western(path)
                    log.warning("%s is not UTF-8; reading it as %s", path, encoding)
    return encoding, lines


def _western(path: Path) -> str:
    """cp1252 if the file can be read so, else Latin-1: cp1252 is Latin-1 with quotation marks, but lacks some bytes."""
    try:
        path.read_bytes().decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


class TextFile:
    """A text file in a known or detected encoding."""

    typed = False

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path = path
        detected, lines = detect_encoding(path)
        self.encoding = encoding or detected
        self.total: int | None = lines

    def _open(self) -> Any:
        return self.path.open(encoding=self.encoding, errors="replace", newline="")


class DelimitedFile(TextFile):
    """CSV and similar files with a header; the header tells the delimiter."""

    @cached_property
    def delimiter(self) -> str:
        """The commonest delimiter of the header; if it has none, that of the file's ending."""
        with self._open() as file:
            header = re.sub(r'"[^"]*"', "", file.readline())
        counts = {delimiter: header.count(delimiter) for delimiter in DELIMITERS}
        usual = "\t" if self.path.suffix.lower() in (".tsv", ".tab") else ","
        best = max(DELIMITERS, key=lambda d: (counts[d], d == usual))
        return best if counts[best] else usual

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The header. Raises ImportFailed where it is empty or has a name twice."""
        with self._open() as file:
            header = [name.strip() for name in next(csv.reader(file, delimiter=self.delimiter), [])]
        if not any(header):
            raise ImportFailed(f"{self.path.name} has no header line with the names of its columns.")
        twice = next((name for name in header if name and header.count(name) > 1), None)
        if twice is not None:
            raise ImportFailed(f"{self.path.name} has two columns called {twice!r}.")
        return tuple(header)

    def rows(self) -> Iterator[Row]:
        """The rows below the header; blank lines are skipped."""
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
        width = len(self.columns)
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            next(reader, None)
            while True:
                line = reader.line_num + 1
                try:
                    values = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield line, (), f"not readable as CSV: {error}"
                    continue
                if len(values) == width:
                    yield line, values, ""
                elif values:
                    sort = "cut off?" if len(values) < width else "an unquoted delimiter?"
                    yield line, values, f"{len(values)} fields, and the header has {width} ({sort})"


class SplitFile(TextFile):
    """Lines split at a fixed separator, without header or quoting, as the older MovieLens releases have."""

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        separator: str,
        encoding: str | None = None,
        *,
        most: int | None = None,
    ) -> None:
        super().__init__(path, encoding)
        self.columns = tuple(columns)
        self.separator = separator
        self.most = len(self.columns) if most is None else most

    def rows(self) -> Iterator[Row]:
        """A row for each line; columns beyond those named are left out."""
        width = len(self.columns)
        with self._open() as file:
            for line, text in enumerate(file, 1):
                written = text.rstrip("\r\n")
                values = written.split(self.separator)
                if written and width <= len(values) <= self.most:
                    yield line, values[:width], ""
                elif written:
                    yield line, values, f"{len(values)} fields, and there should be {width}"


class JsonFile(TextFile):
    """JSON Lines, or a single JSON array of objects; nested objects become ``outer.inner``."""

    typed = True

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every key of any object, in the order of first use."""
        return tuple(dict.fromkeys(key for _, value, _ in self._objects() for key in value))

    def rows(self) -> Iterator[Row]:
        """A row for each object."""
        columns = self.columns
        for line, value, reason in self._objects():
            yield line, [value.get(column) for column in columns], reason

    def _objects(self) -> Iterator[tuple[int, dict[str, Any], str]]:
        with self._open() as file:
            if self.path.suffix.lower() == ".json" and file.read(_BLOCK).lstrip("\ufeff \t\r\n")[:1] == "[":
                file.seek(0)
                try:
                    loaded = json.load(file)
                except ValueError as error:
                    raise ImportFailed(f"{self.path.name} is not readable as JSON: {error}") from None
                texts = enumerate(loaded, 1)
                for line, value in texts:
                    yield line, *_as_object(value)
                return
            file.seek(0)
            for line, text in enumerate(file, 1):
                if not text.strip():
                    continue
                try:
                    value = json.loads(text)
                except (ValueError, RecursionError) as error:
                    yield line, {}, f"not readable as JSON: {error}"
                    continue
                yield line, *_as_object(value)


def _as_object(value: Any) -> tuple[dict[str, Any], str]:
    if not isinstance(value, dict):
        return {}, f"a JSON {type(value).__name__} where an object should be"
    return _flat(value), ""


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{prefix}{name}.")
        else:
            flat[prefix + name] = inner
    return flat


class ParquetFile:
    """Apache Parquet; needs pyarrow."""

    typed = True

    def __init__(self, path: Path) -> None:
        """Open the file. Raises ImportFailed where pyarrow is missing or the file is damaged."""
        try:
            # An optional package, slow to import and without types.
            pyarrow: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError:
            raise ImportFailed(f"Reading {path.name} needs pyarrow. Run: pip install 'recmind[parquet]'") from None
        self.path = path
        try:
            self._file: Any = parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise ImportFailed(f"{path.name} is not readable as Parquet: {str(error).splitlines()[0]}") from None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names in the file's schema."""
        return tuple(self._file.schema_arrow.names)

    @property
    def total(self) -> int | None:
        """The number of rows."""
        return int(self._file.metadata.num_rows)

    def rows(self) -> Iterator[Row]:
        """All rows, counted from 1."""
        line = 0
        for batch in self._file.iter_batches(batch_size=10_000):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                yield line, values, ""
