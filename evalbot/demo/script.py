"""The demo without a browser: pretend people do the whole story through the playground's own door, step by step."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.markup import escape

from evalbot.demo.opening import Demo, open_demo
from evalbot.demo.scene import show_graded_run
from evalbot.playground.driver import Driver, DriverError, NotSeen, RemoteDriver, Seen

CHANNEL = "#support-evals"
STEWARDS = "#evals-stewards"
PATIENCE_S = 60.0


@dataclass(slots=True)
class Story:
    """The pretend people and what they have come across so far."""

    demo: Demo
    dana: Driver
    lee: Driver
    kim: Driver
    run: Seen | None = None
    cards: list[Seen] = field(default_factory=list)

    async def card(self, who: Driver, start: str) -> Seen:
        """Find a grading card of the run by the beginning of its first line, as it is now."""
        assert self.run is not None
        return await who.see_reply(self.run, start, timeout=PATIENCE_S)


Step = Callable[[Story], Awaitable[str]]
"""Does something and gives what was seen; raises DriverError, NotSeen or AssertionError when it did not happen."""


async def play_script(console: Console, port: int) -> bool:
    """Play the whole story and print it; True when every step did what it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evalbot-demo-") as folder:
        async with open_demo(console, port, Path(folder)) as demo:
            url = demo.stage.page_url
            console.print(f"Twelve weeks of history after {time.monotonic() - began:.1f} s.", highlight=False)
            async with (
                RemoteDriver(url, "dana") as dana,
                RemoteDriver(url, "lee") as lee,
                RemoteDriver(url, "kim") as kim,
            ):
                return await _play(console, Story(demo, dana, lee, kim))


async def _play(console: Console, story: Story) -> bool:
    """Do the steps in order; the first that fails ends the story."""
    for place, step in enumerate(STEPS, 1):
        began = time.monotonic()
        what = (step.__doc__ or "").strip().rstrip(".")
        try:
            seen = await step(story)
        except (DriverError, NotSeen, AssertionError) as error:
            console.print(f"[red]✗[/red] {place:2d} {escape(what)}\n     {escape(str(error))}", highlight=False)
            return False
        took = time.monotonic() - began
        console.print(
            f"[green]✓[/green] {place:2d} {escape(what)} [dim]({took:.1f} s)[/dim]\n     {escape(seen)}",
            highlight=False,
        )
    return True


def _line(seen: Seen, holding: str = "") -> str:
    """Give the line of a message that holds a text, else its first line."""
    lines = [line.strip() for line in seen.text.splitlines() if line.strip()]
    return next((line for line in lines if holding and holding in line), lines[0] if lines else "")


async def ask_for_help(story: Story) -> str:
    """Dana types /evalbot help and gets a menu that only she sees."""
    await story.dana.slash("/evalbot help", CHANNEL)
    return _line(await story.dana.see_ephemeral(CHANNEL, "run"))


async def mistype(story: Story) -> str:
    """Dana mistypes a suite and is told the nearest name."""
    await story.dana.slash("/evalbot run suport-desk", CHANNEL)
    return _line(await story.dana.see_ephemeral(CHANNEL, "Did you mean"), "Did you mean")


async def look_ahead(story: Story) -> str:
    """Dana asks for a run and is shown what it would take and how exactly it would measure."""
    await story.dana.slash("/evalbot run support-desk", CHANNEL)
    return _line(await story.dana.see_ephemeral(CHANNEL, "[Start]", timeout=PATIENCE_S), "Run support-desk?")


async def start_run(story: Story) -> str:
    """Dana presses Start; the run's card appears in the channel."""
    await story.dana.click("Start", await story.dana.see_ephemeral(CHANNEL, "[Start]"))
    story.run = await story.dana.see_message(
        CHANNEL, "support-desk", where=lambda m: not m.is_ephemeral, timeout=PATIENCE_S
    )
    return _line(story.run)


async def see_verdict(story: Story) -> str:
    """The card is edited in place until it tells that the candidate got worse on citations, with interval and n."""
    story.run = await story.dana.see_message(CHANNEL, "worse on citations", timeout=PATIENCE_S)
    assert "Why these numbers?" in story.run.text, story.run.text
    return _line(story.run, "worse on citations")


async def explain_drop(story: Story) -> str:
    """Dana asks where the number comes from, and is told items, checks, judge and formula."""
    await story.dana.slash("/evalbot explain citations", CHANNEL)
    told = await story.dana.see_ephemeral(CHANNEL, "How it is computed", timeout=PATIENCE_S)
    return _line(told, "sim-steady")


async def trust_judge(story: Story) -> str:
    """Lee asks whether the judge may be believed, and sees it beside people and a blind guess."""
    await story.lee.slash("/evalbot judge support-desk", CHANNEL)
    told = await story.lee.see_ephemeral(CHANNEL, "one person", timeout=PATIENCE_S)
    assert "may be believed" in told.text, told.text
    return _line(told, "agrees with people on")


async def see_cards(story: Story) -> str:
    """Answers are put up for grading in the run's thread."""
    assert story.run is not None
    round_card = await story.dana.see_reply(story.run, "need a person", timeout=PATIENCE_S)
    await story.card(story.dana, "2 of 12")
    return _line(round_card, "need a person")


