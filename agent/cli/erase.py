"""``recmind forget`` and ``recmind items``: take users and items out."""

from __future__ import annotations

import click

from recmind.agent.cli.app import Command, Group, Shared, pass_shared
from recmind.agent.cli.output import clean, count, emit
from recmind.data.wording import first_few


@click.command(cls=Command, short_help="Erase a user and all that is known of them.")
@click.argument("user_id", metavar="USER")
@pass_shared
def forget(shared: Shared, user_id: str) -> None:
    """Erase a user and all that is known of them: interactions, preferences, traces, threads, remembered replies.

    Run `recmind index` afterwards, so that nothing learned from them remains in the index either.
    """
    from recmind.agent.caches import Caches  # noqa: PLC0415
    from recmind.agent.memory.threads import Threads  # noqa: PLC0415
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    with Store(workspace.database, workspace.settings) as store:
        erased = dict(store.forget_user(user_id))
    with TraceStore(workspace.traces) as traces:
        erased["traces"] = traces.forget_user(user_id)
    with Threads(workspace.threads) as threads:
        erased["threads"] = threads.forget_user(user_id)
    erased["remembered"] = Caches(workspace).forget_user(user_id)
    told = {"user_id": user_id, "erased": erased}
    parts = [f"{n:,} {what}" for what, n in erased.items() if n]
    emit(
        shared.as_json,
        told,
        lambda: (
            f"Erased of user {user_id!r}: {', '.join(parts)}. Next: recmind index"
            if parts
            else f"Nothing was known of user {user_id!r}."
        ),
    )


items = Group(
    name="items",
    help="Take items out of the catalogue, or back in.\n\n"
    "An unavailable item stays in the histories that mention it and is never recommended.",
    short_help="Make items unavailable or available, or remove them.",
)
item_ids = click.argument("item_ids", metavar="ID...", nargs=-1, required=True)


@items.command()
@item_ids
@pass_shared
def unavailable(shared: Shared, item_ids: tuple[str, ...]) -> None:
    """Never recommend these items; keep what is known of them."""
    _change(shared, item_ids, "made unavailable")


@items.command()
@item_ids
@pass_shared
def available(shared: Shared, item_ids: tuple[str, ...]) -> None:
    """Recommend these items again."""
    _change(shared, item_ids, "made available")


@items.command()
@item_ids
@pass_shared
def remove(shared: Shared, item_ids: tuple[str, ...]) -> None:
    """Erase these items and every interaction with them."""
    _change(shared, item_ids, "removed")


def _change(shared: Shared, item_ids: tuple[str, ...], what: str) -> None:
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    with Store(workspace.database, workspace.settings) as store:
        names = [item.name for item in store.items.get_many(item_ids).values()]
        if what == "removed":
            changed = store.items.remove(item_ids)["items"]
        else:
            changed = store.items.set_available(item_ids, what == "made available")
    emit(
        shared.as_json,
        {"item_ids": list(item_ids), "change": what, "changed": changed},
        lambda: (
            f"{count(changed, 'item')} {what}: {first_few(map(clean, names))}." if changed else "Nothing had to change."
        ),
    )
