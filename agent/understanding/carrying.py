"""Merges an earlier request with a later one: constraints are carried over, what is said again replaces them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from recmind.agent.understanding.meaning import Binding, Understanding, Wish
from recmind.data.conditions import Condition

if TYPE_CHECKING:
    from recmind.data.store.store import Store

_UPPER, _LOWER = ("<", "<="), (">", ">=")
_DENIALS = ("!=", "not in")
_NAMES = ("=", "in")


def carried(
    before: Understanding | None, new: Understanding, store: Store, *, refines: bool, adds: bool
) -> Understanding:
    """Merges the earlier understanding with the new one.

    Args:
        before: what held until now, or None.
        new: what the message itself says.
        store: the catalogue; if no item meets all conditions, those that ask are loosened, never those that rule out.
        refines: whether the message changes the request; if not, it makes a new one, and only constraints carry over.
        adds: whether what it names is added to what was named ("and comedies too") instead of replacing it.
    """
    if before is None:
        return new
    said = [c for binding in new.bindings for c in binding.conditions]
    again = {binding.conditions for binding in new.bindings}
    kept = [
        binding
        for binding in before.bindings
        if binding.conditions not in again and not any(_replaced(c, said, adds=adds) for c in binding.conditions)
    ]
    if not refines:
        kept = [binding for binding in kept if not _may_give_way(binding)]
    if adds:
        kept, new = _widened(kept, new)
    bindings, loosened = _that_go_together([*new.bindings, *_by_weight(kept)], store)
    wishes = list(new.wishes)
    if refines:
        wanted = [c for wish in new.wishes for c in wish.conditions] + said
        wishes += [
            wish
            for wish in before.wishes
            if wish not in wishes and not all(_denied(c, wanted) for c in wish.conditions)
        ]
    wishes += [Wish(binding.words, binding.conditions) for binding in loosened]
    unlikes = (*before.unlikes, *(mention for mention in new.unlikes if mention not in before.unlikes))
    liked = {mention.item_id for mention in new.likes}
    text = new.text
    if refines and not new.likes:
        text = " ".join(part for part in (before.text, new.text) if part)
    notes = [f"No item meets “{b.words}” together with the rest, so it became a wish." for b in loosened]
    merged = replace(
        new,
        likes=new.likes or (before.likes if refines else ()),
        unlikes=tuple(mention for mention in unlikes if mention.item_id not in liked),
        bindings=tuple(replace(binding, label=f"q{n}") for n, binding in enumerate(bindings, 1)),
        wishes=tuple(wishes),
        text=text,
        again=new.again or (refines and before.again and not new.unseen),
        unseen=new.unseen or (refines and before.unseen and not new.again),
        surprise=new.surprise or (refines and before.surprise),
        count=new.count if new.count is not None or not refines else before.count,
        unused=(*new.unused, *notes),
    )
    found = merged.likes or merged.unlikes or merged.bindings or merged.wishes or merged.text
    return replace(merged, empty=not found and not merged.surprise)


def _replaced(old: Condition, said: Iterable[Condition], *, adds: bool) -> bool:
    """Whether something said later replaces a condition."""
    return any(_takes_place(new, old, adds=adds) for new in said if new.attribute == old.attribute)


def _takes_place(new: Condition, old: Condition, *, adds: bool) -> bool:
    if isinstance(old.values[0], float | int) and isinstance(new.values[0], float | int):
        if new.operator in _UPPER:
            return old.operator in _UPPER or (old.operator in _LOWER and old.values[0] >= new.values[0])
        if new.operator in _LOWER:
            return old.operator in _LOWER or (old.operator in _UPPER and old.values[0] <= new.values[0])
        return True
    shared = bool({_key(v) for v in new.values} & {_key(v) for v in old.values})
    if (new.operator in _DENIALS) != (old.operator in _DENIALS):
        return shared
    return new.operator in _NAMES and old.operator in _NAMES and not adds


def _key(value: object) -> str:
    return str(value).casefold()


def _denied(wanted: Condition, said: Iterable[Condition]) -> bool:
    """Whether a wish contradicts what was said later."""
    return any(
        new.attribute == wanted.attribute
        and (new.operator in _DENIALS) != (wanted.operator in _DENIALS)
        and {_key(v) for v in new.values} >= {_key(v) for v in wanted.values}
        for new in said
    )


def _widened(kept: Sequence[Binding], new: Understanding) -> tuple[list[Binding], Understanding]:
    """Old and new names of one attribute as one binding that any of them meets: "comedies", "and westerns too"."""
    left, bindings = list(kept), list(new.bindings)
    for place, binding in enumerate(bindings):
        for old in list(left):
            pair = (*old.conditions, *binding.conditions)
            if len(pair) == 2 and pair[0].attribute == pair[1].attribute and all(c.operator in _NAMES for c in pair):
                values = tuple(dict.fromkeys((*pair[0].values, *pair[1].values)))
                joined = Condition(pair[0].attribute, "in", values) if len(values) > 1 else pair[0]
                bindings[place] = Binding(binding.label, f"{old.words} or {binding.words}", (joined,))
                left.remove(old)
    return left, replace(new, bindings=tuple(bindings))


def _by_weight(bindings: Iterable[Binding]) -> list[Binding]:
    """The bindings in order: those that rule out or bound a number, then named values, which may give way."""
    return sorted(bindings, key=_may_give_way)


def _may_give_way(binding: Binding) -> bool:
    return all(c.operator in _NAMES and isinstance(c.values[0], str) for c in binding.conditions)


def _that_go_together(bindings: Sequence[Binding], store: Store) -> tuple[list[Binding], list[Binding]]:
    """The bindings that some item meets together, and the named values that no item has together with those before."""
    conditions: list[Condition] = []
    kept: list[Binding] = []
    loosened: list[Binding] = []
    for place, binding in enumerate(bindings):
        if place and _may_give_way(binding) and not store.items.count([*conditions, *binding.conditions]):
            loosened.append(binding)
            continue
        kept.append(binding)
        conditions += binding.conditions
    return kept, loosened
