"""The story of feedback: a better answer becomes a candidate, a second person decides, the suite gets a new version."""

from __future__ import annotations

import asyncio

from evalbot.playground.driver import Driver, Seen
from evalbot.store import candidates, suites
from evalbot.suites.candidates import Candidate
from evalbot.suites.suites import Suite
from tests.stories.story_stage import PATIENCE_S, STEWARDS, Stage

BETTER = "Thirty days from delivery, unused and with the receipt."


async def test_better_answer_becomes_an_item_of_the_next_version(stage: Stage) -> None:
    """Proposed by one, approved by another: version 2 holds the item, its author is thanked, the next run asks it."""
    stage = stage
    run = await stage.finished()
    candidate = await propose(stage, stage.kim, run)
    await stage.kim.click("Approve", candidate)
    await stage.kim.see_ephemeral(STEWARDS, "You proposed this item, so a second person decides.")
    assert (await newest_suite(stage)).version == 1
    await stage.dana.click("Approve", candidate)
    await stage.now_shows(candidate, "*Approved* by Dana Osei")
    await stage.kim.see_message("@evalbot", "Your item is part of shop now. Thank you!", timeout=PATIENCE_S)
    suite = await newest_suite(stage)
    assert (suite.version, suite.items[-1].reference, suite.items[-1].source.by) == (2, BETTER, await stage.kim.id())
    assert (await stage.run(1)).suite_version == 1
    await stage.start_run("run shop")
    again = await stage.card(2, "suite version 2")
    assert "of 7 items" in again.text
    assert "suite version 1" in (await stage.card(1)).text


async def test_better_answer_after_a_low_grade_becomes_a_candidate(stage: Stage) -> None:
    """A better answer written into the box after a low grade becomes a candidate too, with the reason."""
    stage = stage
    run = await stage.finished()
    card = (await stage.reviews(run))[0]
    await stage.lee.click("1 Wrong", card)
    await stage.lee.see_view("What went wrong?")
    await stage.lee.submit(reason="It names no days.", better=BETTER)
    shown = await stage.dana.see_message(STEWARDS, "Lee Chen proposes an item for shop", timeout=PATIENCE_S)
    assert "*What went wrong:* It names no days." in shown.text
    assert [grade.reason for grade in await stage.human_grades()] == ["It names no days."]


async def test_candidate_is_edited_before_it_is_approved(stage: Stage) -> None:
    """Who decides may change the question and the answer first; the item has what was approved."""
    candidate = await propose(stage, stage.kim, await stage.finished())
    await stage.dana.click("Edit…", candidate)
    await stage.dana.see_view("Edit the item")
    await stage.dana.submit(question="How many days to return a tent?", reference="Thirty.")
    await stage.now_shows(candidate, "How many days to return a tent?")
    await stage.dana.click("Approve", candidate)
    await stage.now_shows(candidate, "*Approved* by Dana Osei")
    item = (await newest_suite(stage)).items[-1]
    assert (item.question, item.reference) == ("How many days to return a tent?", "Thirty.")


async def test_rejected_candidate_tells_its_author_why(stage: Stage) -> None:
    """A rejection releases nothing, and its reason reaches the author in a direct message."""
    stage = stage
    candidate = await propose(stage, stage.kim, await stage.finished())
    await stage.dana.click("Reject…", candidate)
    await stage.dana.see_view("Reject the item")
    await stage.dana.submit(why="We have this one already.")
    await stage.now_shows(candidate, "*Rejected* by Dana Osei: We have this one already.")
    await stage.kim.see_message("@evalbot", "We have this one already.", timeout=PATIENCE_S)
    assert (await newest_suite(stage)).version == 1


async def test_two_approvals_at_once_are_one_version(stage: Stage) -> None:
    """When two people approve in the same moment one version is released and the later one is told who was first."""
    candidate = await propose(stage, stage.kim, await stage.finished())
    ada = stage.person("ada")
    await asyncio.gather(stage.dana.click("Approve", candidate), ada.click("Approve", candidate))
    await stage.now_shows(candidate, "*Approved* by")
    await stage.settled_down()
    assert (await newest_suite(stage)).version == 2
    told = [one.text for who in (stage.dana, ada) for one in await who.messages(STEWARDS) if one.is_ephemeral]
    assert len(told) == 1
    assert "has already approved this candidate" in told[0]
    assert len([one for one in await stage.kim.messages("@evalbot") if "Thank you!" in one.text]) == 1