async def grade_low(story: Story) -> str:
    """Lee gives a low grade with one click, and says why in the box that opens."""
    await story.lee.click("2 Partial", await story.card(story.lee, "1 of 12"))
    asked = await story.lee.see_view("What went wrong?")
    assert "your grade is stored: *Partial*" in str(asked), asked
    await story.lee.submit(reason="Leaves out the step that the customer needs.")
    return _line(await story.card(story.dana, "1 of 2 graded"), "graded")


async def stay_blind(story: Story) -> str:
    """Before the end nobody sees a grade, a name or the judge on the card."""
    card = await story.card(story.kim, "1 of 12")
    assert "Lee" not in card.text, card.text
    assert "judge said" not in card.text, card.text
    return _line(card, "graded")


async def settle(story: Story) -> str:
    """Kim grades the same answer; two of two agree and the card shows the outcome."""
    await story.kim.click("2 Partial", await story.card(story.kim, "1 of 12"))
    await story.kim.see_view("What went wrong?")
    await story.kim.close()
    return _line(await story.card(story.kim, "by 2 of 2"), "by 2 of 2")


async def correct(story: Story) -> str:
    """Kim writes a better answer; it becomes a candidate for the stewards."""
    await story.kim.click("Better answer…", await story.card(story.kim, "2 of 12"))
    await story.kim.see_view("Better answer")
    await story.kim.submit(
        better="Yes, within 30 days of delivery with the receipt; see article HC-101.", reason="Names no article."
    )
    return _line(await story.dana.see_message(STEWARDS, "Approve", timeout=PATIENCE_S))


async def refuse_own(story: Story) -> str:
    """Kim may not approve the own proposal."""
    await story.kim.click("Approve", await story.kim.see_message(STEWARDS, "Approve"))
    return _line(await story.kim.see_ephemeral(STEWARDS, "second person"), "second person")


async def approve(story: Story) -> str:
    """Dana approves it: the suite gets a new version with the new item."""
    await story.dana.click("Approve", await story.dana.see_message(STEWARDS, "Approve"))
    return _line(await story.dana.see_message(STEWARDS, "version 2", timeout=PATIENCE_S), "version 2")


async def thank(story: Story) -> str:
    """Kim is thanked in a direct message."""
    return _line(await story.kim.see_message("@evalbot", "Thank you", timeout=PATIENCE_S), "Thank you")


async def correct_judge(story: Story) -> str:
    """Colleagues grade a part of another run; its card shows what they say of all beside what the judge alone says."""
    stage = story.demo.stage
    await show_graded_run(story.demo, stage.users, stage.channels[CHANNEL.removeprefix("#")])
    card = await story.dana.see_message(CHANNEL, "people graded", timeout=PATIENCE_S)
    assert "the judge alone says" in card.text, card.text
    return _line(card, "the judge alone says")


async def run_again(story: Story) -> str:
    """Dana runs again; the new version is asked, one item more."""
    assert story.run is not None
    first = story.run
    await story.dana.click("Run again", first)
    await story.dana.click("Start", await story.dana.see_ephemeral(CHANNEL, "[Start]", timeout=PATIENCE_S))
    second = await story.dana.see_message(
        CHANNEL, "suite version 2", where=lambda m: m.ts != first.ts and not m.is_ephemeral, timeout=PATIENCE_S
    )
    return _line(second, "suite version 2")


async def read_digest(story: Story) -> str:
    """Dana asks for the digest; it comes with a picture that has a text for those who cannot see it."""
    await story.dana.slash("/evalbot digest now", CHANNEL)
    digest = await story.dana.see_message(CHANNEL, "Model quality", where=_has_picture, timeout=PATIENCE_S)
    assert "citations still down" in digest.text, digest.text
    return _line(digest, "Model quality")


def _has_picture(seen: Seen) -> bool:
    """Tell whether a message holds a picture with a text."""
    blocks: list[dict[str, Any]] = seen.body.get("blocks", [])
    return any(block["type"] == "image" and block.get("alt_text") for block in blocks)


async def open_home(story: Story) -> str:
    """Kim opens the Home tab and sees what waits."""
    await story.kim.open_home()
    view = await story.kim.see_home("support-desk", timeout=PATIENCE_S)
    return f"{len(view['blocks'])} blocks"


async def cancel(story: Story) -> str:
    """Dana starts a long run and stops it; what is there is kept."""
    await story.dana.slash("/evalbot run word-problems repeat:20 concurrency:1", CHANNEL)
    await story.dana.click("Start", await story.dana.see_ephemeral(CHANNEL, "[Start]", timeout=PATIENCE_S))
    await story.dana.see_ephemeral(CHANNEL, "of word-problems has started", timeout=PATIENCE_S)
    await story.dana.slash("/evalbot cancel", CHANNEL)
    await story.dana.see_ephemeral(CHANNEL, "is stopped", timeout=PATIENCE_S)
    return _line(await story.dana.see_message(CHANNEL, "stopped early", timeout=PATIENCE_S), "stopped early")


async def no_violations(story: Story) -> str:
    """The simulated Slack found nothing to complain about."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{story.demo.stage.page_url}control/violations", json={"person": "dana"}) as answer,
    ):
        found = await answer.json()
    assert not found.get("violations"), found
    return "0 violations"


STEPS: tuple[Step, ...] = (
    ask_for_help,
    mistype,
    look_ahead,
    start_run,
    see_verdict,
    explain_drop,
    trust_judge,
    see_cards,
    grade_low,
    stay_blind,
    settle,
    correct,
    refuse_own,
    approve,
    thank,
    correct_judge,
    run_again,
    read_digest,
    open_home,
    cancel,
    no_violations,
)
