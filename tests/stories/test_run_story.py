"""The story of a run: asked for in one line, one card that ends in a verdict, everything else in its thread."""

from __future__ import annotations

from evalbot.playground.driver import Driver, Seen
from evalbot.runs.runs import RunStatus
from tests.stories.story_stage import CHANNEL, PATIENCE_S, Stage, press_start

LONG = "run sums repeat:50 concurrency:1"


async def test_run_fills_one_card_and_ends_in_its_verdict(stage: Stage) -> None:
    """A run is one channel message that is edited to its verdict with interval and n, with answers to grade in its thread."""
    stage = stage
    await stage.start_run("run shop")
    first = await stage.card(1)
    await stage.dana.see_ephemeral(CHANNEL, "Run 1 of shop has started: 6 answers from 1 target")
    last = await stage.card(1, "Why these numbers?")
    await stage.quiet()
    assert last.ts == first.ts
    assert "passes *83 %* of 6 items (44 to 97)" in last.text
    thread = [one["text"] for one in stage.bot_messages() if one.get("thread_ts", "") == last.ts][1:]
    assert [text.split(":")[0] for text in thread] == [
        "3 answers need a person",
        *(f"Answer {place} of 3 on {skill} needs a grade" for place, skill in _places(thread)),
    ]
    assert len([one for one in stage.bot_messages() if one["channel"] == last.channel and not _is_reply(one)]) == 1


def _places(thread: list[str]) -> list[tuple[int, str]]:
    """Give the place and skill of each grading card."""
    return [(place, text.split(" on ")[1].split()[0]) for place, text in enumerate(thread[1:], 1)]


def _is_reply(message: dict[str, object]) -> bool:
    """Tell whether a message stands in a thread."""
    return message.get("thread_ts", message["ts"]) != message["ts"]


async def test_progress_is_shown_on_the_card_while_it_runs(stage: Stage) -> None:
    """The card counts answers while the run goes on, and offers to cancel it."""
    stage.script(latency_ms=30)
    await stage.start_run("run sums concurrency:1")
    card = await stage.card_after(1, 2)
    assert "[Cancel]" in card.text
    done = await stage.card(1, "Why these numbers?")
    assert done.ts == card.ts


async def test_holdout_items_are_neither_asked_nor_posted(stage: Stage) -> None:
    """An item of the holdout split never appears in the channel, even in a run that asks it and a round over everything."""
    await stage.finished("run shop holdout:yes")
    await stage.dana.slash("/evalbot review 1 n:20", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "3 answers of run 1 are put up")
    await stage.quiet()
    assert len(await stage.outputs()) == 7
    assert not [one for one in stage.bot_messages() if "Secret" in str(one)]


async def test_mention_does_what_the_command_does(stage: Stage) -> None:
    """A mention in the channel starts a run, and its answer is seen by the asker alone."""
    await stage.dana.mention(CHANNEL, "run sums")
    await press_start(stage.dana, CHANNEL)
    card = await stage.card(1, "Why these numbers?")
    await stage.dana.see_ephemeral(CHANNEL, "Run 1 of sums has started")
    assert not [one for one in await stage.lee.messages(CHANNEL) if "has started" in one.text]
    assert "of 6 items" in card.text


async def test_direct_message_is_a_command(stage: Stage) -> None:
    """A direct message to the bot is answered there."""
    await stage.lee.say("@evalbot", "suites")
    await stage.lee.see_message("@evalbot", "3 suites")
    await stage.lee.say("@evalbot", "suitse")
    await stage.lee.see_message("@evalbot", "Did you mean")


async def test_thread_of_a_run_is_about_that_run(stage: Stage) -> None:
    """In a run's thread status and review are about that run, whatever ran since."""
    first = await stage.finished()
    await stage.finished("run sums", 2)
    await stage.dana.mention(CHANNEL, "status", first)
    await stage.dana.see_reply(first, "*Run 1* of shop")
    await stage.dana.mention(CHANNEL, "review n:2", first)
    await stage.dana.see_reply(first, "2 answers of run 1 are put up", timeout=PATIENCE_S)
    await stage.quiet()
    assert len(await stage.reviews(first)) == 5


async def test_cancel_in_a_thread_stops_that_run_alone(stage: Stage) -> None:
    """Of two runs that go on, a mention in the thread of one cancels that one."""
    stage.script(latency_ms=20)
    await stage.start_run(LONG)
    await stage.start_run(LONG, "#support-quality")
    card = await stage.card(1)
    other = await stage.card(2, channel="#support-quality")
    await stage.dana.mention(CHANNEL, "cancel", card)
    await stage.dana.see_reply(card, "Run 1 is stopped", timeout=PATIENCE_S)
    assert (await stage.run(2)).open
    await stage.dana.click("Cancel", other)
    await stage.card(2, "stopped early", "#support-quality")


