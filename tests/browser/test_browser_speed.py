"""What the page loads and draws, also with five thousand messages; how fast it is gets told, and nothing fails on it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.browser_stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.short]
MANY = 5_000
FRAMES = """() => new Promise((done) => {
  const gaps = []; let last = performance.now(); const end = last + 1500;
  const list = document.querySelector(".main .list");
  const step = (now) => {
    gaps.push(now - last); last = now; list.scrollTop -= 120;
    if (now < end) requestAnimationFrame(step); else done(gaps.slice(1).sort((a, b) => a - b));
  };
  requestAnimationFrame(step);
})"""


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a measurement although the test passes."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n[measured] {text}\n")

    return write


def fill(stage: Stage, count: int) -> None:
    """Put so many messages of people and the bot into #random."""
    space = stage.slack.emulation.space
    channel = space.channels["C0RANDOM1"]
    people = [stage.slack.users[name] for name in ("dana", "lee", "kim", "sam")]
    for number in range(count):
        message: dict[str, Any] = {
            "type": "message",
            "user": people[number % 4],
            "text": f"line {number} of many",
            "team": space.id,
        }
        if number % 9 == 0:
            text = {"type": "mrkdwn", "text": f"*line {number}* with `code` and <https://example.com|a link>"}
            message["blocks"] = [{"type": "section", "block_id": "b", "text": text}]
        space.post(channel, message)


async def test_page_needs_its_own_server_alone(page_stage: Stage, tell: Callable[[str], None]) -> None:
    """From the address to the first message nothing is fetched from elsewhere."""
    await page_stage.slack.driver("dana").say("#general", "good morning")
    window = await page_stage.window("dana", color_scheme="light")
    await window.messages("good morning").wait_for()
    inside = await window.page.evaluate("() => performance.now() / 1000")
    tell(f"page with its first message after {inside:.2f} s in a new browser profile")
    sizes = await window.page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith(page_stage.slack.base_url) for name in sizes)


async def test_channel_of_five_thousand_messages_stays_small(page_stage: Stage, tell: Callable[[str], None]) -> None:
    """Few rows are drawn, older pages come by themselves, and the place is kept."""
    fill(page_stage, MANY)
    window = await page_stage.window("dana")
    began = time.monotonic()
    await window.open_channel("random")
    await expect(window.messages(f"line {MANY - 1} ")).to_be_in_viewport()
    opened = time.monotonic() - began
    gaps = await window.page.evaluate(FRAMES)
    middle, worst = gaps[len(gaps) // 2], gaps[-1]
    rows = await window.main.get_by_test_id("message").count()
    tell(
        f"{MANY} messages: open after {opened:.2f} s, frames of {middle:.0f} ms (worst {worst:.0f} ms), {rows} rows drawn"
    )
    assert rows <= 260
    seen = await window.page.evaluate(SETTLED)
    fill(page_stage, 1)
    await expect(window.page.get_by_role("button", name=re.compile("1 new message"))).to_be_visible()
    assert await window.page.evaluate(SETTLED) == seen
    await window.page.get_by_role("button", name=re.compile("1 new message")).click()
    await expect(window.messages("line 0 ")).to_be_in_viewport()


SETTLED = """async () => {
  const list = document.querySelector(".main .list");
  const topRow = () => {
    const top = list.getBoundingClientRect().top;
    return [...list.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().bottom > top + 4).dataset.ts;
  };
  let seen = "", since = performance.now();
  while (performance.now() - since < 250) {
    await new Promise(requestAnimationFrame);
    const now = topRow();
    if (now !== seen) [seen, since] = [now, performance.now()];
  }
  return seen;
}"""
"""Gives the topmost row once it has stayed the same for a quarter of a second."""


TO_TOP = """async () => {
  const list = document.querySelector(".main .list");
  list.scrollTop = -list.scrollHeight;
  await new Promise(requestAnimationFrame);
}"""


@pytest.mark.drill
async def test_beginning_of_five_thousand_messages_can_be_reached(
    page_stage: Stage, tell: Callable[[str], None]
) -> None:
    """Scrolling up page after page ends at the very first message."""
    fill(page_stage, MANY)
    window = await page_stage.window("dana")
    await window.open_channel("random")
    began = time.monotonic()
    beginning = window.main.get_by_text("This is the very beginning of #random.")
    while not await beginning.count():
        await window.page.evaluate(TO_TOP)
    await expect(window.messages("line 0 ")).to_have_count(1)
    tell(f"all {MANY} messages read back in {time.monotonic() - began:.1f} s")
