"""The story of a review: blind cards in a thread, one click is one stored grade, agreement settles."""

from __future__ import annotations

import asyncio

from evalbot.grading.reviews import ReviewStatus
from tests.stories.story_stage import CHANNEL, PATIENCE_S, Stage


async def test_one_click_is_one_stored_grade(stage: Stage) -> None:
    """A press of a grade is stored under the presser with its step, and confirmed to them alone."""
    stage = stage
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.lee.click("4 Great", card)
    await stage.lee.see_reply(card, "your grade is stored: *Great*")
    await stage.now_shows(card, "1 of 2 graded")
    [grade] = await stage.human_grades()
    assert (grade.grader.id, grade.level, grade.passed, grade.blind) == (await stage.lee.id(), 4, True, True)
    assert not [one for one in await stage.kim.messages(CHANNEL, card) if "your grade" in one.text]
    assert (await stage.lee.do("screen"))["views"] == []


async def test_double_click_is_one_grade(stage: Stage) -> None:
    """Two presses of the same button at once store one grade and no history."""
    card = (await stage.reviews(await stage.finished()))[0]
    await asyncio.gather(stage.lee.click("3 Good", card), stage.lee.click("3 Good", card))
    await stage.now_shows(card, "1 of 2 graded")
    assert len(await stage.human_grades()) == 1
    assert await stage.former_grades() == []


async def test_redelivered_click_is_one_grade(stage: Stage) -> None:
    """A press that Slack hands over four times stores one grade, and is confirmed once."""
    stage = stage
    card = (await stage.reviews(await stage.finished()))[0]
    stage.slack.faults.duplicate(1, copies=3)
    await stage.lee.click("3 Good", card)
    await stage.now_shows(card, "1 of 2 graded")
    await stage.settled_down()
    assert len(await stage.human_grades()) == 1
    assert await stage.former_grades() == []
    assert len([one for one in await stage.lee.messages(CHANNEL, card) if "your grade" in one.text]) == 1


async def test_second_grade_replaces_the_first_and_keeps_it(stage: Stage) -> None:
    """Who presses another grade has changed it; the earlier one is kept as history."""
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.grade(stage.lee, "4 Great", card)
    await stage.lee.click("3 Good", card)
    await stage.lee.see_reply(card, "your grade is changed to *Good*")
    assert [grade.level for grade in await stage.human_grades()] == [3]
    assert [grade.level for grade in await stage.former_grades()] == [4]
    await stage.now_shows(card, "1 of 2 graded")


async def test_card_is_blind_until_its_review_has_ended(stage: Stage) -> None:
    """An open card tells nobody's grade, no name and nothing of the judge or the target; then it tells all of it."""
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.grade(stage.lee, "4 Great", card)
    blind = await stage.now_shows(card, "1 of 2 graded")
    for hidden in ("Lee", await stage.lee.id(), "sim-judge", "sim-steady", "It is right", "the judge said"):
        assert hidden not in str(blind.body), hidden
    await stage.grade(stage.kim, "4 Great", card)
    ended = await stage.now_shows(card, "by 2 of 2")
    assert "*Great* (pass) by 2 of 2 · the judge said" in ended.text
    assert "Grades: 2 × Great" in ended.text


async def test_two_who_agree_settle_an_answer(stage: Stage) -> None:
    """Two grades on the same side end the review, and the round counts it."""
    stage = stage
    run = await stage.finished()
    card = (await stage.reviews(run))[1]
    await stage.grade(stage.lee, "3 Good", card)
    await stage.grade(stage.kim, "4 Great", card)
    await stage.now_shows(card, "(pass) by 2 of 2")
    await stage.dana.see_reply(run, "1 of 3 done", timeout=PATIENCE_S)
    assert sorted(one.status for one in await stage.stored_reviews()) == ["open", "open", "settled"]


async def test_third_person_decides_where_two_differ(stage: Stage) -> None:
    """Grades on both sides ask for one more; the majority settles."""
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.grade(stage.lee, "1 Wrong", card)
    await stage.grade(stage.kim, "3 Good", card)
    await stage.now_shows(card, "2 graded, one more wanted")
    await stage.grade(stage.person("sam"), "2 Partial", card)
    ended = await stage.now_shows(card, "(fail) by 2 of 3")
    assert "People differ: say why in this thread." in ended.text


async def test_answer_without_a_majority_is_contested(stage: Stage) -> None:
    """When the extra grader makes it two against two the card says that there is no majority."""
    run = await stage.finished()
    await stage.dana.mention(CHANNEL, "review n:1 graders:3", run)
    await stage.dana.see_reply(run, "1 answers of run 1 are put up", timeout=PATIENCE_S)
    await stage.quiet()
    card = (await stage.reviews(run))[-1]
    for name, grade in (("lee", "1 Wrong"), ("kim", "1 Wrong"), ("sam", "3 Good"), ("ada", "4 Great")):
        await stage.grade(stage.person(name), grade, card)
    await stage.now_shows(card, "*No majority* among 4 people")
    assert [one.status for one in await stage.stored_reviews()].count(ReviewStatus.CONTESTED) == 1


async def test_cannot_judge_never_counts(stage: Stage) -> None:
    """Who cannot judge frees the place: two grades of others are still needed, and the score has no middle grade."""
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.lee.click("Cannot judge", card)
    await stage.lee.see_reply(card, "your grade is stored: *cannot judge*")
    await stage.now_shows(card, "0 of 2 graded")
    await stage.grade(stage.kim, "3 Good", card)
    await stage.grade(stage.person("sam"), "3 Good", card)
    await stage.now_shows(card, "Grades: 2 × Good, 1 cannot judge")
    abstained = [grade for grade in await stage.human_grades() if grade.abstained]
    assert [(grade.score, grade.passed, grade.level) for grade in abstained] == [(None, None, None)]


