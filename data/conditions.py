"""Conditions over attributes, in one syntax for the command line, the tools, the preferences and the validator."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, Literal, Protocol, cast

import numpy as np

from recmind.data.arrays import Bools, Float64s
from recmind.data.errors import ConditionError
from recmind.data.records import AttributeValue, Item
from recmind.data.text import fold, format_number, normalize, to_number

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "in", "not in"]
Scalar = str | float

SYNTAX = "Write ATTRIBUTE OPERATOR VALUE, with = != < <= > >= ~ (contains) in / not in A,B; for example year>=1990"
PSEUDO_ATTRIBUTES = ("title", "description", "item_id", "created_at")
"""Fields that every item has beside its attributes; an attribute of the same name is hidden by them."""

NEGATIONS: dict[str, Operator] = {"!=": "=", "not in": "in"}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
_PARSE = re.compile(
    r"""^\s*(?P<attribute>"(?:[^"]|"")*"|[^=!<>~"]+?)
        (?P<operator>\s*(?:!=|<=|>=|==|=|<|>|~)|\s+(?:not\s+in|in)(?=\s|"|$))\s*(?P<value>.*?)\s*$""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PART = re.compile(r'\s*(?:"((?:[^"]|"")*)"|((?!")[^,]*?))\s*(?:,|$)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """A single condition that an item must meet.

    On a list attribute ``=`` means that any element is equal and ``!=`` that none is. An item without the attribute
    fails every condition but ``!=`` and ``not in``. Text compares without regard to case; ``~`` finds a part of the
    text.
    """

    attribute: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...]
    """A tuple with ``in`` and ``not in``, otherwise one text or number."""

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value, or the values, as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def __str__(self) -> str:
        """The condition as ``parse_condition`` reads it."""
        name = self.attribute
        if not (match := _PARSE.match(f"{name}=x")) or match["attribute"] != name or match["operator"] != "=":
            name = '"' + name.replace('"', '""') + '"'
        if self.operator in ("in", "not in"):
            return f"{name} {self.operator} {','.join(_quoted(v, listed=True) for v in self.values)}"
        return f"{name}{self.operator}{_quoted(self.values[0], listed=False)}"


def _quoted(value: Scalar, *, listed: bool) -> str:
    text = value_text(value)
    if text == "" or text != text.strip() or '"' in text or (listed and "," in text) or text[0] == "=":
        return '"' + text.replace('"', '""') + '"'
    return text


def value_text(value: Scalar) -> str:
    """A condition's value as a person writes it."""
    return value if isinstance(value, str) else format_number(value)


def _scalar(text: str, quoted: bool) -> Scalar:
    """A number if the text is one and the number is written the same way, so that ``007`` stays text; else the text."""
    number = None if quoted else to_number(text)
    return number if number is not None and format_number(number) == text else text


def parse_condition(text: str) -> Condition:
    """The condition written as text.

    Args:
        text: ATTRIBUTE OPERATOR VALUE.

    Raises:
        ConditionError: the text cannot be read; the message says why and shows the syntax.
    """
    match = _PARSE.match(text)
    if not match:
        raise ConditionError(f"Cannot read the condition {text!r}: there is no operator. {SYNTAX}")
    name = match["attribute"].strip()
    if name.startswith('"'):
        name = name[1:-1].replace('""', '"')
    name = name.strip()
    operator = " ".join(match["operator"].casefold().split())
    operator = "=" if operator == "==" else operator
    if not name:
        raise ConditionError(f"Cannot read the condition {text!r}: it names no attribute. {SYNTAX}")
    written = match["value"]
    if not written:
        raise ConditionError(f"Cannot read the condition {text!r}: there is no value after {operator!r}. {SYNTAX}")
    value: Scalar | tuple[Scalar, ...]
    if operator in ("in", "not in"):
        value = _parse_list(written, text)
    elif len(written) >= 2 and written[0] == written[-1] == '"':
        value = written[1:-1].replace('""', '"')
    else:
        value = _scalar(written, quoted=False)
    return Condition(name, cast(Operator, operator), value)


def _parse_list(written: str, text: str) -> tuple[Scalar, ...]:
    values: list[Scalar] = []
    place = 0
    while place < len(written):
        part = _PART.match(written, place)
        if part is None:
            raise ConditionError(f"Cannot read the condition {text!r}: a quotation mark is not closed. {SYNTAX}")
        quoted = part[1] is not None
        value = part[1].replace('""', '"') if quoted else part[2]
        if value or quoted:
            values.append(_scalar(value, quoted))
        place = part.end()
    if not values:
        raise ConditionError(f"Cannot read the condition {text!r}: the list has no value. {SYNTAX}")
    return tuple(dict.fromkeys(values))


def matches(condition: Condition, item: Item) -> bool:
    """Whether the item meets the condition."""
    positive = NEGATIONS.get(condition.operator, condition.operator)
    values = _item_values(condition, item)
    if positive in ("=", "in"):
        texts, numbers = _wanted(condition)
        met = any(fold(value) in texts if isinstance(value, str) else value in numbers for value in values)
    else:
        met = any(_compares(value, positive, wanted) for value in values for wanted in condition.values)
    return not met if condition.operator in NEGATIONS else met


@lru_cache(maxsize=4096)
def _wanted(condition: Condition) -> tuple[frozenset[str], frozenset[float]]:
    """The values that equal one of the condition's: folded texts, and those of them that are numbers."""
    numbers = (to_number(value) if isinstance(value, str) else float(value) for value in condition.values)
    texts = frozenset(fold(value_text(value)) for value in condition.values)
    return texts, frozenset(number for number in numbers if number is not None)


def _item_values(condition: Condition, item: Item) -> Sequence[Scalar]:
    if condition.attribute in PSEUDO_ATTRIBUTES:
        value: AttributeValue | None = getattr(item, condition.attribute)
        return () if value is None or (value == "" and condition.attribute != "item_id") else (cast(Scalar, value),)
    value = item.attributes.get(condition.attribute)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _compares(value: Scalar, operator: str, wanted: Scalar) -> bool:
    """Whether the value is above or below the wanted one, or contains it."""
    if operator == "~":
        return fold(value_text(wanted)) in fold(value_text(value))
    number = to_number(wanted) if isinstance(wanted, str) else float(wanted)
    if isinstance(value, str):
        left: Any = fold(value)
        right: Any = fold(value_text(wanted))
        # Dates and the like compare as text; a word like "unknown" is neither above nor below a number.
        if number is not None and not "0" <= left[:1] <= "9":
            return False
    elif number is None:
        return False
    else:
        left, right = value, number
    return bool(_COMPARISONS[operator](left, right))


def compares(condition: Condition, numbers: Float64s) -> Bools:
    """True for each number that compares with any value of the condition, of shape (numbers,).

    Args:
        condition: not one with ``~``. A negation is not applied: for ``!=`` these are the numbers that fail.
        numbers: float64 of shape (numbers,).
    """
    compare: Callable[[Any, Any], Any] = _COMPARISONS.get(NEGATIONS.get(condition.operator, condition.operator), eq)
    met = np.zeros(len(numbers), dtype=np.bool_)
    for wanted in condition.values:
        number = to_number(wanted) if isinstance(wanted, str) else float(wanted)
        if number is not None:
            met |= compare(numbers, number)
    return met


class CatalogueView(Protocol):
    """The part of a catalogue that is needed to resolve conditions; ``recmind.data.catalogue.Catalogue`` has it."""

    def attribute_names(self) -> Sequence[str]:
        """The names of the attributes that items have."""

    def kind_of(self, attribute: str) -> str:
        """text, number or list."""

    def spelling(self, attribute: str, text: str) -> str | None:
        """The value of this attribute that the text means (case, accents and punctuation don't count), or None."""

    def near_values(self, attribute: str, text: str, n: int = 5) -> Sequence[str]:
        """The values nearest to the text, best first; the commonest where none is near.

        Args:
            attribute: name of the attribute.
            text: the text to compare with.
            n: the most to return.
        """


def resolve_condition(condition: Condition, catalogue: CatalogueView) -> Condition:
    """The condition in the catalogue's own words: its attribute names, its spelling of values, its numbers.

    Raises ConditionError where something does not exist; the message lists the attributes or the nearest values.
    """
    attribute = resolve_attribute(condition.attribute, catalogue)
    if attribute in PSEUDO_ATTRIBUTES:
        return Condition(attribute, condition.operator, condition.value)
    kind = catalogue.kind_of(attribute)
    values = tuple(_resolve_value(attribute, kind, condition, value, catalogue) for value in condition.values)
    return Condition(attribute, condition.operator, values if isinstance(condition.value, tuple) else values[0])


def resolve_attribute(name: str, catalogue: CatalogueView) -> str:
    """The catalogue's name for an attribute; case, ``_`` against space, and singular against plural don't count.

    Args:
        name: the name as a person wrote it.
        catalogue: the names that exist.

    Raises:
        ConditionError: there is no such attribute; the message lists those that exist.
    """
    names = [*catalogue.attribute_names(), *PSEUDO_ATTRIBUTES]
    if name in names:
        return name
    by_key: dict[str, str] = {}
    for known in names:
        by_key.setdefault(normalize(known), known)
    key = normalize(name)
    for form in _forms(key):
        if form in by_key:
            return by_key[form]
    raise ConditionError(f"There is no attribute {name!r}. This catalogue has: {', '.join(dict.fromkeys(names))}")


def _forms(key: str) -> list[str]:
    """The key itself, its plurals and its singulars."""
    forms = [key, f"{key}s", f"{key}es"]
    if key.endswith("y"):
        forms.append(f"{key[:-1]}ies")
    if key.endswith("ies"):
        forms.append(f"{key[:-3]}y")
    if key.endswith("es"):
        forms.append(key[:-2])
    if key.endswith("s"):
        forms.append(key[:-1])
    return forms


def _resolve_value(attribute: str, kind: str, condition: Condition, value: Scalar, catalogue: CatalogueView) -> Scalar:
    if condition.operator == "~":
        return value
    if kind == "number":
        number = to_number(value) if isinstance(value, str) else float(value)
        if number is None:
            raise ConditionError(f"{attribute!r} is a number, and {value!r} is not one; for example {attribute}>=10")
        return number
    if condition.operator not in ("=", "!=", "in", "not in"):
        return value
    known = catalogue.spelling(attribute, value_text(value))
    if known is None:
        near = ", ".join(repr(near) for near in catalogue.near_values(attribute, value_text(value)))
        raise ConditionError(f"No item has {attribute} {value_text(value)!r}. Near it: {near}")
    return known
