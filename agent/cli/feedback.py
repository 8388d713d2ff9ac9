"""``recmind feedback``: what a user did with an item."""

from __future__ import annotations

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import clean, emit


@click.command(cls=Command, short_help="Say what a user did with an item.")
@click.argument("user_id", metavar="USER")
@click.argument("item_id", metavar="ITEM")
@click.argument("kind", metavar="KIND")
@click.option("--value", type=float, help="The stars of a rating, the pieces of a purchase.")
@pass_shared
def feedback(shared: Shared, user_id: str, item_id: str, kind: str, value: float | None) -> None:
    """Say what USER did with ITEM; the very next answer knows it, nothing has to be built.

    KIND is like, dislike, taken, skipped, seen, rating, purchase, or any other: recmind.toml says what each means.
    """
    from recmind.agent.recommender import RecMind  # noqa: PLC0415
    from recmind.data.settings import DEFAULT_KINDS  # noqa: PLC0415

    with RecMind.open(shared.home) as rec:
        rec.feedback(user_id, item_id, kind, value)
        item = rec.store.items.get(item_id)
        settings = rec.workspace.settings
    meaning = settings.kind(kind)
    told = {"user_id": user_id, "item_id": item_id, "kind": kind, "value": value, "means": meaning.model_dump()}
    title = clean(item.name) if item else item_id
    new = kind not in settings.kinds and kind not in DEFAULT_KINDS
    unknown = f" No settings name {kind!r}: it counts as liked and had." if new else ""
    emit(shared.as_json, told, lambda: f"Kept: {clean(user_id)}, {clean(kind)}, {title}.{clean(unknown)}")
