"""Tool calls that a model wrote as text instead of making them, in the shapes that small and local models use.

It reads, alone or between other words: ``{"name": ..., "arguments": {...}}`` under any of the usual keys, in
``<tool_call>`` tags, fences or lists; ``<function=NAME>...</function>``; ``NAME({...})`` and ``NAME(key="value")``; a
name with JSON behind it ("Action: NAME / Action Input: {...}"); and a bare ``{"recommendations": [...]}``, or what
such a list holds.
"""

from __future__ import annotations

import ast
import json
import re
import zlib
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, ToolCall

NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name", "action", "recipient_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "params", "input", "tool_input", "action_input")
LIST_KEYS = ("tool_calls", "tool_uses", "calls", "actions")
BARE = "recommendations"
"""An object with this key holds the arguments of the final call, whatever surrounds it."""
PICK = frozenset({"item", "reason"})
"""An object with these keys, or a list of such objects, is an entry of the list in the final call."""
GAP = 60
"""The largest number of letters between a tool's name and its JSON."""
MOST_CALLS = 16
MOST_UNREAD = 40
"""Reading stops after this many brackets that begin no call."""
LONGEST = 60_000
"""The number of letters of a text that are read."""

_THOUGHT = re.compile(r"(?s)<(think|thinking|reasoning)>.*?</\1>|^.*</think>")
_TAGGED = re.compile(r"(?s)<function=([\w.\-]+)>(.*?)(?:</function>|$)")
_PARAMETER = re.compile(r"(?s)<parameter=([\w\-]+)>\s*(.*?)\s*</parameter>")
_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()

Args = dict[str, Any]


class TextToolCall(NamedTuple):
    """A call in a text."""

    start: int
    end: int
    name: str
    args: Args


def with_text_tool_calls(message: AIMessage, names: Collection[str], final: str = "") -> AIMessage:
    """The message with the calls that its text holds; the same message if it makes calls itself or writes none.

    Args:
        message: a model's answer.
        names: the tools that exist; other names are not taken for a call.
        final: the tool that a bare ``{"recommendations": [...]}`` stands for; empty if there is none.
    """
    text = message.text
    if message.tool_calls or message.invalid_tool_calls or not text.strip():
        return message
    heard = text_tool_calls(text, names, final)
    if not heard:
        return message
    made = [
        ToolCall(name=call.name, args=call.args, id=_call_id(text, n), type="tool_call") for n, call in enumerate(heard)
    ]
    return message.model_copy(update={"content": "", "tool_calls": made})


def _call_id(text: str, n: int) -> str:
    """An id that differs in every message of a conversation: nine letters and digits, as strict templates require."""
    return f"s{zlib.crc32(f'{n} {text}'.encode(errors='replace')):08x}"


def text_tool_calls(text: str, names: Collection[str], final: str = "") -> list[TextToolCall]:
    """The calls that a text holds, in order; the thinking of a reasoning model is not read.

    Args:
        text: what the model wrote.
        names: the tools that exist; other names are not taken for a call.
        final: the tool that a bare ``{"recommendations": [...]}`` stands for; empty if there is none.
    """
    text = _THOUGHT.sub(lambda thought: " " * len(thought[0]), text[:LONGEST])
    found = [*_tagged(text, names), *_after_names(text, names), *_objects(text, names, final)]
    kept: list[TextToolCall] = []
    for call in sorted(found, key=lambda call: (call.start, -call.end)):
        if not kept or call.start >= kept[-1].end:
            kept.append(call)
        elif call.start == kept[-1].start and call.end == kept[-1].end:
            kept.append(call)  # several calls of one list
    return kept[:MOST_CALLS]


def without_thoughts(text: str) -> str:
    """The text without the thinking of a reasoning model."""
    return _THOUGHT.sub(" ", text).strip()


def _tagged(text: str, names: Collection[str]) -> Iterator[TextToolCall]:
    for match in _TAGGED.finditer(text):
        name, body = _known(match[1], names), match[2].strip()
        if name is None:
            continue
        args = {key: _value(value) for key, value in _PARAMETER.findall(body)}
        if not args and body:
            read = _decoded(body, body.find("{")) if "{" in body else None
            args = read[0] if read and isinstance(read[0], dict) else {}
        yield TextToolCall(match.start(), match.end(), name, args)


