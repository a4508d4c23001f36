"""The page by itself: channels, threads, marks, streams, files, troubles, addresses, looks and widths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from evalbot.playground.server import Playground
from tests.browser.browser_stage import OUTAGE_NOISE, PHONE, Stage, TakingApp, open_page_stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
TABLE: dict[str, Any] = {
    "type": "table",
    "column_settings": [{"is_wrapped": True}, {"align": "right", "is_wrapped": True}, {"is_wrapped": True}],
    "rows": [
        [{"type": "raw_text", "text": one} for one in ("Skill", "95 % interval", "Verdict")],
        [{"type": "raw_text", "text": one} for one in ("refund-policy · 12 items", "32 to 66", "cannot tell")],
    ],
}
EVIDENCE: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Evidence"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "proof",
            "label": {"type": "plain_text", "text": "Screenshot"},
            "element": {"type": "file_input", "action_id": "files"},
        }
    ],
}


async def test_writing_editing_marking_and_deleting(page_stage: Stage) -> None:
    """What one window does shows in the other; unread marks count and go when the channel is opened."""
    dana, lee = await page_stage.window("dana"), await page_stage.window("lee")
    await dana.open_channel("random")
    await lee.open_channel("general")
    await dana.type("hello @lee, look at this")
    entry = lee.page.get_by_test_id("channel-random")
    await expect(entry).to_have_accessible_name("Channel random, 1 unread")
    await expect(entry.locator(".count-loud")).to_have_text("1")
    await expect(lee.page).to_have_title(re.compile(r"^\(1\) "))
    await lee.open_channel("random")
    await expect(entry).to_have_accessible_name("Channel random")
    message = lee.messages("look at this")
    await expect(message.locator(".mention-me")).to_have_text("@lee")
    await message.hover()
    await message.get_by_role("button", name="Add a reaction").first.click()
    await lee.page.get_by_role("button", name=re.compile("eyes")).first.click()
    await expect(dana.messages("look at this").get_by_role("button", name=re.compile("eyes, 1"))).to_be_visible()
    await dana.box.press("ArrowUp")
    await expect(dana.page.get_by_role("textbox", name="Edit message")).to_be_focused()
    await dana.page.keyboard.press("Control+a")
    await dana.page.keyboard.type("never mind")
    await dana.page.keyboard.press("Enter")
    await lee.see(lee.messages("never mind"), "edited")
    await dana.messages("never mind").focus()
    await dana.page.keyboard.press("Delete")
    await dana.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(lee.messages("never mind")).to_have_count(0)


async def test_command_without_an_app_says_what_happened(page_stage: Stage) -> None:
    """The line stays with a sentence and can be tried again; a command in a thread is refused."""
    window = await page_stage.window("dana")
    await window.open_channel("general")
    await window.type("/evalbot help")
    failed = window.page.get_by_test_id("pending")
    await window.see(failed, "dispatch_failed", "Try again")
    await window.button("Discard", failed).click()
    await expect(failed).to_have_count(0)
    await window.type("start")
    await window.messages("start").hover()
    await window.messages("start").get_by_role("button", name="Reply in thread").click()
    await window.thread.get_by_role("combobox").fill("/evalbot help")
    await window.page.keyboard.press("Enter")
    await window.see(window.thread.get_by_test_id("pending"), "is not supported in threads. Sorry!")


async def test_streamed_answer_and_status_are_seen_and_stopped(page_stage: Stage) -> None:
    """A status shows under the thread until the answer begins; the answer grows and can be stopped."""
    window = await page_stage.window("dana")
    await window.open_channel("general")
    await window.type("What is the refund policy?")
    message = window.messages("refund policy")
    await message.focus()
    await window.page.keyboard.press("t")
    await expect(window.thread).to_be_visible()
    thread_ts = str(await message.get_attribute("data-ts"))
    async with TakingApp(page_stage.slack) as app:
        place = {"channel_id": "C0GENERAL", "thread_ts": thread_ts}
        await app.client.assistant_threads_setStatus(**place, status="is thinking…", loading_messages=["Reading"])
        await window.see(window.page.get_by_test_id("assistant-status"), "evalbot", "is thinking…", "Reading")
        stream = await app.client.chat_startStream(
            channel="C0GENERAL",
            thread_ts=thread_ts,
            recipient_user_id=page_stage.slack.users["dana"],
            recipient_team_id="T0ACME001",
            markdown_text="**Thirty** days",
        )
        answer = window.messages("Thirty days", within=window.thread)
        await window.see(answer, "Writing…")
        await expect(window.page.get_by_test_id("assistant-status")).to_have_count(0)
        await app.client.chat_appendStream(channel="C0GENERAL", ts=stream["ts"], markdown_text=" after delivery.")
        await window.see(answer, "Thirty days after delivery.")
        await answer.get_by_role("button", name="Stop").click()
        await window.see(answer, "stopped this answer")


async def test_suggested_prompt_is_sent_by_pressing_it(profile: BrowserContext, port: int) -> None:
    """The prompts of an agent stand above the box of their thread; the pressed one is sent in the person's name."""
    async with open_page_stage(profile, port=port, features={"is_agent": True}) as stage, TakingApp(stage.slack) as app:
        ts = await stage.slack.driver("dana").say("@evalbot", "hello")
        opened = await app.client.conversations_open(users=stage.slack.users["dana"])
        window = await stage.window("dana")
        await window.page.get_by_test_id("dm-evalbot").click()
        await window.messages("hello").focus()
        await window.page.keyboard.press("t")
        prompts = [{"title": "Run a suite", "message": "run support-desk"}]
        await app.client.assistant_threads_setSuggestedPrompts(
            channel_id=opened["channel"]["id"], thread_ts=ts, title="What next?", prompts=prompts
        )
        await window.see(window.thread.get_by_test_id("prompts"), "What next?")
        await window.button("Run a suite", window.thread).click()
        await window.see(window.messages("run support-desk", within=window.thread), "Dana Osei")
        await expect(window.thread.get_by_test_id("prompts")).to_have_count(0)
        assert stage.complaints() == []


