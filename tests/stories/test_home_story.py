"""The story of the Home tab: what waits for me, what can be run, what became of my proposals."""

from __future__ import annotations

from tests.stories.story_stage import CHANNEL, PATIENCE_S, STEWARDS, Stage


async def test_home_shows_an_empty_queue_and_the_suites(stage: Stage) -> None:
    """Somebody new sees that nothing waits, and what can be run."""
    stage = stage
    await stage.kim.open_home()
    view = await stage.kim.see_home("Your queue is empty")
    for words in ("shop", "sums", "many", "Nothing has been run yet.", "Nothing yet. Press", "None yet. Type"):
        assert words in str(view), words


async def test_home_counts_what_waits_for_me_alone(stage: Stage) -> None:
    """The queue holds the open answers that I have not graded; a link leads to the first of them."""
    card = await stage.finished()
    cards = await stage.reviews(card)
    await stage.grade(stage.kim, "3 Good", cards[0])
    await stage.kim.open_home()
    mine = await stage.kim.see_home("Your queue: 2 answers")
    assert f"p{cards[1].ts.replace('.', '')}" in str(mine)
    await stage.lee.open_home()
    await stage.lee.see_home("Your queue: 3 answers")
    await stage.kim.see_home("*Run 1* of shop")


async def test_suite_is_run_from_home(stage: Stage) -> None:
    """The button beside a suite opens the preview over the tab; its card comes to my messages with the bot."""
    stage = stage
    await stage.kim.open_home()
    view = await stage.kim.see_home("sums")
    place = next(block for block in view["blocks"] if "*sums*" in str(block.get("text")))
    ids = {"block_id": place["block_id"], "action_id": place["accessory"]["action_id"]}
    await stage.kim.do("click", view_id=view["id"], value=place["accessory"]["value"], **ids)
    preview = await stage.kim.see_view("Run sums?", timeout=PATIENCE_S)
    for words in ("6 items", "Exact to", "cost unknown", "Start", "Cancel"):
        assert words in str(preview), words
    assert stage.bot_messages() == []
    await stage.kim.submit()
    await stage.kim.see_no_view()
    card = await stage.kim.see_message("@evalbot", "Why these numbers?", timeout=PATIENCE_S)
    assert "Run 1 by Kim Alvarez" in card.text
    assert stage.bot_messages()[0]["channel"] == card.channel
    assert {message["channel"] for message in stage.bot_messages()} == {card.channel}


async def test_closing_the_preview_over_home_starts_nothing(stage: Stage) -> None:
    """Nothing was asked and nothing is posted."""
    await stage.kim.open_home()
    view = await stage.kim.see_home("sums")
    place = next(block for block in view["blocks"] if "*sums*" in str(block.get("text")))
    ids = {"block_id": place["block_id"], "action_id": place["accessory"]["action_id"]}
    await stage.kim.do("click", view_id=view["id"], value=place["accessory"]["value"], **ids)
    await stage.kim.see_view("Run sums?", timeout=PATIENCE_S)
    await stage.kim.close()
    await stage.settled_down()
    assert stage.bot_messages() == []
    assert stage.models.simulation.requests.total() == 0


async def test_home_tells_what_became_of_my_proposals(stage: Stage) -> None:
    """A proposal is listed with its fate."""
    run = await stage.finished()
    await stage.lee.click("Better answer…", (await stage.reviews(run))[0])
    await stage.lee.see_view("Better answer")
    await stage.lee.submit(better="Something better.")
    candidate = await stage.dana.see_message(STEWARDS, "[Approve]", timeout=PATIENCE_S)
    await stage.lee.open_home()
    await stage.lee.see_home("waits for a second person")
    await stage.dana.click("Approve", candidate)
    await stage.now_shows(candidate, "*Approved*")
    await stage.lee.open_home()
    await stage.lee.see_home("*in version 2*")


async def test_home_of_an_outsider_shows_nothing(stage: Stage) -> None:
    """Somebody of another organisation sees no suite, no run and no number."""
    await stage.finished()
    await stage.pia.open_home()
    await stage.settled_down()
    home = (await stage.pia.do("screen"))["home"]
    for words in ("shop", "sums", "Run 1"):
        assert words not in str(home or ""), words


async def test_home_lists_the_digests(stage: Stage) -> None:
    """Where and when digests come is on everybody's Home tab."""
    await stage.dana.slash("/evalbot digest on fri 16:30", CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "each Fri at 16:30")
    await stage.lee.open_home()
    await stage.lee.see_home("fri 16:30 Europe/Berlin")