async def test_a_run_pauses_while_its_models_are_down_and_is_resumed(stage: Stage) -> None:
    """The card says why it paused and offers to resume; after that the run ends without an error."""
    stage.script(faults={"server_error": 1.0})
    await stage.start_run("run sums repeat:5 concurrency:16")
    card = await stage.card(1, "Paused")
    assert "failed 10 times in a row" in card.text
    assert "[Resume]" in card.text
    await stage.dana.slash("/evalbot status 1", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "is paused: 0 of ")
    assert await stage.outputs() == []
    stage.script(faults={})
    await stage.dana.click("Resume", card)
    done = await stage.card(1, "Why these numbers?")
    assert done.ts == card.ts
    found = await stage.outputs()
    assert len(found) == (await stage.run()).size
    assert all(output.answered for output in found)
    await stage.dana.slash("/evalbot resume 1", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "Run 1 is done, not paused.")


MISTAKES = {
    "rnu shop": "Did you mean run?",
    "run shpo": "Did you mean shop?",
    "run nothing-like-it": "There are: many, shop, sums.",
    "run shop model:sim-stedy": "Did you mean sim-steady?",
    "run shop vs:9": "There is nothing to compare shop with",
    "status 9": "There is no run 9",
    "review 8": "There is no run 8",
}


async def test_mistake_is_answered_with_what_to_type(stage: Stage) -> None:
    """A command that cannot be done gets one private line with a next step, and the channel stays empty."""
    for count, (typed, answer) in enumerate(MISTAKES.items(), 1):
        await stage.dana.slash(f"/evalbot {typed}", CHANNEL)
        await stage.dana.see_ephemeral(CHANNEL, answer)
        assert len(await stage.dana.messages(CHANNEL)) == count, typed
    assert stage.bot_messages() == []
    assert await stage.lee.messages(CHANNEL) == []


async def test_channel_without_the_bot_says_how_to_invite_it(stage: Stage) -> None:
    """Where evalbot is not a member nothing starts, and the asker is told what to type."""
    await stage.dana.slash("/evalbot run shop", "#random")
    await stage.dana.see_ephemeral("#random", "Type /invite @evalbot here")
    await stage.dana.slash("/evalbot status", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "Nothing is running here")


async def test_shared_channel_gets_nothing(stage: Stage) -> None:
    """Nothing is posted where another organisation reads along."""
    for line in ("run shop", "digest now", "digest on mon 09:00"):
        await stage.dana.slash(f"/evalbot {line}", "#partner-acme")
        await stage.dana.see_ephemeral("#partner-acme", "shared with another organisation")
    await stage.dana.slash("/evalbot digest now channel:#partner-acme", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "shared with another organisation")
    assert stage.bot_messages() == []


async def test_the_button_beside_a_suite_asks_as_a_typed_run_does(stage: Stage) -> None:
    """In a shared channel it starts nothing; elsewhere it shows the preview to its presser alone."""
    for channel in ("#partner-acme", CHANNEL):
        await stage.dana.slash("/evalbot suites", channel)
        listed = await stage.dana.see_ephemeral(channel, "3 suites")
        await stage.dana.click("Run", listed)
        expected = "[Start]" if channel == CHANNEL else "shared with another organisation"
        await stage.dana.see_ephemeral(channel, expected, timeout=PATIENCE_S)
    await stage.settled_down()
    assert stage.bot_messages() == []
    assert stage.models.simulation.requests.total() == 0


async def test_guest_may_grade_but_not_run(stage: Stage) -> None:
    """A guest is refused a run, a cancel and an approval, and the grade of a guest is stored."""
    card = await stage.finished(channel="#support-quality")
    await stage.gus.slash("/evalbot run shop", "#support-quality")
    await stage.gus.see_ephemeral("#support-quality", "needs the role runner")
    await stage.gus.click("Run again", card)
    await stage.gus.see_ephemeral("#support-quality", "needs the role runner")
    answer = (await stage.reviews(card))[0]
    await stage.grade(stage.gus, "3 Good", answer)
    assert [grade.grader.id for grade in await stage.human_grades()] == [await stage.gus.id()]


