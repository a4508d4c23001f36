"""What a stream makes of its chunks, and which links belong to an app."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.playground.block_rules import check_message
from evalbot.playground.links import links_in
from evalbot.playground.refusals import ApiError
from evalbot.playground.streams import Content

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
CHUNKS = st.lists(
    st.builds(lambda text: {"type": "markdown_text", "text": text}, WORDS)
    | st.builds(
        lambda number, details: {
            "type": "task_update",
            "id": f"t{number}",
            "title": f"Task {number}",
            "status": "complete",
            "details": details,
        },
        st.integers(0, 3),
        WORDS,
    ),
    max_size=12,
)


def texts_of(chunks: list[dict[str, Any]]) -> str:
    """Return the running text of the chunks."""
    return "".join(one["text"] for one in chunks if one["type"] == "markdown_text")


@given(CHUNKS, st.integers(0, 12))
def test_chunks_add_up_however_they_are_split(chunks: list[dict[str, Any]], place: int) -> None:
    """Two appends give what one gives; texts of a task are continued in order; the blocks are such as Slack takes."""
    whole, parts = Content("plan"), Content("plan")
    whole.take(chunks)
    parts.take(chunks[:place])
    parts.take(chunks[place:])
    assert whole == parts
    assert whole.text == texts_of(chunks)
    for number, task in whole.tasks.items():
        told = "".join(one["details"] for one in chunks if one.get("id") == number)
        assert task["details"]["elements"][0]["elements"][0]["text"] == told
    drawn = whole.drawn()
    assert not drawn or check_message(drawn) == []


@pytest.mark.parametrize(
    "chunk,code",
    [
        ("text", "invalid_chunks"),
        ({"type": "markdown_text"}, "invalid_chunks"),
        ({"type": "task_update", "id": "", "title": "x"}, "invalid_chunks"),
        ({"type": "task_update", "id": "1", "title": "x", "sources": [{"url": "x"}]}, "invalid_chunks"),
        ({"type": "markdown_text", "text": "x" * 12_001}, "msg_too_long"),
    ],
)
def test_bad_chunks_are_refused(chunk: Any, code: str) -> None:
    """Each has Slack's word for it."""
    with pytest.raises(ApiError) as caught:
        Content().take([chunk])
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text,urls",
    [
        ("see <https://evals.example/1>", ["https://evals.example/1"]),
        ("<https://app.evals.example/a?b=1&amp;c=2|the run>", ["https://app.evals.example/a?b=1&c=2"]),
        ("<https://notevals.example/1> <https://evals.example.org/1>", []),
        ("https://evals.example/plain &lt;https://evals.example/1&gt;", []),
        ("<@U1> <#C1|evals.example>", []),
    ],
)
def test_links_of_the_own_domains_are_found(text: str, urls: list[str]) -> None:
    """The domain itself and hosts below it count, look-alikes and plain text do not."""
    assert [one["url"] for one in links_in(text, ["evals.example"])] == urls