async def test_file_of_a_modal_is_stored(page_stage: Stage, tmp_path: Path) -> None:
    """A chosen file shows with its size, travels with the form, and the app gets a file with an id."""
    picture = tmp_path / "seen.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 2_000)
    window = await page_stage.window("dana")
    async with TakingApp(page_stage.slack) as app:
        trigger = page_stage.slack.emulation.keys.make_trigger(page_stage.slack.users["dana"])
        await app.client.views_open(trigger_id=trigger, view=EVIDENCE)
        await window.button("Save", window.modal).click()
        await window.see(window.modal, "Please complete this required field.")
        await window.modal.locator("input[type=file]").set_input_files(picture)
        await window.see(window.modal, "seen.png", "2 kB")
        await window.button("Save", window.modal).click()
        await expect(window.modal).to_have_count(0)
        values = (await app.next("view_submission"))["view"]["state"]["values"]
    file = values["proof"]["files"]["files"][0]
    assert (file["name"], file["size"], file["id"][:2]) == ("seen.png", 2_008, "F0")


async def test_channel_is_read_before_it_is_joined(page_stage: Stage) -> None:
    """A public channel stands under the joined ones, can be read, and takes messages once it is joined."""
    lee = page_stage.slack.driver("lee")
    await lee.do("add_channel", name="lounge", members=["lee"])
    await lee.say("#lounge", "anybody here?")
    window = await page_stage.window("dana")
    joinable = window.page.get_by_role("region", name="Channels to join")
    await joinable.get_by_test_id("channel-lounge").click()
    await window.see(window.messages("anybody here?"), "Lee Chen")
    await lee.say("#lounge", "hello?")
    await window.see(window.messages("hello?"), "Lee Chen")
    await window.see(window.messages("anybody here?"), "Lee Chen")
    await window.button("Join the channel", window.main).click()
    await window.type("yes")
    await lee.see_message("#lounge", "yes")
    await expect(joinable).to_have_count(0)


async def test_group_message_and_second_workspace(page_stage: Stage) -> None:
    """A group stands among the direct messages by its people; the second workspace is reached by the switcher."""
    window = await page_stage.window("dana")
    group = await page_stage.slack.driver("dana").do("open_im", users=["lee", "kim"])
    await page_stage.slack.driver("lee").say(group["channel"], "all of us")
    entry = window.page.get_by_role("button", name="Lee, Kim, 1 unread")
    await entry.click()
    await window.see(window.messages("all of us"), "Lee Chen")
    await window.page.get_by_test_id("trouble-button").click()
    panel = window.page.get_by_test_id("trouble")
    await window.button("Install the app there too", panel).click()
    await window.see(panel, "Globex has the app")
    await panel.get_by_role("button", name="Close the trouble panel").click()
    await window.become("nora")
    await expect(window.page.locator(".workspace")).to_contain_text("Globex")
    await window.open_channel("answers")
    await window.type("hello from here")
    await window.see(window.messages("hello from here"), "Nora Feld")


async def test_trouble_panel_sets_and_shows(page_stage: Stage) -> None:
    """Violations are counted and listed, faults stand until they are ended, unfinished work and the clock are there."""
    window = await page_stage.window("dana")
    async with TakingApp(page_stage.slack) as app:
        await app.client.chat_postMessage(channel="C0GENERAL", text="<!channel> wake up")
        await expect(window.page.get_by_test_id("trouble-button")).to_contain_text("1")
        at = int(page_stage.slack.clock.now()) + 7200
        await app.client.chat_scheduleMessage(channel="C0GENERAL", post_at=at, text="later")
        await window.page.get_by_test_id("trouble-button").click()
        panel = window.page.get_by_test_id("trouble")
        await window.see(panel, "pings channel", "would notify everybody", "message for #general", "scheduled")
        await window.button("Start the outage", panel).click()
        await window.see(panel.get_by_label("Faults switched on"), "Outage for")
        await window.button("End all faults", panel).click()
        await expect(panel.get_by_label("Faults switched on")).to_have_count(0)
        await panel.get_by_label("How deliveries come", exact=True).select_option("late")
        await panel.get_by_role("button", name="Set how deliveries come").click()
        await window.see(panel.get_by_label("Faults switched on"), "The next 3 events come 60 s late")
        await window.button("+1 day", panel).click()
        await window.see(window.messages("later"), "evalbot")
        await window.button("Clear the list", panel).click()
        await window.see(panel, "None so far.")


