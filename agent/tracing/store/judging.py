"""What people say about answers: a score and a comment on a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Judgement:
    """A person's judgement of the answer to one request, or of one item in it."""

    trace_id: str
    at: datetime
    score: float | None
    """0 (useless) to 1 (just right); None if there is only a comment."""
    comment: str
    item_id: str | None
    """The item that it is about; None if it is about the whole answer."""
    query: str
    """The request."""
    user_id: str | None
    """The user who made the request."""


def judge(db: Database, number: int, score: float | None, comment: str, item_id: str | None, at: float) -> None:
    """Keeps a judgement with the trace of this number.

    Args:
        db: the file of traces.
        number: the number of the trace.
        score: 0 to 1; None for a comment alone.
        comment: the person's words; may be empty.
        item_id: the item it is about; None for the whole answer.
        at: Unix seconds.
    """
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    with db.atomic():
        db.conn.execute(
            "INSERT INTO judgements (number, at, score, comment, item_id) VALUES (?, ?, ?, ?, ?)",
            [number, moment, score, comment, item_id],
        )


def judgements(db: Database, trace_id: str | None = None) -> Iterator[Judgement]:
    """All judgements, or those of one trace, the oldest first."""
    sql = """
        SELECT trace_id, at, score, comment, item_id, query, user_id FROM judgements JOIN traces USING (number)
        WHERE :trace_id IS NULL OR number = (SELECT number FROM traces WHERE trace_id = :trace_id)
        ORDER BY at, judgements.rowid
    """
    for row in db.query(sql, {"trace_id": trace_id}):
        yield Judgement(**{**row, "at": datetime.fromisoformat(row["at"])})
