"""The story of the digest: asked for or scheduled, it comes once, says what moved, and shows its exhibits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from evalbot.playground.driver import Seen
from evalbot.workflows.digesting import deliver_due
from tests.stories.story_stage import CHANNEL, PATIENCE_S, Stage

BERLIN = ZoneInfo("Europe/Berlin")
ON = "/evalbot digest on mon 09:00 Europe/Berlin"


def next_monday(hour: int = 9) -> datetime:
    """Give a moment shortly after the hour of the next Monday in Berlin."""
    today = datetime.now(BERLIN)
    day = today.date() + timedelta(days=7 - today.weekday())
    return datetime(day.year, day.month, day.day, hour, 0, 5, tzinfo=BERLIN).astimezone(UTC)


def is_digest(seen: Seen) -> bool:
    """Tell whether a message is a digest that everybody sees."""
    return "Model quality" in seen.text and not seen.is_ephemeral


def digests_in(stage: Stage, channel: str = "C0EVALS01") -> list[dict[str, Any]]:
    """Give the digests posted in a channel."""
    return [
        one for one in stage.bot_messages() if one["channel"] == channel and "Model quality" in str(one["blocks"][0])
    ]


async def test_digest_now_shows_the_week_with_a_picture_and_its_exhibits(stage: Stage) -> None:
    """The digest says what moved with interval and n, has a picture with a text, and links the answers worth opening."""
    stage = stage
    await stage.finished()
    await stage.move_to(stage.time() + timedelta(days=7))
    run = await stage.finished("run shop", 2)
    cards = await stage.reviews(run)
    for card in cards:
        await stage.grade(stage.lee, "1 Wrong", card)
        await stage.grade(stage.kim, "1 Wrong", card)
    await stage.quiet()
    await stage.dana.slash("/evalbot digest now", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "The digest is on its way")
    digest = await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)
    assert "all items · n 6 | 83 % | 44 to 97" in digest.text
    assert "6 grades by 2 people, thank you @lee @kim" in digest.text
    [picture] = [block for block in digest.body["blocks"] if block["type"] == "image"]
    assert (
        "pass rate per skill, 12 weeks, 95% interval. Latest week: overall: 83% (44% to 97%, n 6)"
        in picture["alt_text"]
    )
    addresses = [f"p{card.ts.replace('.', '')}?thread_ts={run.ts}" for card in cards]
    assert all(address in digest.text for address in addresses)
    assert len(digest.text.splitlines()) <= 15


async def test_quiet_week_is_said_in_one_line(stage: Stage) -> None:
    """Without a run the digest says so and compares nothing."""
    await stage.dana.slash("/evalbot digest now", CHANNEL)
    digest = await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)
    assert "no run this week" in digest.text
    assert "Nothing ran this week, so there is nothing to compare." in digest.text
    assert "%" not in digest.text


async def test_preview_comes_to_the_asker_alone(stage: Stage) -> None:
    """A preview is a direct message; the channel sees nothing."""
    await stage.dana.slash("/evalbot digest preview", CHANNEL)
    await stage.dana.see_message("@evalbot", "Model quality", timeout=PATIENCE_S)
    assert digests_in(stage) == []


async def test_digest_asked_for_twice_at_once_is_one(stage: Stage) -> None:
    """Two people who ask in the same minute get one digest."""
    await stage.move_to(stage.time().replace(second=10) + timedelta(minutes=1))
    await asyncio.gather(*(who.slash("/evalbot digest now", CHANNEL) for who in (stage.dana, stage.lee)))
    for who in (stage.dana, stage.lee):
        await who.see_ephemeral(CHANNEL, "The digest is on its way", timeout=PATIENCE_S)
    await stage.settled_down()
    assert len(digests_in(stage)) == 1


async def test_digest_is_switched_on_and_off(stage: Stage) -> None:
    """A channel's weekly digest can be switched on for a time and a zone, looked up, and switched off."""
    await stage.dana.slash("/evalbot digest status", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "No channel gets a digest yet")
    await stage.dana.slash(ON, CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "each Mon at 09:00 (Europe/Berlin)")
    await stage.lee.slash("/evalbot digest status", "#support-quality")
    await stage.lee.see_ephemeral("#support-quality", "Mon 09:00 (Europe/Berlin)")
    await stage.dana.slash("/evalbot digest off", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "The weekly digest here is off")
    await stage.move_to(next_monday())
    assert await deliver_due(stage.bot.program.services) == 0


