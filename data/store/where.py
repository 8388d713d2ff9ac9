"""Conditions as SQL; it finds the same items as ``recmind.data.conditions.matches`` (a test compares them)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from recmind.data.conditions import NEGATIONS, PSEUDO_ATTRIBUTES, Condition, value_text
from recmind.data.text import fold, to_number


def where(conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
    """SQL over the table ``items`` that is true for the items that meet all conditions, and its parameters.

    The SQL uses the functions ``fold`` and ``number_text``, which ``Database`` registers on its connections.
    """
    parts: list[str] = []
    parameters: list[Any] = []
    for condition in conditions:
        sql, values = _pseudo_sql(condition) if condition.attribute in PSEUDO_ATTRIBUTES else _attribute_sql(condition)
        parts.append(f"NOT ({sql})" if condition.operator in NEGATIONS else f"({sql})")
        parameters += values
    return " AND ".join(parts) or "1", parameters


def _pseudo_sql(condition: Condition) -> tuple[str, list[Any]]:
    column = f"items.{condition.attribute}"
    if condition.attribute == "created_at":
        sql, values = _comparison_sql(condition, text="NULL", number=column)
        return f"{column} IS NOT NULL AND ({sql})", values
    positive = NEGATIONS.get(condition.operator, condition.operator)
    if condition.attribute == "item_id" and positive in ("=", "in"):
        # Ids compare without regard to case like all text, but the exact id is found by the index.
        exact = [value_text(value) for value in condition.values]
        holes = ",".join("?" * len(exact))
        return f"{column} IN ({holes}) OR fold({column}) IN ({holes})", [*exact, *map(fold, exact)]
    sql, values = _comparison_sql(condition, text=f"fold({column})", number="NULL")
    return f"{column} <> '' AND ({sql})", values


def _attribute_sql(condition: Condition) -> tuple[str, list[Any]]:
    sql, values = numbers_sql(condition)
    return f"items.item_number IN ({sql})", values


def numbers_sql(condition: Condition) -> tuple[str, list[Any]]:
    """SQL that selects the numbers of the items with a value that compares (with repeats), and its parameters.

    A negation is not applied: for ``!=`` these are the items that fail. Not for pseudo attributes.
    """
    sql, values = _comparison_sql(condition, text="v.text", number="v.number")
    linked = "SELECT l.item_number FROM attribute_values v JOIN item_values l USING (value_number)"
    # Only fixed column names and placeholders go into the SQL; what a person wrote is a parameter.
    return f"{linked} WHERE v.attribute = ? AND ({sql})", [condition.attribute, *values]


def _comparison_sql(condition: Condition, *, text: str, number: str) -> tuple[str, list[Any]]:
    """SQL that is true if any wanted value compares; one of the two columns is NULL unless the value is a number."""
    operator = NEGATIONS.get(condition.operator, condition.operator)
    parts: list[str] = []
    parameters: list[Any] = []
    for wanted in condition.values:
        written = fold(value_text(wanted))
        if operator == "~":
            subject = text if text != "NULL" else f"number_text({number})"
            parts.append(f"instr({subject}, ?) > 0")
            parameters.append(written)
            continue
        sign = "=" if operator == "in" else operator
        value = to_number(wanted) if isinstance(wanted, str) else float(wanted)
        if value is not None and number != "NULL":
            parts.append(f"{number} {sign} ?")
            parameters.append(value)
        if text != "NULL":
            guard = f" AND substr({text}, 1, 1) BETWEEN '0' AND '9'" if value is not None and sign != "=" else ""
            absent = "" if number == "NULL" else f" AND {number} IS NULL"
            parts.append(f"({text} {sign} ?{guard}{absent})")
            parameters.append(written)
    return " OR ".join(parts) or "0", parameters
