"""The message log of a channel against a plain list."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evalbot.playground.messages import MessageLog, add_reaction, remove_reaction

STEPS = st.lists(st.tuples(st.sampled_from(["top", "reply", "broadcast", "remove"]), st.integers(0, 30)), max_size=40)


def message(number: int, **keys: Any) -> dict[str, Any]:
    """Return a small message; numbers make growing ids."""
    return {"ts": f"1770000000.{number:06d}", "user": f"U{number % 3}", "text": str(number), **keys}


@given(STEPS)
def test_log_agrees_with_a_plain_list(steps: list[tuple[str, int]]) -> None:
    """Reply counts, threads and the top level follow from the messages that are there."""
    log, kept = MessageLog(), list[dict[str, Any]]()
    for number, (step, choice) in enumerate(steps):
        parents = [one for one in kept if one.get("thread_ts", one["ts"]) == one["ts"]]
        parent = parents[choice % len(parents)] if parents else None
        if step == "top" or parent is None:
            kept.append(message(number))
            log.add(kept[-1])
        elif step == "remove":
            leaves = [one for one in kept if not one.get("reply_count")]
            kept.remove(leaves[choice % len(leaves)])
            log.remove(leaves[choice % len(leaves)]["ts"])
        else:
            extra = {"subtype": "thread_broadcast"} if step == "broadcast" else {}
            kept.append(message(number, thread_ts=parent["ts"], **extra))
            log.add(kept[-1])
    check_against(log, kept)


def check_against(log: MessageLog, kept: list[dict[str, Any]]) -> None:
    """Compare the log with the list of what must be in it."""
    assert [one["ts"] for one in log] == [one["ts"] for one in kept]
    for one in kept:
        replies = [other for other in kept if other.get("thread_ts") == one["ts"] and other is not one]
        if one.get("thread_ts", one["ts"]) == one["ts"]:
            assert log.thread(one["ts"])[1:] == replies
            assert one.get("reply_count", 0) == len(replies)
            assert one.get("latest_reply") == (replies[-1]["ts"] if replies else None)
    top, more = log.top_level(limit=1000)
    assert not more
    is_top = [one for one in kept if one.get("thread_ts", one["ts"]) == one["ts"] or "subtype" in one]
    assert top == is_top


def test_pages_of_history_join_without_gap_or_overlap() -> None:
    """Reading back page by page gives every message once."""
    log = MessageLog()
    for number in range(25):
        log.add(message(number))
    found: list[str] = []
    before, more = None, True
    while more:
        page, more = log.top_level(before, 10)
        found = [one["text"] for one in page] + found
        before = page[0]["ts"]
    assert found == [str(number) for number in range(25)]


def test_parent_with_replies_becomes_a_tombstone() -> None:
    """Deleting the start of a thread keeps the thread."""
    log = MessageLog()
    log.add(message(1, blocks=[{"type": "divider"}]))
    log.add(message(2, thread_ts="1770000000.000001"))
    log.remove("1770000000.000001")
    parent, reply = log.thread("1770000000.000001")
    assert parent["subtype"] == "tombstone"
    assert "blocks" not in parent
    assert reply["text"] == "2"


def test_one_person_counts_once_per_reaction() -> None:
    """A second equal reaction is refused, and taking the last one away removes the entry."""
    one = message(1)
    assert add_reaction(one, "eyes", "U1")
    assert add_reaction(one, "eyes", "U2")
    assert not add_reaction(one, "eyes", "U1")
    assert one["reactions"] == [{"name": "eyes", "users": ["U1", "U2"], "count": 2}]
    assert remove_reaction(one, "eyes", "U1")
    assert remove_reaction(one, "eyes", "U2")
    assert not remove_reaction(one, "eyes", "U2")
    assert "reactions" not in one
