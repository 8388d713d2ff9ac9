"""What a request means, by rules that learn their words from the catalogue; the same for every model, and with none."""

from recmind.agent.understanding.meaning import Binding, TitleMention, Understanding, Wish
from recmind.agent.understanding.reading import prefer, preferences, understand

__all__ = ["Binding", "TitleMention", "Understanding", "Wish", "prefer", "preferences", "understand"]
