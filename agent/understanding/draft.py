"""An unfinished understanding: what the stages have found so far, each part with its place in the request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from recmind.agent.understanding.meaning import Binding, TitleMention, Wish
from recmind.agent.understanding.request import RequestText
from recmind.agent.understanding.tables.thesaurus import KINDS, plural_forms, singular_forms
from recmind.agent.understanding.tables.words import GENERIC
from recmind.agent.understanding.vocabulary import Meaning, Vocabulary
from recmind.data.conditions import Condition

MOST_WISHES = 12


@dataclass
class Draft:
    """What one request means, as far as it has been read."""

    request: RequestText
    vocabulary: Vocabulary
    shown: Sequence[str] = ()
    """Ids of the items of the last answer, if the request follows one."""
    likes: list[TitleMention] = field(default_factory=list)
    unlikes: list[TitleMention] = field(default_factory=list)
    bound: list[tuple[int, str, tuple[Condition, ...]]] = field(default_factory=list)
    """Place, words and conditions of every binding."""
    wished: list[tuple[int, str, tuple[Condition, ...]]] = field(default_factory=list)
    named: set[int] = field(default_factory=set)
    """Places of bindings that name a wanted value; they may become wishes if no item has all of them."""
    unused: list[str] = field(default_factory=list)
    count: int | None = None
    _meanings: dict[str, list[Meaning]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def bind(self, place: int, words: str, conditions: Sequence[Condition], *, named: bool = False) -> None:
        """Note a binding at token ``place``.

        Args:
            place: the token where the words begin.
            words: the request's words.
            conditions: what they mean; all must hold.
            named: whether the binding names a wanted value, and so may become a wish.
        """
        self.bound.append((place, words, tuple(conditions)))
        if named:
            self.named.add(place)

    def wish(self, place: int, words: str, conditions: Sequence[Condition]) -> None:
        """Note a wish at token ``place``.

        Args:
            place: the token where the words begin.
            words: the request's words.
            conditions: what they mean; any of them meets the wish.
        """
        if conditions and all(known != tuple(conditions) for _, _, known in self.wished):
            self.wished.append((place, words, tuple(conditions)))

    def binds_at(self, i: int) -> bool:
        """Whether words at token ``i`` ask for something, rather than say what an item is about."""
        return self.request.asking[self.request.tokens[i].sentence] and not self.request.topical[i]

    def is_item_noun(self, key: str) -> bool:
        """Whether the word stands for an item: "film", or a kind of item that this catalogue has ("comedies")."""
        if key in GENERIC:
            return True
        return any(meaning.role == "kind" for meaning in (*self.values(key), *self.alias(key)))

    def measure(self, attribute: str) -> float | None:
        """What "shorter" is compared with: the number of the liked item, else the median of the items shown before."""
        for item_ids in ([mention.item_id for mention in self.likes], self.shown):
            items = self.vocabulary.store.items.get_many(item_ids).values()
            values = [value for item in items if isinstance(value := item.attributes.get(attribute), int | float)]
            if values:
                return float(median(values) if item_ids is self.shown else values[0])
        return None

    # The catalogue's values

    def load(self, keys: Iterable[str]) -> None:
        """Look up many keys at once; later look-ups of them are free."""
        fresh = [key for key in dict.fromkeys(keys) if key and key not in self._asked]
        if fresh:
            self._asked.update(fresh)
            self._meanings.update(self.vocabulary.meanings(fresh))

    def exact(self, key: str) -> list[Meaning]:
        """The values that are spelled exactly like the key."""
        self.load((key,))
        return self._meanings.get(key, [])

    def values(self, key: str) -> list[Meaning]:
        """The values that the key names in the singular or plural; its own spelling before the others."""
        forms = (key, *singular_forms(key), *plural_forms(key))
        self.load(forms)
        found = [meaning for form in forms for meaning in self._meanings.get(form, [])]
        return list(dict.fromkeys(found))

    def alias(self, key: str) -> list[Meaning]:
        """The values that another name of a kind stands for ("scifi"): those of the best role only."""
        for form in (key, *singular_forms(key)):
            if form in KINDS:
                return self.all_of(KINDS[form])
        return []

    def all_of(self, keys: Iterable[str]) -> list[Meaning]:
        """The values of kinds, moods and tags that any of the keys names, in the order of the keys."""
        wanted = list(keys)
        forms = [(key, *singular_forms(key), *plural_forms(key)) for key in wanted]
        self.load(form for group in forms for form in group)
        found = [meaning for group in forms for form in group for meaning in self._meanings.get(form, [])]
        fitting = dict.fromkeys(meaning for meaning in found if meaning.role in ("kind", "soft", "other"))
        return sorted(fitting, key=lambda meaning: meaning.role != "kind")

    # The result

    def bindings(self) -> tuple[Binding, ...]:
        """The bindings in the order of the request, labelled."""
        ordered = sorted(self.bound, key=lambda part: part[0])
        return tuple(Binding(f"q{n}", words, conditions) for n, (_, words, conditions) in enumerate(ordered, 1))

    def wishes(self) -> tuple[Wish, ...]:
        """The wishes in the order of the request."""
        return tuple(
            Wish(words, conditions)
            for _, words, conditions in sorted(self.wished, key=lambda part: part[0])[:MOST_WISHES]
        )

    def settle(self) -> None:
        """Drop the wishes that a binding contradicts: horror "that is not too scary" stays horror."""
        bound = {
            (c.attribute, value)
            for _, _, conditions in self.bound
            for c in conditions
            if c.operator in ("=", "in")
            for value in c.values
        }
        for place, words, conditions in list(self.wished):
            denied = [c for c in conditions if c.operator in ("!=", "not in")]
            if any((c.attribute, value) in bound for c in denied for value in c.values):
                self.wished.remove((place, words, conditions))

    def loosen(self) -> None:
        """If no item has all the named values, keep those that go together and turn the others into wishes."""
        named = sorted((part for part in self.bound if part[0] in self.named), key=lambda part: part[0])
        if len(named) < 2:
            return
        kept: list[Condition] = []
        for part in named:
            if self.vocabulary.store.items.count([*kept, *part[2]]):
                kept += part[2]
                continue
            self.bound.remove(part)
            self.wished.append(part)
            self.unused.append(f"No item meets “{part[1]}” together with the rest, so it became a wish.")