async def test_address_of_a_message_opens_it(page_stage: Stage) -> None:
    """A permalink shows its message, and its thread for a reply; the address becomes an ordinary one."""
    dana = page_stage.slack.driver("dana")
    for number in range(90):
        await dana.say("#general", f"line {number}")
    ts = (await dana.see_message("#general", "line 3")).ts
    first = next(one for one in await dana.messages("#general", limit=200) if one.text == "line 3")
    await dana.say("#general", "an answer to it", thread=first)
    window = await page_stage.window("dana", path=f"archives/C0GENERAL/p{first.ts.replace('.', '')}")
    await expect(window.messages("line 3").filter(has_text=re.compile("line 3(?!\\d)"))).to_be_in_viewport()
    await expect(window.page).to_have_url(re.compile(r"/\?as=dana#/C0GENERAL"))
    reply = await dana.see_reply(first, "an answer to it")
    link = f"archives/C0GENERAL/p{reply.ts.replace('.', '')}"
    other = await page_stage.window("lee")
    await other.page.goto(f"{page_stage.slack.page_url}{link}?thread_ts={first.ts}&cid=C0GENERAL&as=lee")
    await other.see(other.thread, "line 3", "an answer to it")
    assert ts > first.ts


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_can_be_read_in_both_themes(page_stage: Stage, scheme: str) -> None:
    """Words and their ground differ enough, in the theme of the system and in the one that is chosen and remembered."""
    await page_stage.slack.driver("dana").say("#general", "can you read this?")
    window = await page_stage.window("dana", color_scheme=scheme)
    await window.open_channel("general")
    assert await window.page.evaluate(CONTRAST, ".message-main") > 7
    assert await window.page.evaluate(CONTRAST, ".entry-name") > 4.5
    other = "dark" if scheme == "light" else "light"
    theme = window.page.get_by_test_id("theme")
    while other not in str(await theme.get_attribute("aria-label")):
        await theme.click()
    await window.page.reload()
    await window.messages("can you read this?").wait_for()
    ground = await window.page.evaluate("() => getComputedStyle(document.querySelector('.main')).backgroundColor")
    is_dark = sum(int(one) for one in re.findall(r"\d+", ground)[:3]) < 200
    assert is_dark is (other == "dark")
    assert await window.page.evaluate(CONTRAST, ".message-main") > 7


CONTRAST = """(selector) => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map((one) => one / 255).map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const element = document.querySelector(selector);
  let ground = element;
  while (ground && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const [a, b] = [light(parse(getComputedStyle(element).color)), light(parse(getComputedStyle(ground).backgroundColor))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


LINES = """(cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length;
}"""


async def test_everything_fits_on_a_phone(page_stage: Stage) -> None:
    """At 390 pixels nothing sticks out, the sidebar is a drawer, the thread takes the screen, and figures do not break."""
    slack = page_stage.slack
    async with TakingApp(slack) as app:
        posted = await app.client.chat_postMessage(channel="C0GENERAL", text="Run 1", blocks=[TABLE])
        await app.client.chat_postMessage(channel="C0GENERAL", text="a reply", thread_ts=posted["ts"])
        window = await page_stage.window("dana", PHONE, has_touch=True, is_mobile=True)
        await window.page.get_by_label("Open the sidebar").tap()
        await window.page.get_by_test_id("channel-general").tap()
        cells = window.main.get_by_role("cell")
        await expect(cells).to_have_count(3)
        heights = await cells.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().height)")
        lines = await cells.nth(1).evaluate(LINES)
        assert max(heights) < 70
        assert lines == 1
        assert await window.page.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
        await expect(window.page.locator(".sidebar")).to_be_hidden()
        await window.page.get_by_test_id("thread-summary").tap()
        await window.see(window.thread, "a reply")
        box = await window.thread.bounding_box()
        assert box is not None
        assert (box["x"], box["width"]) == (0, PHONE[0])
        await window.thread.get_by_label("Close the thread").tap()
        await expect(window.thread).to_have_count(0)


async def test_page_comes_back_after_the_server_was_away(profile: BrowserContext, port: int) -> None:
    """The banner shows while it is away; afterwards the page goes on by itself where it was."""
    async with open_page_stage(profile, port=port) as stage:
        stage.expected_noise = OUTAGE_NOISE
        window = await stage.window("dana")
        await window.open_channel("random")
        await stage.slack.stop()
        banner = window.page.get_by_test_id("connection-banner")
        await window.see(banner, "connection to the playground is lost")
        async with Playground(port=port) as again:
            await expect(banner).to_have_count(0)
            await window.type("back again")
            await again.driver("dana").see_message("#random", "back again")
            await window.see(window.messages("back again"), "Dana Osei")
            complaints = stage.complaints()
        assert complaints == []