async def test_scheduled_digest_comes_once_in_its_week(stage: Stage) -> None:
    """When its time has come the digest is posted, and however often the clock strikes it is not posted again."""
    stage = stage
    await stage.finished()
    await stage.dana.slash(ON, CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "each Mon at 09:00")
    assert await deliver_due(stage.bot.program.services) == 0
    await stage.move_to(next_monday())
    struck = await asyncio.gather(*(deliver_due(stage.bot.program.services) for _ in range(5)))
    assert sum(struck) == 1
    digest = await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)
    assert "posted late" not in digest.text
    await stage.restart()
    assert await deliver_due(stage.bot.program.services) == 0
    await stage.quiet()
    assert len(digests_in(stage)) == 1


async def test_digest_comes_every_week(stage: Stage) -> None:
    """The week after there is another one."""
    await stage.dana.slash(ON, CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "each Mon at 09:00")
    for week in (0, 1):
        await stage.move_to(next_monday() + timedelta(weeks=week))
        assert await deliver_due(stage.bot.program.services) == 1
    await stage.quiet()
    assert len(digests_in(stage)) == 2


async def test_digest_missed_while_the_bot_was_down_comes_late_once(stage: Stage) -> None:
    """A bot that comes back hours after the time posts the digest, marked late; one that comes back days after skips it."""
    await stage.finished()
    await stage.dana.slash(ON, CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "each Mon at 09:00")
    await stage.stop()
    await stage.move_to(next_monday(15))
    await stage.start()
    assert await deliver_due(stage.bot.program.services) == 1
    digest = await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)
    assert "posted late" in digest.text
    await stage.move_to(next_monday() + timedelta(days=10))
    assert await deliver_due(stage.bot.program.services) == 0
    await stage.quiet()
    assert len(digests_in(stage)) == 1


async def test_every_line_of_a_digest_says_where_it_comes_from(stage: Stage) -> None:
    """The numbers of a digest open one by one on top of their list, are typed as well, and are shared once."""
    await stage.finished()
    await stage.dana.slash("/evalbot digest now", CHANNEL)
    digest = await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)
    await stage.dana.click("Why these numbers?", digest)
    numbers = await stage.dana.see_view("People and judge")
    buttons = [block["accessory"] for block in numbers["blocks"] if "accessory" in block]
    assert {button["text"]["text"] for button in buttons} == {"Explain"}
    assert len({button["value"] for button in buttons}) == len(buttons) > 3
    await stage.dana.click(buttons[1]["value"])
    whole = await stage.dana.see_view("the newest finished run of the suite")
    assert whole["title"]["text"] == "Where it comes from"
    await stage.dana.see_view("interval = ")
    await stage.dana.close()
    await stage.dana.see_view("People and judge")
    await stage.dana.close()
    await stage.lee.slash("/evalbot explain digest overall", CHANNEL)
    told = await stage.lee.see_ephemeral(CHANNEL, "Digest of ", timeout=PATIENCE_S)
    for part in ("all items", "run 1, the newest finished run", "How it is computed", "Source:", "`explain digest "):
        assert part in told.text, part
    await stage.lee.click("Show the arithmetic", told)
    await stage.lee.see_view("interval = ")
    await stage.lee.close()
    for _ in range(2):
        await stage.lee.click("Share", told)
    shared = await stage.dana.see_message(CHANNEL, "shared by", timeout=PATIENCE_S)
    assert "all items" in shared.text
    await stage.quiet()
    assert sum("shared by" in str(one["blocks"]) for one in stage.bot_messages()) == 1
    await stage.lee.slash("/evalbot explain digest refnds", CHANNEL)
    await stage.lee.see_ephemeral(CHANNEL, "The digest has no row of that name", timeout=PATIENCE_S)
