"""Tool calls as text, in the shapes that models write them."""

import pytest
from langchain_core.messages import AIMessage

from recmind.agent.models.text_tool_calls import text_tool_calls, with_text_tool_calls

NAMES = ("search_items", "filter_items", "submit_recommendations")
HEIST = ("search_items", {"query": "a heist"})
PICKS = {"recommendations": [{"item": "c1", "cites": ["e2"], "reason": "Meets {e2}."}]}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "search_items", "arguments": {"query": "a heist"}}', [HEIST]),
        ('{"name": "search_items", "arguments": "{\\"query\\": \\"a heist\\"}"}', [HEIST]),
        ('Sure! {"tool": "search_items", "parameters": {"query": "a heist"}} Let me know.', [HEIST]),
        ('{"name": "search_items", "query": "a heist"}', [HEIST]),
        ('<tool_call>\n{"name": "search_items", "arguments": {"query": "a heist"}}\n</tool_call>', [HEIST]),
        ('```json\n{"action": "search_items", "action_input": {"query": "a heist"}}\n```', [HEIST]),
        ('<|python_tag|>{"name": "search_items", "parameters": {"query": "a heist"}}', [HEIST]),
        ('[TOOL_CALLS] [{"name": "search_items", "arguments": {"query": "a heist"}}]', [HEIST]),
        ('<function=search_items>{"query": "a heist"}</function>', [HEIST]),
        ("<function=search_items>\n<parameter=query>\na heist\n</parameter>\n</function>", [HEIST]),
        ('search_items({"query": "a heist"})', [HEIST]),
        ('[search_items(query="a heist"), filter_items(where=["year>=1990"])]',
         [HEIST, ("filter_items", {"where": ["year>=1990"]})]),
        ('Action: search_items\nAction Input: {"query": "a heist"}', [HEIST]),
        ('functions.search_items:0<|tool_call_argument_begin|>{"query": "a heist"}', [HEIST]),
        ('{"tool_calls": [{"type": "function", "function": {"name": "search_items", "arguments": '
         '{"query": "a heist"}}}]}', [HEIST]),
        ('{"search_items": {"query": "a heist"}}', [HEIST]),
        ("{'name': 'search_items', 'arguments': {'query': 'a heist',}}", [HEIST]),
        ('{"name": "search_items", "arguments": {"query": "a heist"}}\n{"name": "search_items", "arguments": '
         '{"query": "a heist"}}', [HEIST, HEIST]),
        ('<think>{"name": "filter_items", "arguments": {}}</think>{"name": "search_items", "arguments": {"query": '
         '"a heist"}}', [HEIST]),
        ('{"recommendations": [{"item": "c1", "cites": ["e2"], "reason": "Meets {e2}."}]}',
         [("submit_recommendations", PICKS)]),
        ('**Final**\n```json\n[{"item": "c1", "cites": ["e2"], "reason": "Meets {e2}."}]\n```',
         [("submit_recommendations", PICKS)]),
        ('1. {"item": "c1", "cites": ["e2"], "reason": "Meets {e2}."}', [("submit_recommendations", PICKS)]),
        ('submit_recommendations(recommendations=[{"item": "c1", "cites": ["e2"], "reason": "Meets {e2}."}])',
         [("submit_recommendations", PICKS)]),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)  # fmt: skip
def test_calls_are_heard(text, calls):
    assert [(call.name, call.args) for call in text_tool_calls(text, NAMES, "submit_recommendations")] == calls


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Watch Heat, a heist film.",
        "I would call search_items with the query a heist.",
        '{"name": "delete_everything", "arguments": {}}',
        '{"name": "search_items", "arguments": {"query": "a hei',
        "{e5} and {title:r1}",
        "[" * 5_000 + "{" * 5_000,
    ],
    ids=lambda text: text[:24],
)
def test_other_text_is_left_alone(text):
    message = AIMessage(text)
    assert with_text_tool_calls(message, NAMES, "submit_recommendations") is message


def test_calls_that_were_made_count():
    made = AIMessage(
        "search_items()", tool_calls=[{"name": "filter_items", "args": {}, "id": "1", "type": "tool_call"}]
    )
    assert with_text_tool_calls(made, NAMES) is made
    spoken = with_text_tool_calls(AIMessage("search_items()"), NAMES)
    assert [(call["name"], call["args"]) for call in spoken.tool_calls] == [("search_items", {})]
    assert spoken.content == ""


def test_calls_have_ids_of_their_own() -> None:
    ids = [
        call["id"]
        for text in ("search_items()", "search_items(n=2)", "search_items() and search_items(n=3)")
        for call in with_text_tool_calls(AIMessage(text), NAMES).tool_calls
    ]
    assert len(set(ids)) == len(ids) == 4
    assert all(len(call_id) == 9 and call_id.isalnum() for call_id in ids)
    assert with_text_tool_calls(AIMessage("search_items()"), NAMES).tool_calls[0]["id"] == ids[0]