def _after_names(text: str, names: Collection[str]) -> Iterator[TextToolCall]:
    """``NAME(key="value")``, ``NAME({...})``, and a name with an object close behind it."""
    if not names:
        return
    for match in re.finditer(rf"\b({'|'.join(map(re.escape, names))})\b", text):
        called = _python_call(text, match.start(), match.end())
        if called is not None:
            yield TextToolCall(match.start(), called[1], match[1], called[0])
            continue
        brace = text.find("{", match.end(), match.end() + GAP)
        if brace < 0 or text[match.end() : match.end() + 1] in "\"'":
            continue  # a name in quotes is the value of a key: the object around it is read
        read = _decoded(text, brace)
        if read and isinstance(read[0], dict) and not any(key in read[0] for key in NAME_KEYS):
            yield TextToolCall(match.start(), read[1], match[1], read[0])


def _python_call(text: str, start: int, end: int) -> tuple[Args, int] | None:
    """The arguments of a call in Python's syntax that begins here, and where it ends."""
    if text[end : end + 1] != "(":
        return None
    close = _closing(text, end)
    if close is None:
        return None
    source = re.sub(r"\b(true|false|null)\b", lambda m: {"true": "True", "false": "False"}.get(m[0], "None"),
                    text[start:close])  # fmt: skip
    try:
        call = ast.parse(source.strip(), mode="eval").body
        if not isinstance(call, ast.Call):
            return None
        args = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
        given = [ast.literal_eval(argument) for argument in call.args]
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if len(given) == 1 and isinstance(given[0], dict):
        args = {**given[0], **args}
    elif given:
        return None
    return args, close


def _objects(text: str, names: Collection[str], final: str) -> Iterator[TextToolCall]:
    """Calls in the JSON values of the text."""
    place = unread = 0
    while unread < MOST_UNREAD and (match := _OPENING.search(text, place)) is not None:
        read = _decoded(text, match.start())
        calls = list(_calls_in(read[0], names, final)) if read else []
        if read is None or not calls:
            unread, place = unread + 1, match.start() + 1
            continue
        yield from (TextToolCall(match.start(), read[1], name, args) for name, args in calls)
        place = read[1]


def _calls_in(value: Any, names: Collection[str], final: str) -> Iterator[tuple[str, Args]]:
    if isinstance(value, list):
        for part in value:
            yield from _calls_in(part, names, final)
        return
    if not isinstance(value, dict):
        return
    for key in LIST_KEYS:
        if isinstance(value.get(key), list):
            yield from _calls_in(value[key], names, final)
            return
    if isinstance(value.get("function"), dict):
        yield from _calls_in(value["function"], names, final)
        return
    said = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    name = _known(said, names) if said else None
    if name is not None:
        given = next((value[key] for key in ARGUMENT_KEYS if key in value), None)
        if given is None:
            given = {key: part for key, part in value.items() if key not in NAME_KEYS and key not in ("id", "type")}
        args = _value(given) if isinstance(given, str) else given
        if isinstance(args, dict):
            yield name, args
    elif len(value) == 1 and (name := _known(next(iter(value)), names)) and isinstance(value[next(iter(value))], dict):
        yield name, value[next(iter(value))]
    elif final and (isinstance(value.get(BARE), list) or value.keys() >= PICK):
        yield final, value if BARE in value else {BARE: [value]}


def _known(said: str, names: Collection[str]) -> str | None:
    """The tool that is meant: some models write ``functions.search_items`` or ``search_items:0``."""
    plain = re.sub(r"^(?:functions?|tools?)[./]|:\d+$", "", said.strip())
    return plain if plain in names else None


def _value(text: str) -> Any:
    """The value that a text stands for: parsed if it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        read = _decoded(text.strip(), 0) if text.strip()[:1] in ("{", "[") else None
        return read[0] if read else text


def _decoded(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value that begins here and where it ends; also with single quotes, trailing commas or Python's words."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    end = _closing(text, start)
    if end is None:
        return None
    body = text[start:end]
    for loose in (
        re.sub(r",\s*([}\]])", r"\1", body),
        re.sub(r"\b(true|false|null)\b", lambda m: {"true": "True", "false": "False"}.get(m[0], "None"), body),
    ):
        for read in (json.loads, ast.literal_eval):
            try:
                return read(loose), end
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
    return None


def _closing(text: str, start: int) -> int | None:
    """One past the bracket that closes the one at ``start``; brackets within quotes do not count."""
    depth, quote = 0, ""
    place = start
    while place < len(text):
        letter = text[place]
        if quote:
            if letter == "\\":
                place += 1
            elif letter == quote:
                quote = ""
        elif letter == '"' or (letter == "'" and not text[place - 1].isalnum()):
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return None
