"""``recmind preferences``: the lasting preferences of users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Group, Shared, pass_shared
from recmind.agent.cli.output import clean, columns, emit

if TYPE_CHECKING:
    from recmind.data.records import Preference

preferences = Group(
    name="preferences",
    help="Show, add and forget what a user states for good.\n\nEvery recommendation for them is bound by it.",
    short_help="Show, add and forget what a user states for good.",
)


@preferences.command("list")
@click.argument("user_id", metavar="USER")
@pass_shared
def list_preferences(shared: Shared, user_id: str) -> None:
    """List what USER stated, oldest first."""
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    with Store(workspace.database, workspace.settings) as store:
        found = store.preferences.of_user(user_id)
    emit(shared.as_json, _told(user_id, found), lambda: _table(found) or f"User {clean(user_id)!r} has stated nothing.")


@preferences.command()
@click.argument("user_id", metavar="USER")
@click.argument("text")
@pass_shared
def add(shared: Shared, user_id: str, text: str) -> None:
    """Keep what USER states in plain words, such as "no horror" or "nothing over two hours".

    A second bound on the same number, or the opposite, takes the place of the first.
    """
    from recmind.agent.recommender import RecMind  # noqa: PLC0415

    with RecMind.open(shared.home) as rec:
        kept = rec.prefer(user_id, text)
    emit(shared.as_json, _told(user_id, kept), lambda: f"Kept for user {clean(user_id)!r}:\n{_table(kept)}")


@preferences.command()
@click.argument("user_id", metavar="USER")
@click.argument("text", required=False)
@click.option("--all", "everything", is_flag=True, help="Forget all that the user stated.")
@pass_shared
def forget(shared: Shared, user_id: str, text: str | None, everything: bool) -> None:
    """Forget what USER stated, by its words or its condition."""
    if (text is None) is not everything:
        raise click.UsageError("Give the words to forget, or --all.", click.get_current_context())
    from recmind.agent.recommender import RecMind  # noqa: PLC0415

    with RecMind.open(shared.home) as rec:
        if text is None:
            gone = [preference for preference in rec.preferences(user_id) if rec.store.preferences.delete(preference)]
        else:
            gone = rec.forget_preference(user_id, text)
    emit(
        shared.as_json,
        _told(user_id, gone),
        lambda: (
            f"Forgotten of user {clean(user_id)!r}:\n{_table(gone)}"
            if gone
            else f"User {clean(user_id)!r} has stated nothing like that."
        ),
    )


def _told(user_id: str, found: Sequence[Preference]) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "preferences": [
            {"text": p.text, "condition": p.condition, "binds": p.binds, "source": p.source, "at": p.at} for p in found
        ],
    }


def _table(found: Sequence[Preference]) -> str:
    return columns(
        [
            [
                "" if p.at is None else f"{datetime.fromtimestamp(p.at, UTC):%Y-%m-%d}",
                "binds" if p.binds else "loved",
                clean(p.text),
                clean(p.condition),
                p.source,
            ]
            for p in found
        ]
    )
