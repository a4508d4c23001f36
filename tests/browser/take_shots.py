"""Takes the pictures of docs/images from the demo: `python -m tests.browser.take_shots`. Look at them before they are kept."""

from __future__ import annotations

import asyncio
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, async_playwright, expect
from rich.console import Console

from evalbot.demo.opening import Demo, open_demo
from evalbot.demo.scene import set_the_scene
from evalbot.playground.driver import Driver, RemoteDriver, Seen
from evalbot.playground.simulated.bank import load_questions
from evalbot.playground.simulated.simulation import Simulation
from evalbot.store.database import Store
from tests.browser.browser_stage import DESKTOP, FLAGS, PHONE, Window, find_chromium
from tests.stories.judge_stage import grade_answers, graded_run, script, write_project
from tests.stories.story_stage import open_stage

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CHANNEL, STEWARDS = "#support-evals", "#evals-stewards"
PATIENCE_S = 60.0


async def open_window(browser: Browser, demo: Demo, person: str, size: tuple[int, int], scheme: str) -> Window:
    """Open a window as somebody in a colour scheme."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
    )
    window = Window(await context.new_page())
    await window.page.goto(f"{demo.stage.page_url}?as={person}")
    return window


async def keep(window: Window, name: str) -> None:
    """Save what a window shows, without a pointer over it."""
    await window.page.mouse.move(1, 1)
    await window.page.evaluate("() => document.activeElement.blur()")
    await window.page.wait_for_timeout(400)
    picture = Image.open(io.BytesIO(await window.page.screenshot()))
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)


async def play(demo: Demo) -> None:
    """Let pretend people grade a little, truly, and propose a better answer where one is lacking."""
    url = demo.stage.page_url
    async with RemoteDriver(url, "dana") as dana, RemoteDriver(url, "lee") as lee, RemoteDriver(url, "kim") as kim:
        run = await dana.see_message(CHANNEL, "support-desk:", timeout=PATIENCE_S)
        await dana.see_reply(run, "12 of 12 ·", timeout=PATIENCE_S)
        cards = [known for one in await dana.messages(CHANNEL, run) if (known := known_card(one))]
        for who in (lee, kim):
            await grade(who, run, cards[0])
        await grade(lee, run, cards[1])
        bad = min(cards, key=lambda card: card.quality)
        await kim.click("Better answer…", bad.seen)
        await kim.see_view("Better answer")
        await kim.submit(better=bad.better)
        await dana.see_message(STEWARDS, "Approve", timeout=PATIENCE_S)


@dataclass(frozen=True)
class Card:
    """A grading card with the true quality of its answer, and the best answer there is."""

    seen: Seen
    quality: int
    better: str


def known_card(seen: Seen) -> Card | None:
    """Read a grading card; None for another message."""
    for question in load_questions():
        if question.question in seen.text and " of 12 ·" in seen.text:
            shown = next((answer for answer in question.answers if answer.text in seen.text), None)
            best = max(question.answers, key=lambda answer: answer.quality)
            return Card(seen, shown.quality, best.text) if shown else None
    return None


async def grade(who: Driver, run: Seen, card: Card) -> None:
    """Press the grade that an answer deserves and close the box that may ask why."""
    label = ("1 Wrong", "2 Partial", "3 Good", "4 Great")[card.quality - 1]
    await who.click(label, card.seen)
    if card.quality <= 2:
        await who.see_view("your grade")
        await who.close()
    else:
        await who.see_reply(run, "your grade", timeout=PATIENCE_S)


async def take_all(browser: Browser, demo: Demo) -> None:
    """Take every picture."""
    dana = await open_window(browser, demo, "dana", DESKTOP, "light")
    await dana.open_channel("support-evals")
    await dana.see(dana.page.get_by_test_id("thread-summary").last, "13 replies")
    await dana.page.get_by_test_id("thread-summary").last.click()
    await dana.see(dana.thread, "need a person")
    await dana.page.evaluate(TO_ROUND)
    await keep(dana, "run-and-thread")
    await dana.open_channel("support-quality")
    await expect(dana.messages("Model quality").get_by_role("img")).to_be_visible()
    await dana.page.set_viewport_size({"width": DESKTOP[0], "height": 1160})
    await keep(dana, "digest")
    await dana.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await dana.open_channel("evals-stewards")
    await dana.see(dana.messages("Better answer"), "Approve")
    await keep(dana, "candidate")
    await dana.page.get_by_test_id("home-evalbot").click()
    await dana.see(dana.page.get_by_test_id("home"), "Your queue")
    await keep(dana, "home")
    dark = await open_window(browser, demo, "dana", DESKTOP, "dark")
    await dark.open_channel("support-evals")
    await dark.page.get_by_test_id("thread-summary").last.click()
    await dark.see(dark.thread, "need a person")
    await dark.page.evaluate(TO_ROUND)
    await keep(dark, "dark")
    phone = await open_window(browser, demo, "lee", PHONE, "light")
    await phone.page.get_by_label("Open the sidebar").click()
    await phone.page.get_by_test_id("channel-support-evals").click()
    await phone.page.get_by_test_id("thread-summary").last.click()
    await phone.see(phone.thread, "need a person")
    await phone.page.evaluate(TO_ROUND)
    await keep(phone, "phone")
    await dana.open_channel("support-evals")
    await dana.type("/evalbot run support-desk repeat:20")
    await dana.see(dana.messages("Run support-desk?").last, "Ask for approval")
    await dana.page.set_viewport_size({"width": DESKTOP[0], "height": 620})
    await keep(dana, "preview")


TO_ROUND = """() => {
  const rows = [...document.querySelectorAll(".thread .message")];
  const list = document.querySelector(".thread .list");
  const round = rows.find((one) => one.textContent.includes("need a person"));
  list.scrollTop += round.getBoundingClientRect().top - list.getBoundingClientRect().top - 8;
}"""


async def take_judge(browser: Browser, folder: Path) -> None:
    """Take the pictures of a judge that people measured, on a stage of its own."""
    database = folder / "judge.db"
    await (await Store.open(f"sqlite+aiosqlite:///{database}")).close()
    project = write_project(folder / "desk")
    async with open_stage(database, Simulation(latency_ms=0), project=project) as stage:
        await graded_run(stage, graded=32)
        context = await browser.new_context(viewport={"width": DESKTOP[0], "height": 1060}, color_scheme="light")
        dana = Window(await context.new_page())
        await dana.page.goto(f"{stage.slack.page_url}?as=dana")
        await dana.open_channel("support-evals")
        await stage.dana.slash("/evalbot explain 1 refunds", CHANNEL)
        await dana.see(dana.messages("How it is computed"), "Share")
        await keep(dana, "explain")
        stage.script(script=script(taken_in=False))
        await dana.open_channel("support-quality")
        await stage.dana.slash("/evalbot judge calibrate desk", "#support-quality")
        preview = await stage.dana.see_ephemeral("#support-quality", "[Start]", timeout=PATIENCE_S)
        await stage.dana.click("Start", preview)
        await dana.see(dana.messages("Judge of desk calibrated"), "How is this computed?")
        await keep(dana, "judge")
        await context.close()


VERDICTS = ("base", "with-rules", "short", "reworded", "friendly")
"""Five prompts of one simulated model: against the first they are better, worse, the same, and not to be told."""

EACH = 160


async def take_numbers(browser: Browser, folder: Path) -> None:
    """Take the pictures of what a card says: by the judge alone, corrected by people, and each verdict of a comparison."""
    database = folder / "numbers.db"
    await (await Store.open(f"sqlite+aiosqlite:///{database}")).close()
    project = write_project(folder / "numbers")
    write_verdicts(project)
    async with open_stage(database, Simulation(latency_ms=0), project=project) as stage:
        context = await browser.new_context(viewport={"width": DESKTOP[0], "height": 620}, color_scheme="light")
        dana = Window(await context.new_page())
        await dana.page.goto(f"{stage.slack.page_url}?as=dana")
        await dana.open_channel("support-evals")
        stage.script(script=script(taken_in=True))
        await stage.finished("run desk")
        await dana.see(dana.messages("Run 1 by"), "Why these numbers?")
        await keep(dana, "judge-alone")
        await grade_answers(stage, graded=32)
        await dana.see(dana.messages("Run 1 by"), "people graded")
        await keep(dana, "corrected")
        stage.script(script={question: said for name in VERDICTS for question, said in answers_of(name).items()})
        await dana.page.set_viewport_size({"width": DESKTOP[0], "height": 760})
        await stage.finished("run verdicts", 2)
        await dana.see(dana.messages("Run 2 by"), "Why these numbers?")
        await keep(dana, "verdicts")
        await context.close()


def write_verdicts(project: Path) -> None:
    """Write a suite whose targets stand in every relation to the first."""
    targets = ", ".join(f'{{id: "openai:sim-steady", label: {name}, prompt: {name}}}' for name in VERDICTS)
    said = "{{question}}"
    prompts = ", ".join(
        f'{{name: {name}, messages: [{{role: user, content: "{said} ({name})"}}]}}' for name in VERDICTS
    )
    graders = "defaults: {graders: [{type: contains, value: yes it is}]}"
    head = f"name: verdicts\nprompts: [{prompts}]\ntargets: [{targets}]\nbaseline: base\n{graders}\n"
    items = "".join(f'  - {{id: v{n:03}, input: "Claim {n:03}?"}}\n' for n in range(EACH))
    (project / "suites" / "verdicts.yaml").write_text(f"{head}run: {{max_concurrency: 32}}\nitems:\n{items}")


def answers_of(name: str) -> dict[str, str]:
    """Give what a simulated target answers: the base is right on three of four."""
    wrong = {
        "base": [n % 4 == 0 for n in range(EACH)],
        "with-rules": [n % 10 == 0 for n in range(EACH)],
        "short": [n % 2 == 0 for n in range(EACH)],
        "reworded": [n % 4 == 0 for n in range(EACH)],
        "friendly": [n % 4 == 1 if n % 5 < 2 else n % 4 == 0 or n % 23 == 0 for n in range(EACH)],
    }[name]
    return {f"Claim {n:03}? ({name})": "no it is not" if wrong[n] else "yes it is" for n in range(EACH)}


async def main() -> None:
    """Run the demo and take the pictures."""
    path = find_chromium()
    if path is None:
        raise SystemExit("There is no chromium on PATH; install it first.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="evalbot-shots-") as folder:
        async with open_demo(Console(), 0, Path(folder)) as demo, async_playwright() as playwright:
            await set_the_scene(demo)
            await play(demo)
            browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS])
            await take_all(browser, demo)
            await take_judge(browser, Path(folder))
            await take_numbers(browser, Path(folder))
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