async def test_outsider_gets_nothing(stage: Stage) -> None:
    """Somebody of another organisation learns nothing by command, mention or direct message, and changes nothing."""
    await stage.finished()
    before = len(stage.bot_messages())
    for line in ("status 1", "suites", "review 1", "help"):
        await stage.pia.slash(f"/evalbot {line}", "#partner-acme")
        await stage.pia.mention("#partner-acme", line)
    await stage.pia.say("@evalbot", "status 1")
    await stage.pia.see_message("@evalbot", "members of its own workspace only")
    heard = await _private_lines(stage.pia, "#partner-acme", 8)
    assert {line for line in heard if "members of its own workspace only" not in line} == set()
    assert len(stage.bot_messages()) == before + 1


async def _private_lines(who: Driver, channel: str, count: int) -> list[str]:
    """Wait for so many private answers and give their texts."""

    def enough(_: Seen) -> bool:
        return True

    found: list[Seen] = []
    while len(found) < count:
        await who.see_message(channel, where=enough)
        found = [one for one in await who.messages(channel) if one.is_ephemeral]
    return [one.text for one in found]


async def test_same_suite_runs_once_at_a_time(stage: Stage) -> None:
    """While a suite is put to the same targets for a channel a second run of it is refused with the number of the first."""
    stage.script(latency_ms=20)
    await stage.start_run(LONG)
    card = await stage.card(1)
    await stage.lee.slash("/evalbot run sums", CHANNEL)
    await stage.lee.see_ephemeral(CHANNEL, "Run 1 is already putting sums to the same targets")
    await stage.dana.click("Cancel", card)
    await stage.card(1, "stopped early")


async def test_cancelled_run_keeps_what_was_answered(stage: Stage) -> None:
    """Stopping a run ends its calls and scores what is there."""
    stage = stage
    stage.script(latency_ms=10)
    await stage.start_run(LONG)
    card = await stage.card_after(1, 12)
    await stage.lee.click("Cancel", card)
    ended = await stage.card(1, "stopped early")
    await stage.quiet()
    asked, kept = stage.models.simulation.requests["sim-steady"], len(await stage.outputs())
    assert ended.ts == card.ts
    assert 6 <= kept < 300
    assert asked - kept <= 1
    assert f"{kept} of 300 answers. cancelled by Lee Chen" in ended.text
    assert "*sim-steady* passes *83 %* of 6 items" in ended.text
    assert (await stage.run()).status is RunStatus.CANCELLED
    await stage.lee.slash("/evalbot cancel 1", CHANNEL)
    await stage.lee.see_ephemeral(CHANNEL, "Run 1 is already cancelled")


async def test_run_again_asks_the_same_in_a_new_card(stage: Stage) -> None:
    """The button shows the preview of a run like the first one to its presser alone; from there it starts."""
    first = await stage.finished("run sums n:4 repeat:2")
    await stage.lee.click("Run again", first)
    preview = await stage.lee.see_ephemeral(CHANNEL, "[Start]", timeout=PATIENCE_S)
    assert "*Run sums?* 4 items × 2 repeats" in preview.text
    await stage.quiet()
    assert stage.models.simulation.requests["sim-steady"] == 8
    await stage.lee.click("Start", preview)
    second = await stage.card(2, "Why these numbers?")
    assert second.ts > first.ts
    assert "Run 2 by Lee Chen" in second.text
    old, new = await stage.run(1), await stage.run(2)
    assert (new.suite, new.item_ids, new.repeats, new.targets) == (old.suite, old.item_ids, old.repeats, old.targets)


async def test_target_that_cannot_be_reached_is_counted_apart(stage: Stage) -> None:
    """Answers that failed are errors on the card, never wrong answers."""
    card = await stage.finished("run sums model:sim-steady,openai:no-such-model")
    assert "6 errors, not counted" in card.text
    assert "*sim-steady* passes *83 %* of 6 items" in card.text
    assert "*no-such-model*: nothing was scored." in card.text


async def test_run_posts_at_most_25_messages(stage: Stage) -> None:
    """However many answers the suite wants graded, a run and its thread stay under 26 messages."""
    card = await stage.finished("run many")
    assert len(await stage.outputs()) == 32
    assert len([one for one in stage.bot_messages() if one["ts"] == card.ts or one.get("thread_ts") == card.ts]) == 22


async def test_numbers_and_failures_open_beside_the_card(stage: Stage) -> None:
    """Both modals of a finished run open for the presser and say where the numbers come from and what failed."""
    card = await stage.finished("run sums")
    await stage.lee.click("Why these numbers?", card)
    await stage.lee.see_view("sim-steady")
    await stage.lee.close()
    await stage.lee.click("See failures", card)
    await stage.lee.see_view("Difference: 99 and 57")
