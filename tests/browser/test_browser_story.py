"""The whole loop as people do it in the page: run, grade, settle, correct, approve, read."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.browser_stage import Stage, Window, run_weeks_ago

pytestmark = pytest.mark.asyncio(loop_scope="session")
RUN = re.compile(r"Run \d+ by")


async def run_desk(stage: Stage, window: Window) -> Locator:
    """Type the command and watch the card until its verdict is there."""
    await window.open_channel(stage.channel)
    await window.type("/evalbot run desk")
    await window.button("Start", window.messages("Run desk?")).click()
    card = window.messages(RUN)
    await window.see(card, "passes", "Why these numbers?")
    await expect(card.get_by_role("table")).to_contain_text("refunds")
    return card


async def open_thread(window: Window) -> None:
    """Open the thread of the newest card and wait for its first grading card."""
    await window.page.get_by_test_id("thread-summary").last.click()
    await window.see(window.thread, "answers need a person", "1 of ", "2 of ")


def grading_card(window: Window, number: int) -> Locator:
    """Return a grading card of the open thread by its number."""
    return window.thread.get_by_test_id("message").filter(has_text=re.compile(rf"{number} of 3 · \w+ · item "))


async def test_two_people_grade_an_answer_until_it_settles(stage: Stage) -> None:
    """One click is a grade; the box that asks why may be closed; two windows as two people settle the answer together."""
    lee, kim = await stage.window("lee"), await stage.window("kim")
    await run_desk(stage, lee)
    await open_thread(lee)
    await kim.open_channel(stage.channel)
    await open_thread(kim)
    first = grading_card(lee, 1)
    await lee.button("1 Wrong", first).click()
    await lee.see(lee.modal, "What went wrong?", "your grade is stored: Wrong")
    await lee.page.keyboard.press("Escape")
    await expect(lee.modal).to_have_count(0)
    await kim.see(grading_card(kim, 1), "1 of 2")
    await lee.button("3 Good", grading_card(lee, 2)).click()
    await lee.see(lee.messages("your grade is stored: Good", within=lee.thread), "Only visible to you")
    await expect(kim.messages("your grade is", within=kim.thread)).to_have_count(0)
    await kim.button("1 Wrong", grading_card(kim, 1)).click()
    await kim.modal.get_by_label("What went wrong?").fill("It sends the customer away.")
    await kim.button("Save", kim.modal).click()
    await expect(kim.modal).to_have_count(0)
    for window in (lee, kim):
        await window.see(window.thread.get_by_test_id("message").filter(has_text="by 2 of 2"), "Wrong")


async def test_better_answer_becomes_an_item_when_another_person_approves(stage: Stage) -> None:
    """Errors stand under the field and keep what was typed; the proposer may not approve; another person may."""
    window = await stage.window("kim")
    await run_desk(stage, window)
    await open_thread(window)
    await window.button("Better answer…", grading_card(window, 2)).click()
    better = window.modal.get_by_label("Better answer")
    await window.button("Propose", window.modal).click()
    await window.see(window.modal, "Please complete this required field.")
    await expect(better).to_be_focused()
    await better.fill("I am sorry. Shall we call you?")
    await window.button("Propose", window.modal).click()
    await expect(window.modal).to_have_count(0)
    await window.button("Better answer…", grading_card(window, 2)).click()
    await window.modal.get_by_label("Better answer").fill("I am sorry. Shall we call you?")
    await window.button("Propose", window.modal).click()
    await window.see(window.modal.get_by_role("alert"), "already proposed")
    await expect(window.modal.get_by_label("Better answer")).to_have_value("I am sorry. Shall we call you?")
    await window.button("Cancel", window.modal).click()
    await expect(window.modal).to_have_count(0)
    await window.open_channel("evals-stewards")
    await window.button("Approve", window.messages("Shall we call you?")).click()
    await window.see(window.messages("second person"), "Only visible to you")
    await window.become("dana")
    await expect(window.messages("second person")).to_have_count(0)
    await window.button("Approve", window.messages("Shall we call you?")).click()
    await window.see(window.messages("Shall we call you?"), "version 2")


async def test_digest_and_home_are_read(stage: Stage) -> None:
    """The digest comes with a picture that opens in full size; the Home tab names what waits and runs a suite."""
    assert stage.bot is not None
    await run_weeks_ago(stage.bot, 1, stage.slack.users["dana"])
    await run_weeks_ago(stage.bot, 0, stage.slack.users["dana"])
    window = await stage.window("dana")
    await window.open_channel(stage.channel)
    await window.type("/evalbot digest now")
    digest = window.messages("Model quality")
    picture = digest.get_by_role("img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 300
    assert len(await picture.get_attribute("alt") or "") > 20
    await digest.get_by_role("button", name="Open in full size").click()
    await expect(window.page.get_by_test_id("lightbox")).to_be_visible()
    await window.page.keyboard.press("Escape")
    await expect(window.page.get_by_test_id("lightbox")).to_have_count(0)
    await window.page.get_by_test_id("home-evalbot").click()
    home = window.page.get_by_test_id("home")
    await window.see(home, "Your queue", "desk", "Newest runs")
    await window.button("Run", home).first.click()
    preview = window.page.get_by_role("dialog", name="Run a suite")
    await window.see(preview, "Run desk?", "Exact to")
    await window.button("Start", preview).click()
    told = window.page.get_by_test_id("notices")
    await window.see(told, "New message from evalbot")
    await window.button("Open", told).first.click()
    await window.see(window.messages(re.compile(r"Run \d+ by Dana Osei")), "passes")


async def test_loop_works_by_keyboard_alone(stage: Stage) -> None:
    """Jump, run, open the thread, grade and close the box without ever touching the mouse."""
    window = await stage.window("lee")
    page, press = window.page, window.page.keyboard.press
    await press("Control+k")
    await page.keyboard.type(stage.channel)
    await press("Enter")
    await expect(window.main.get_by_role("heading", level=1)).to_contain_text(stage.channel)
    while not await window.box.evaluate("(box) => box === document.activeElement"):
        await press("F6")
    await page.keyboard.type("/ev")
    await expect(page.get_by_role("option", name="/evalbot")).to_be_visible()
    await press("Tab")
    await page.keyboard.type("run desk")
    await press("Enter")
    preview = window.messages("Run desk?")
    await window.see(preview, "Start")
    await press("Shift+F6")
    start = window.button("Start", preview)
    while not await start.evaluate("(button) => button === document.activeElement"):
        await press("Tab")
    await press("Enter")
    await window.see(window.messages(RUN), "passes")
    while not await window.box.evaluate("(box) => box === document.activeElement"):
        await press("F6")
    await window.see(window.messages(RUN), "Why these numbers?")
    await window.see(page.get_by_test_id("thread-summary"), "4 replies")
    await press("Shift+F6")
    await expect(window.messages(RUN)).to_be_focused()
    await press("Enter")
    await window.see(window.thread, "3 of 3")
    for _ in range(2):
        await press("F6")
    last = grading_card(window, 3)
    await expect(last).to_be_focused()
    await press("ArrowUp")
    card = grading_card(window, 2)
    await expect(card).to_be_focused()
    wrong = window.button("1 Wrong", card)
    while not await wrong.evaluate("(button) => button === document.activeElement"):
        await press("Tab")
    await press("Enter")
    await window.see(window.modal, "What went wrong?")
    assert await window.modal.evaluate("(modal) => modal.contains(document.activeElement)")
    await press("Escape")
    await expect(window.modal).to_have_count(0)
    await window.see(card, "1 of 2 graded")
    await expect(wrong).to_be_focused()