async def test_low_grade_is_kept_when_the_box_is_closed(stage: Stage) -> None:
    """A failing grade opens the question why; it is stored before that, and closing the box changes nothing."""
    stage = stage
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.lee.click("1 Wrong", card)
    await stage.lee.see_view("What went wrong?")
    assert [grade.level for grade in await stage.human_grades()] == [1]
    await stage.lee.close()
    await stage.now_shows(card, "1 of 2 graded")
    assert [(grade.level, grade.reason) for grade in await stage.human_grades()] == [(1, "")]


async def test_reason_is_added_to_the_grade(stage: Stage) -> None:
    """What is written into the box is stored with the grade, which stays blind."""
    stage = stage
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.lee.click("2 Partial", card)
    await stage.lee.see_view("What went wrong?")
    await stage.lee.submit(reason="Leaves out who pays.")
    await stage.lee.see_no_view()
    [grade] = await stage.human_grades()
    assert (grade.level, grade.reason, grade.blind) == (2, "Leaves out who pays.", True)


async def test_passing_grade_asks_nothing(stage: Stage) -> None:
    """After a passing grade no box opens: one click is all."""
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.lee.click("3 Good", card)
    await stage.lee.see_reply(card, "your grade is stored")
    assert (await stage.lee.do("screen"))["views"] == []


async def test_discussion_makes_later_grades_not_blind(stage: Stage) -> None:
    """After somebody talks in the thread new grades are kept as not blind; earlier ones stay blind."""
    run = await stage.finished()
    card = (await stage.reviews(run))[0]
    await stage.grade(stage.lee, "3 Good", card)
    await stage.kim.say(CHANNEL, "I find this one rude.", run)
    await stage.discussed()
    await stage.grade(stage.kim, "1 Wrong", card)
    marks = {grade.grader.id: grade.blind for grade in await stage.human_grades()}
    assert marks == {await stage.lee.id(): True, await stage.kim.id(): False}
    shown = await stage.now_shows(card, "2 graded, one more wanted")
    assert "discussed before the end: new grades are kept as not blind" in shown.text


async def test_discussion_is_noticed_where_the_cards_are(stage: Stage) -> None:
    """Cards put into another channel are discussed in the thread there, which also stands for their run."""
    await stage.finished()
    await stage.dana.slash("/evalbot review 1 n:1 here", "#support-quality")
    await stage.dana.see_ephemeral("#support-quality", "1 answers of run 1 are put up", timeout=PATIENCE_S)
    await stage.quiet()
    opened = await stage.dana.see_message("#support-quality", "1 answer needs a person")
    await stage.kim.say("#support-quality", "I find this one rude.", opened)
    await stage.discussed()
    await stage.kim.mention("#support-quality", "status", opened)
    await stage.kim.see_reply(opened, "*Run 1* of shop")


async def test_changed_grade_after_the_end_is_not_blind(stage: Stage) -> None:
    """Who changes a grade once the review has ended did not grade blind; adding a reason to a blind grade keeps it blind."""
    card = (await stage.reviews(await stage.finished()))[0]
    stage.slack.faults.next_call("server_error", "chat.update", times=1000)
    await stage.grade(stage.lee, "3 Good", card)
    await stage.grade(stage.kim, "1 Wrong", card)
    await stage.grade(stage.person("sam"), "4 Great", card)
    await stage.kim.click("4 Great", card)
    await stage.kim.see_reply(card, "your grade is changed to *Great*")
    stage.slack.faults.clear()
    await stage.now_shows(card, "Grades: 1 × Good, 2 × Great, 1 not blind")


async def test_two_people_at_once_are_both_counted(stage: Stage) -> None:
    """Grades that arrive together are both stored, and settle each answer once."""
    stage = stage
    run = await stage.finished()
    cards = await stage.reviews(run)
    await asyncio.gather(*(who.click("3 Good", card) for card in cards for who in (stage.lee, stage.kim)))
    for card in cards:
        await stage.now_shows(card, "*Good* (pass) by 2 of 2")
    await stage.dana.see_reply(run, "3 answers graded", timeout=PATIENCE_S)
    assert len(await stage.human_grades()) == 6
    await stage.quiet()


async def test_grades_of_people_count_towards_trust_in_the_judge(stage: Stage) -> None:
    """The numbers of a run tell how many of its answers people have graded, and say when that is too few for a judgement."""
    run = await stage.finished()
    for card in await stage.reviews(run):
        await stage.grade(stage.lee, "3 Good", card)
        await stage.grade(stage.kim, "3 Good", card)
    await stage.dana.click("Why these numbers?", run)
    await stage.dana.see_view("3 graded so far")


async def test_rubric_and_whole_answer_open_beside_the_card(stage: Stage) -> None:
    """What counts is one click away from the answer."""
    card = (await stage.reviews(await stage.finished()))[0]
    await stage.lee.click("What counts?", card)
    await stage.lee.see_view("States a false rule")


async def test_more_answers_are_put_up_once(stage: Stage) -> None:
    """The review button opens what is left in one round, however often it is pressed at once."""
    run = await stage.finished()
    await asyncio.gather(stage.lee.click("Review 10 answers", run), stage.kim.click("Review 10 answers", run))
    await stage.dana.see_reply(run, "3 of 3 on", timeout=PATIENCE_S)
    await stage.settled_down()
    assert len(await stage.reviews(run)) == 6
    assert len({one.output_id for one in await stage.stored_reviews()}) == 6