async def test_redelivered_approval_is_one_version(stage: Stage) -> None:
    """A press that Slack hands over four times releases one version and says nothing about the other three."""
    stage = stage
    candidate = await propose(stage, stage.kim, await stage.finished())
    stage.slack.faults.duplicate(1, copies=3)
    await stage.dana.click("Approve", candidate)
    await stage.now_shows(candidate, "*Approved* by Dana Osei")
    await stage.settled_down()
    assert (await newest_suite(stage)).version == 2
    assert [one.text for one in await stage.dana.messages(STEWARDS) if one.is_ephemeral] == []


async def test_same_proposal_again_is_refused_in_its_form(stage: Stage) -> None:
    """Who proposes the same answer to the same question twice is told under the field, and there is one candidate."""
    run = await stage.finished()
    await propose(stage, stage.lee, run)
    await stage.lee.click("Better answer…", (await stage.reviews(run))[0])
    await stage.lee.see_view("Better answer")
    errors = await stage.lee.submit_with_errors(better=BETTER)
    assert "You have already proposed this item." in " ".join(errors.values())
    assert len(await all_candidates(stage)) == 1


async def test_redelivered_proposal_is_one_candidate(stage: Stage) -> None:
    """A form that Slack hands over three times drafts one item, and closes."""
    run = await stage.finished()
    await stage.lee.click("Better answer…", (await stage.reviews(run))[0])
    await stage.lee.see_view("Better answer")
    stage.slack.faults.duplicate(1, copies=2)
    await stage.lee.submit(better=BETTER)
    await stage.settled_down()
    assert len(await all_candidates(stage)) == 1
    await stage.lee.see_no_view()


async def test_candidate_much_like_an_item_names_it(stage: Stage) -> None:
    """A proposal whose question is nearly one of the suite's says which item it resembles."""
    run = await stage.finished()
    cards = {("postage" if "item postage" in one.text else "other"): one for one in await stage.reviews(run)}
    card = cards.get("other") or cards["postage"]
    await stage.lee.click("Better answer…", card)
    await stage.lee.see_view("Better answer")
    question = "How long can I return a tent" if "item returns" not in card.text else "What if I lost the receipt"
    await stage.lee.submit(question=question, better=BETTER)
    shown = await stage.dana.see_message(STEWARDS, "Lee Chen proposes an item", timeout=PATIENCE_S)
    assert "much like item re" in shown.text


async def test_settled_answer_offers_to_become_an_item(stage: Stage) -> None:
    """After the outcome the card still leads to a proposal."""
    run = await stage.finished()
    card = (await stage.reviews(run))[0]
    await stage.grade(stage.lee, "1 Wrong", card)
    await stage.grade(stage.kim, "1 Wrong", card)
    ended = await stage.now_shows(card, "(fail) by 2 of 2")
    await stage.lee.click("Make it an item", ended)
    await stage.lee.see_view("Better answer")
    await stage.lee.submit(better=BETTER)
    await stage.dana.see_message(STEWARDS, "Lee Chen proposes an item", timeout=PATIENCE_S)


async def propose(stage: Stage, who: Driver, run: Seen) -> Seen:
    """Let somebody write a better answer to the first answer under review, and give the candidate's card."""
    await who.click("Better answer…", (await stage.reviews(run))[0])
    await who.see_view("Better answer")
    await who.submit(better=BETTER, reason="Too short.")
    return await stage.dana.see_message(STEWARDS, "[Approve]", timeout=PATIENCE_S)


async def newest_suite(stage: Stage) -> Suite:
    """Give the newest version of the shop."""
    suite = await stage.read(lambda tx: suites.find_suite(tx, stage.bot.program.services.team, "shop"))
    assert suite is not None
    return suite


async def all_candidates(stage: Stage) -> list[Candidate]:
    """Give every candidate there is."""
    return await stage.read(lambda tx: candidates.list_candidates(tx, stage.bot.program.services.team))
