"""The catalogue in a few lines for a model: its attributes, their kinds and common values."""

from __future__ import annotations

from recmind.data.catalogue import AttributeSummary, Catalogue
from recmind.data.text import format_number

MOST_ATTRIBUTES = 14
SHOWN_VALUES = 8
"""Number of values shown, the commonest; up to ``FEW_VALUES`` all are shown."""
FEW_VALUES = 20


def describe_catalogue(catalogue: Catalogue) -> str:
    """A line for each attribute that is not hidden, commonest first."""
    telling = [attribute for attribute in catalogue.attributes if not attribute.hidden]
    lines = [_line(attribute) for attribute in telling[:MOST_ATTRIBUTES]]
    more = len(telling) - MOST_ATTRIBUTES
    if more > 0:
        lines.append(f"and {more} more: {', '.join(a.name for a in telling[MOST_ATTRIBUTES : MOST_ATTRIBUTES + 10])}")
    return "\n".join(lines) or "no attributes; titles and descriptions only"


def example_condition(catalogue: Catalogue) -> str:
    """A condition that fits this catalogue, for an error message or a prompt."""
    telling = [attribute for attribute in catalogue.attributes if not attribute.hidden]
    for attribute in telling:
        if attribute.kind == "number" and attribute.minimum is not None and attribute.maximum is not None:
            return f"{attribute.name}>={round((attribute.minimum + attribute.maximum) / 2)}"
    return next((f"{a.name}={a.common[0][0]}" for a in telling if a.common), "title~word")


def _line(attribute: AttributeSummary) -> str:
    if attribute.kind == "number" and attribute.minimum is not None and attribute.maximum is not None:
        span = f"{format_number(attribute.minimum)} to {format_number(attribute.maximum)}"
        return f"- {attribute.name}: number, {span}"
    most = len(attribute.common) if attribute.distinct_values <= FEW_VALUES else SHOWN_VALUES
    values = ", ".join(value for value, _ in attribute.common[:most])
    more = f", … ({attribute.distinct_values})" if attribute.distinct_values > most else ""
    return f"- {attribute.name}: {attribute.kind}, {values}{more}"
