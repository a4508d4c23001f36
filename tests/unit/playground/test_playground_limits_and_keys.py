"""Rate limits, keys for a short time, faults and violations on the movable clock."""

import pytest

from evalbot.playground.clock import Clock
from evalbot.playground.faults import Faults, Trouble
from evalbot.playground.one_time_keys import OneTimeKeys, ResponseUrl, Trigger
from evalbot.playground.rate_limits import RateLimits, Tier
from evalbot.playground.violations import Kind, Violations, inspect_message


@pytest.mark.parametrize("tier,allowed", [(Tier.TWO, 20), (Tier.THREE, 50), (Tier.FOUR, 100)])
def test_tier_holds_for_a_minute(tier: Tier, allowed: int) -> None:
    """The call after the last allowed one waits, and a minute later it may go on."""
    clock = Clock()
    rates = RateLimits(clock)
    assert [rates.wait_for_call("m", tier) for _ in range(allowed)] == [0] * allowed
    assert 1 <= rates.wait_for_call("m", tier) <= 60
    assert rates.wait_for_call("other", tier) == 0
    clock.advance(61)
    assert rates.wait_for_call("m", tier) == 0


def test_channel_takes_a_short_burst_then_one_message_per_second() -> None:
    """Each channel has its own allowance."""
    clock = Clock()
    rates = RateLimits(clock, burst=3)
    assert [rates.wait_for_post("C1") > 0 for _ in range(5)] == [False, False, False, True, True]
    assert rates.wait_for_post("C2") == 0
    clock.advance(1)
    assert rates.wait_for_post("C1") == 0
    assert rates.wait_for_post("C1") > 0


def test_limits_can_be_switched_off() -> None:
    """Without limits nothing ever waits."""
    rates = RateLimits(Clock(), enabled=False)
    assert not any(rates.wait_for_post("C1") or rates.wait_for_call("m", Tier.ONE) for _ in range(500))


def test_unlisted_apps_read_history_once_a_minute() -> None:
    """The special limit of distributed apps holds when it is switched on."""
    rates = RateLimits(Clock(), unlisted_history=True)
    assert rates.wait_for_call("conversations.history", Tier.THREE) == 0
    assert rates.wait_for_call("conversations.history", Tier.THREE) > 0


def test_trigger_works_once_within_three_seconds() -> None:
    """Used, late and unknown triggers give their own error codes."""
    clock = Clock()
    keys = OneTimeKeys(clock)
    key, late = keys.make_trigger("U1"), keys.make_trigger("U1")
    assert isinstance(keys.use_trigger(key), Trigger)
    assert keys.use_trigger(key) == "exchanged_trigger_id"
    assert keys.use_trigger("nonsense") == "invalid_trigger_id"
    clock.advance(3.1)
    assert keys.use_trigger(late) == "expired_trigger_id"


def test_response_url_works_five_times_in_thirty_minutes() -> None:
    """The sixth use and a late one are refused."""
    clock = Clock()
    keys = OneTimeKeys(clock)
    key, late = keys.make_url("C1", "U1"), keys.make_url("C1", "U1")
    assert all(isinstance(keys.use_url(key), ResponseUrl) for _ in range(5))
    assert keys.use_url(key) == "used_url"
    clock.advance(1801)
    assert keys.use_url(late) == "expired_url"


def test_socket_ticket_works_once() -> None:
    """An old socket url is refused."""
    keys = OneTimeKeys(Clock())
    ticket = keys.make_ticket()
    assert keys.use_ticket(ticket)
    assert not keys.use_ticket(ticket)


def test_faults_hit_the_calls_they_name_and_end() -> None:
    """A fault for two calls of a method hits two calls of that method; an outage hits all until it is over."""
    clock = Clock()
    faults = Faults(clock)
    faults.next_call("error", "chat.update", times=2, code="fatal_error")
    hits = [faults.take(name) for name in ("auth.test", "chat.update", "chat.update", "chat.update")]
    assert [one.code if one else None for one in hits] == [None, "fatal_error", "fatal_error", None]
    faults.outage(60)
    outage = faults.take("auth.test")
    assert outage is not None
    assert outage.trouble is Trouble.SERVER_ERROR
    clock.advance(61)
    assert faults.take("auth.test") is None


@pytest.mark.parametrize(
    "message,kind",
    [
        ({"text": "", "blocks": [{"type": "divider"}]}, Kind.NO_FALLBACK_TEXT),
        ({"text": "x", "blocks": [{"type": "image", "alt_text": " "}]}, Kind.NO_ALT_TEXT),
        ({"text": "hi <!channel>"}, Kind.PINGS_CHANNEL),
        ({"text": "hi <!here|here>"}, Kind.PINGS_CHANNEL),
        (
            {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!subteam^S1>"}}]},
            Kind.PINGS_CHANNEL,
        ),
        (
            {"text": "x", "blocks": [{"type": "rich_text", "elements": [{"type": "broadcast", "range": "here"}]}]},
            Kind.PINGS_CHANNEL,
        ),
    ],
)
def test_bad_habits_are_noted(message: dict[str, object], kind: Kind) -> None:
    """What Slack takes but people suffer from is on the list."""
    violations = Violations(Clock())
    inspect_message(violations, "chat.postMessage", message)
    assert [one.kind for one in violations] == [kind]


def test_plain_text_can_not_ping() -> None:
    """Escaped or plain text with the same characters is harmless."""
    violations = Violations(Clock())
    plain = {"type": "section", "text": {"type": "plain_text", "text": "<!channel>"}}
    inspect_message(violations, "m", {"text": "hi &lt;!channel&gt; @channel", "blocks": [plain]})
    assert len(violations) == 0
    inspect_message(violations, "m", {"text": "hi @channel"}, linked_names=True)
    assert len(violations.of("pings_channel")) == 1
