"""Every option of a request, declared once for Python, command line, batch files, replays and conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from operator import index
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)
from pydantic import WithJsonSchema as AsJson
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from recmind.data.choices import Aggregation, Mode, Strategy, Strictness
from recmind.data.errors import InputError, shown, unknown

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models import BaseChatModel

    from recmind.data.conditions import Condition

    Filter = str | Condition
    Model = str | BaseChatModel | None
    Callback = BaseCallbackHandler
else:
    # LangChain and NumPy would make `--help` slow: the validators below import them when there is something to check.
    Filter = Model = Callback = Any

MOST_MEMBERS = 12
"""The largest group."""
MOST_ASKED = 100
"""The largest ``k``."""
_AS_DEFAULT: Any = object()


@dataclass(frozen=True, slots=True)
class Uses:
    """Where an option can be given outside Python, and how it is written there."""

    flag: str = ""
    """Its flag on the command line; empty if it has none."""
    help: str = ""
    """The text of ``--help`` about the flag."""
    metavar: str | None = None
    allowed: str = ""
    """What to give instead of a wrong value, for errors; empty if the type says it."""
    beyond: str = ""
    """The same for a number that is too small or too large; empty: ``allowed`` says it."""
    batch: bool = True
    """Whether a line of a batch file may hold it."""
    traced: bool = True
    """Whether a trace keeps it with the request, so that a replay has it too."""
    usual: Any = _AS_DEFAULT
    """The value that a trace leaves out; by default the default of the option."""
    taken_over: bool = False
    """Whether the reply to a question inherits it from the request that led to the question."""
    decides: bool = True
    """Whether the answer depends on it."""


def _whole(value: Any) -> Any:
    """A NumPy integer as a Python int; anything else unchanged."""
    try:
        return value if isinstance(value, bool) else index(value)
    except TypeError:
        return value


def _condition(value: Any) -> Any:
    if isinstance(value, str):
        return value
    from recmind.data.conditions import Condition, parse_condition  # noqa: PLC0415  costs NumPy

    # A Condition must be one that text can express: then it holds nothing but texts and numbers.
    if not isinstance(value, Condition):
        raise ValueError
    try:
        parse_condition(str(value))
    except (InputError, TypeError, AttributeError, ValueError, ArithmeticError):
        raise ValueError from None
    return value


def _instance_of(module: str, name: str, *also: type) -> AfterValidator:
    """Checks for a class that is imported only when there is a value to check: LangChain takes half a second."""

    def check(value: Any) -> Any:
        if not isinstance(value, also) and not isinstance(value, getattr(import_module(module), name)):
            raise ValueError
        return value

    return AfterValidator(check)


Listed = Strict(strict=False)
"""A list, a tuple or a set will do; a text will not."""
Number = int | Annotated[float, Field(allow_inf_nan=False)]


class RequestOptions(BaseModel):
    """The options of one request, as the keyword arguments of ``RecMind.recommend``, ``arecommend`` and ``stream``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    user_id: Annotated[
        str | None, Uses("--user", "For whom; the conversation is theirs.", metavar="ID", traced=False)
    ] = None
    """Whose history and preferences count; an unknown id is answered as a newcomer's."""
    user_ids: Annotated[
        tuple[str, ...],
        Listed,
        Uses(
            "--user",
            "For whom; their history decides with the request. Repeated: for all of them together.",
            metavar="ID",
            allowed="give a list of user ids, each a text",
            traced=False,
        ),
    ] = ()
    """Several people to recommend for at once, instead of ``user_id``; 12 at most. The stated preferences of each bind,
    items that any of them has had are left out, and every recommendation says how well it fits each person."""
    aggregation: Annotated[
        Aggregation,
        Uses(
            "--aggregation",
            "How the fits of several people become one score: their average, the lowest, or the highest.",
            traced=False,
        ),
    ] = "average"
    """How the fits of several people become one score: ``average``, ``least-misery`` (the lowest) or ``most-pleasure``
    (the highest)."""
    k: Annotated[
        int,
        Field(ge=1, le=MOST_ASKED),
        BeforeValidator(_whole),
        Uses("-k", "How many items.", beyond=f"ask for 1 to {MOST_ASKED} recommendations", usual=None, taken_over=True),
    ] = 10
    """The largest number of recommendations, 1 to 100; 10 by default."""
    filters: Annotated[
        tuple[Annotated[Filter, AfterValidator(_condition), AsJson({"type": "string"})], ...],
        Listed,
        Uses(
            "--filter",
            "A condition that every item must meet, such as 'year>=1990' or 'genres in Comedy,Drama'. Repeatable.",
            metavar="CONDITION",
            allowed="give a list of texts, each a condition such as 'year>=1990'",
            taken_over=True,
        ),
    ] = ()
    """Conditions that every recommendation must meet, such as ``"year>=1990"``."""
    exclude: Annotated[
        tuple[str, ...],
        Listed,
        Uses(
            "--exclude",
            "An item that must not be recommended. Repeatable.",
            metavar="ID",
            allowed="give a list of item ids, each a text",
            taken_over=True,
        ),
    ] = ()
    """Item ids not to recommend."""
    diversity: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False),
        Uses("--diversity", "How much the items should differ from each other; it costs score.", taken_over=True),
    ] = 0.0
    """0 to 1; 0 ranks by score alone, more gives up score for items that differ from each other. It has an effect if
    the ranking decides the order: always without a chat model, else through ``rank_candidates``."""
    mode: Annotated[
        Mode,
        Uses(
            "--mode",
            "explanation-first says what it understood of the person, then the items; conversational may ask back.",
            taken_over=True,
        ),
    ] = "direct"
    """``direct``; ``explanation-first`` first says what is known about the person's taste, then the items;
    ``conversational`` asks one question back if the request leaves everything open."""
    thread: Annotated[
        str | None,
        Uses("--thread", "The conversation to go on with, or to begin.", metavar="NAME", batch=False, traced=False),
    ] = None
    """The name of the conversation that the request continues or begins; it belongs to one ``user_id``. In the mode
    ``conversational`` a new one is begun if none is named."""
    ask: Annotated[bool, Uses("--no-ask", "Never ask back.", batch=False)] = True
    """False: no question is asked back in any mode."""
    model: Annotated[
        Model,
        _instance_of("langchain_core.language_models", "BaseChatModel", str, type(None)),
        AsJson({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        Uses(
            "--model",
            "A chat model, such as openai:NAME. Default: RECMIND_MODEL, else none.",
            metavar="NAME",
            allowed="give the name of a chat model, or a LangChain chat model",
            traced=False,
        ),
    ] = None
    """Another model for this request only: its name, such as ``openai:NAME``, or in Python any LangChain chat model."""
    strategy: Annotated[
        Strategy | None,
        Uses(
            "--strategy",
            "react: one line of thought; self-inspiring: further ones where they help. Default: the settings, else "
            "react.",
            usual="react",
        ),
    ] = None
    """``react``: one line of thought; ``self-inspiring``: after each step the model is asked whether another would
    help. None: as the settings say."""
    strictness: Annotated[
        Strictness | None,
        Uses(
            "--strictness",
            "How the words of a model's reasons are checked. Default: the settings, else strict.",
            usual="strict",
        ),
    ] = None
    """``strict`` or ``lenient`` with the words of reasons; None: as the settings say. Items are always checked."""
    limits: Annotated[
        Mapping[str, Number | None],
        Uses(
            "--limit",
            "Another limit for a request: model_calls, tool_calls, tokens, cost_usd or seconds. Repeatable.",
            metavar="NAME=NUMBER",
            allowed="give numbers by name, such as {'model_calls': 3}",
        ),
    ] = Field(default_factory=dict)
    """Other limits than the workspace's for this request, by name: model_calls, tool_calls, tokens, cost_usd (US
    dollars), seconds. If one is reached, the ranker answers and says so."""
    cache: Annotated[
        bool,
        Uses("--no-cache", "Use nothing that is remembered of earlier requests.", traced=False, decides=False),
    ] = True
    """False: no cached look-up, model reply or answer is used, and nothing of this request is cached."""
    callbacks: Annotated[
        tuple[Annotated[Callback, _instance_of("langchain_core.callbacks", "BaseCallbackHandler")], ...],
        Listed,
        SkipJsonSchema(),
        Uses(allowed="give a list of LangChain callback handlers", batch=False, traced=False, decides=False),
    ] = ()
    """LangChain callback handlers that see every run of the request."""

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> RequestOptions:
        """The options, checked, with their defaults.

        Args:
            options: values by name, as a caller gave them.

        Raises:
            InputError: an option does not exist, a value is not allowed, or two options contradict each other.
        """
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            raise InputError(_told(error)) from None

    def given(self) -> Options:
        """The options that the caller gave, checked."""
        return cast(Options, {name: getattr(self, name) for name in self.model_fields_set})

    @property
    def members(self) -> tuple[str, ...]:
        """The ids of all people who are named, each once."""
        named = self.user_ids if self.user_id is None else (self.user_id,)
        return tuple(dict.fromkeys(named))

    def words(self) -> dict[str, Any]:
        """Every option that the answer depends on, by name; used to tell requests apart."""
        return {name: getattr(self, name) for name, uses in USES.items() if uses.decides}

    def traced(self, **settled: Any) -> dict[str, Any]:
        """The options that a trace keeps, as JSON: ``k``, and every option that does not have its usual value.

        Args:
            **settled: values that only the workspace could decide: the strategy by its settings, the filters by its
                catalogue.
        """
        values = {name: settled.get(name, getattr(self, name)) for name in TRACED}
        return {name: as_json(value) for name, value in values.items() if value != USUAL[name]}

    @model_validator(mode="after")
    def _people(self) -> RequestOptions:
        """Itself. Raises InputError if the named people cannot be answered together."""
        members = self.members
        if self.user_id is not None and self.user_ids:
            raise InputError("Both user_id and user_ids are given; name one person, or several, not both.")
        if len(members) < 2:
            return self
        if not all(member.strip() for member in members):
            raise InputError(f"One of the {len(members)} people has no name: give the user id of every member.")
        if len(members) > MOST_MEMBERS:
            raise InputError(f"{len(members)} people are named; a group has {MOST_MEMBERS} at most.")
        if self.thread is not None or self.mode == "conversational":
            raise InputError("A conversation belongs to one person: name one, or leave thread and mode out.")
        return self


class Options(TypedDict, total=False):
    """The types of ``RequestOptions`` for type checkers, which need a TypedDict; a test holds both equal."""

    user_id: str | None
    user_ids: Sequence[str]
    aggregation: Aggregation
    k: int
    filters: Sequence[Filter]
    exclude: Sequence[str]
    diversity: float
    mode: Mode
    thread: str | None
    ask: bool
    model: Model
    strategy: Strategy | None
    strictness: Strictness | None
    limits: Mapping[str, Number | None]
    cache: bool
    callbacks: Sequence[Callback]


FIELDS: Mapping[str, FieldInfo] = RequestOptions.model_fields
USES: Mapping[str, Uses] = {
    name: next(part for part in option.metadata if isinstance(part, Uses)) for name, option in FIELDS.items()
}


def default(name: str) -> Any:
    """The value of an option that is not given."""
    return FIELDS[name].get_default(call_default_factory=True)


BATCH = ("query", *(name for name, uses in USES.items() if uses.batch))
"""The fields that a line of a batch file may hold."""
TRACED = tuple(name for name, uses in USES.items() if uses.traced)
"""The options that a trace keeps. User, model and thread are kept there in other fields."""
USUAL = {name: default(name) if USES[name].usual is _AS_DEFAULT else USES[name].usual for name in TRACED}
"""The values that a trace leaves out."""
TAKEN_OVER = tuple(name for name, uses in USES.items() if uses.taken_over)
"""The options that the reply to a question inherits from the request that led to the question."""


def as_json(value: Any) -> Any:
    """An option's value as JSON, for traces and conversations."""
    if isinstance(value, Mapping):
        return dict(value)
    return [str(part) for part in value] if isinstance(value, list | tuple | set | frozenset) else value


def check_query(query: Any) -> str:
    """The query itself.

    Args:
        query: what the caller gave as the query.

    Raises:
        InputError: it is not a text.
    """
    if not isinstance(query, str):
        raise InputError(f"query is {shown(query)}; give a text.")
    return query


def bounds(option: FieldInfo) -> tuple[Any, Any]:
    """The smallest and the largest allowed value of a number option; None where there is no bound."""
    least = next((part.ge for part in option.metadata if isinstance(part, Ge)), None)
    return least, next((part.le for part in option.metadata if isinstance(part, Le)), None)


def words_of(option: FieldInfo) -> tuple[str, ...]:
    """The words that an option chooses from; empty if it takes other values."""
    kinds = (option.annotation, *get_args(option.annotation))
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def allowed(name: str) -> str:
    """What to give as the value of an option, in words for errors."""
    option = FIELDS[name]
    if USES[name].allowed:
        return USES[name].allowed
    if words := words_of(option):
        return f"it is one of {', '.join(words)}"
    if option.annotation is bool:
        return "give True or False"
    least, most = bounds(option)
    if least is not None:
        return f"give a {'whole ' if option.annotation is int else ''}number from {least} to {most}"
    return "give a text, or None"


def _told(error: ValidationError) -> str:
    """The first fault in words: the option, its value, and what is allowed."""
    first = error.errors(include_url=False, include_context=False)[0]
    name, *within = first["loc"]
    if name not in FIELDS:
        return unknown(name, FIELDS)
    far = USES[str(name)].beyond if first["type"] in ("greater_than_equal", "less_than_equal") else ""
    place = f"{name}[{shown(within[0])}]" if within else name
    return f"{place} is {shown(first['input'])}; {far or allowed(str(name))}."
