"""What a request means, by rules that learn their words from the catalogue; the same with and without a model."""

from recmind.agent.understanding.meaning import Binding, TitleMention, Understanding, Wish
from recmind.agent.understanding.reading import prefer, preferences, understand

__all__ = ["Binding", "TitleMention", "Understanding", "Wish", "prefer", "preferences", "understand"]
