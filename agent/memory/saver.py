"""Keeps threads as LangGraph's checkpoints in one SQLite file: the newest checkpoint of each thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from typing_extensions import override

WAIT_S = 30.0
"""How long to wait for another process that writes."""


class ThreadSaver(SqliteSaver):
    """Keeps the last checkpoint of each thread. It holds the whole conversation, so older ones are not needed.

    Only plain JSON values are read back: no class is ever created from the file, and nothing is unpickled.
    """

    def __init__(self, path: Path) -> None:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=WAIT_S)
        super().__init__(connection, serde=JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=[]))
        self.setup()
        # Safe with the write-ahead log: a power cut can lose the last request, but not damage the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")

    @override
    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        written = super().put(config, checkpoint, metadata, new_versions)
        place = written["configurable"]
        with self.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?",  # noqa: S608
                    (place["thread_id"], place["checkpoint_ns"], place["checkpoint_id"]),
                )
        return written

    @override
    def delete_thread(self, thread_id: str) -> None:
        super().delete_thread(thread_id)
        with self.lock:
            # What was erased must not remain in the write-ahead log.
            self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def thread_ids(self) -> list[str]:
        """The names of all threads, by name."""
        with self.cursor(transaction=False) as cursor:
            rows = cursor.execute("SELECT DISTINCT thread_id FROM checkpoints ORDER BY thread_id").fetchall()
        return [row[0] for row in rows]

    # For event loops: the same in other threads. All loops share one file and one connection.

    @override
    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await asyncio.to_thread(self.get_tuple, config)

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    @override
    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    @override
    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        for found in await asyncio.to_thread(
            lambda: list(self.list(config, filter=filter, before=before, limit=limit))
        ):
            yield found
