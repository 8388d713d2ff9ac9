"""What can be asked of ``RecMind`` beside the query: the options of one request, said once for every way to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from typing_extensions import TypedDict

from recmind.data.choices import Aggregation, Mode, Strategy, Strictness
from recmind.data.conditions import Condition
from recmind.data.errors import InputError

MOST_MEMBERS = 12
"""The largest group."""
MOST_ASKED = 100
"""The largest ``k``."""

Model = str | BaseChatModel | None


class Options(TypedDict, total=False):
    """The keyword arguments of ``RecMind.recommend``, ``arecommend`` and ``stream``."""

    user_id: str | None
    """Whose history and preferences count; an unknown id is answered as a newcomer's."""
    user_ids: Sequence[str]
    """Several people to recommend for at once, instead of ``user_id``: what each stated binds, what any of them had is
    left out, and every recommendation says how well it fits each."""
    aggregation: Aggregation
    """How the fits of several people become one score: ``average``, ``least-misery`` (the lowest) or ``most-pleasure``
    (the highest)."""
    k: int
    """How many recommendations at most, 1 to 100; 10 where it is not given."""
    filters: Sequence[str | Condition]
    """Conditions that every recommendation must meet, such as ``"year>=1990"``."""
    exclude: Sequence[str]
    """Item ids not to recommend."""
    diversity: float
    """0 to 1; 0 ranks by score alone, more gives up score for items that differ from each other. It acts where the
    ranking decides the order: always without a chat model, else through ``rank_candidates``."""
    mode: Mode
    """``direct``; ``explanation-first`` says what is understood of the person, then the items; ``conversational`` asks
    one question back where the request leaves everything open."""
    thread: str | None
    """The name of the conversation that the request goes on with, or begins; it belongs to its ``user_id``. In the mode
    ``conversational`` a new one is begun where none is named."""
    ask: bool
    """False: nothing is asked back, whatever the mode."""
    strategy: Strategy | None
    """``react``: one line of thought; ``self-inspiring``: after each step the model is asked whether another would
    help. None: as the settings say."""
    strictness: Strictness | None
    """``strict`` or ``lenient`` with the words of reasons; None: as the settings say. Items are always checked."""
    model: Model
    """Another model for this request only."""
    limits: Mapping[str, float]
    """Other limits than the workspace's for this request, by name: model_calls, tool_calls, tokens, cost_usd, seconds.
    Where one is reached, the ranker answers and says so."""
    cache: bool
    """False: nothing that was found, replied or answered before is used, and nothing of this request is remembered."""
    callbacks: Sequence[BaseCallbackHandler]
    """LangChain callback handlers that see every run of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The same with every default in place; see ``Options`` for what each means."""

    user_id: str | None = None
    user_ids: Sequence[str] = ()
    aggregation: Aggregation = "average"
    k: int = 10
    filters: Sequence[str | Condition] = ()
    exclude: Sequence[str] = ()
    diversity: float = 0.0
    mode: Mode = "direct"
    thread: str | None = None
    ask: bool = True
    strategy: Strategy | None = None
    strictness: Strictness | None = None
    model: Model = None
    limits: Mapping[str, float] = field(default_factory=dict)
    cache: bool = True
    callbacks: Sequence[BaseCallbackHandler] = ()

    def words(self) -> dict[str, Any]:
        """Everything that decides what the answer is, by name, for those who tell requests apart."""
        names = (part.name for part in fields(self) if part.name not in ("callbacks", "cache"))
        return {name: getattr(self, name) for name in names}

    @classmethod
    def read(cls, options: Options) -> Asked:
        """The options with their defaults.

        Raises:
            InputError: ``k`` or ``diversity`` is out of range, or there is no such mode, strategy or strictness.
            TypeError: there is no such option.
        """
        given: dict[str, Any] = dict(options)
        asked = cls(**given)
        if not 1 <= asked.k <= MOST_ASKED:
            raise InputError(f"k is {asked.k}; ask for 1 to {MOST_ASKED} recommendations.")
        if not 0 <= asked.diversity <= 1:
            raise InputError(f"diversity is {asked.diversity}; give a number from 0 to 1.")
        for name, words, default in (
            ("mode", get_args(Mode), ()),
            ("aggregation", get_args(Aggregation), ()),
            ("strategy", get_args(Strategy), (None,)),
            ("strictness", get_args(Strictness), (None,)),
        ):
            if getattr(asked, name) not in (*words, *default):
                raise InputError(f"{name} is {getattr(asked, name)!r}; it is one of {', '.join(words)}.")
        if isinstance(asked.user_ids, str):
            raise InputError(f"user_ids is the text {asked.user_ids!r}; give a list of ids.")
        if asked.user_id is not None and asked.user_ids:
            raise InputError("Both user_id and user_ids are given; name one person, or several, not both.")
        if len(asked.members) > 1 and not all(member.strip() for member in asked.members):
            raise InputError(f"One of the {len(asked.members)} people has no name: give each of a group their user id.")
        if len(asked.members) > MOST_MEMBERS:
            raise InputError(f"{len(asked.members)} people are named; a group has {MOST_MEMBERS} at most.")
        if len(asked.members) > 1 and (asked.thread is not None or asked.mode == "conversational"):
            raise InputError("A conversation belongs to one person: name one, or leave thread and mode out.")
        return asked

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody who is named, each once."""
        named = self.user_ids if self.user_id is None else (self.user_id,)
        return tuple(dict.fromkeys(named))
