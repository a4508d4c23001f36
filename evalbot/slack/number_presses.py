"""Buttons about numbers: where those of digests, judges and runs come from."""

from __future__ import annotations

from evalbot.reporting.explanations import Explanation
from evalbot.slack.commands import get_judges
from evalbot.slack.door import Door
from evalbot.slack.ids import DigestClick, DigestLineClick, JudgeClick, NumberClick, decode
from evalbot.slack.presses import Next, Press, open_modal, post_shared, push_modal
from evalbot.slack.views.digests import digest_numbers_view
from evalbot.slack.views.explain import arithmetic_view, explanation_message, explanation_view
from evalbot.slack.views.judges import judge_message
from evalbot.workflows import browsing, explaining, explaining_digests

# --- digests ---------------------------------------------------------------------------------------


async def show_digest_numbers(door: Door, press: Press) -> Next | None:
    """Open where the numbers of a digest come from."""
    digest = await browsing.get_digest(door.services, press.person, decode(press.value, DigestClick).digest_id)
    return lambda: open_modal(door, press, digest_numbers_view(digest, door.command))


async def show_digest_line(door: Door, press: Press) -> Next | None:
    """Put where a line of a digest comes from on top of the list of its numbers."""

    async def show() -> None:
        explanation = await _digest_line(door, press)
        late = explanation_message(explanation, door.command)
        await push_modal(door, press, explanation_view(explanation, door.command), late)

    return show


async def show_digest_arithmetic(door: Door, press: Press) -> Next | None:
    """Open how a number of a digest was computed."""

    async def show() -> None:
        explanation = await _digest_line(door, press)
        await open_modal(door, press, arithmetic_view([explanation]))

    return show


async def share_digest_line(door: Door, press: Press) -> Next | None:
    """Show where a line of a digest comes from to the whole channel."""

    async def share() -> None:
        explanation = await _digest_line(door, press)
        await post_shared(door, press, explanation_message(explanation, door.command, shared_by=press.person.mention))

    return share


async def _digest_line(door: Door, press: Press) -> Explanation:
    """Explain the line of a digest that a button names."""
    click = decode(press.value, DigestLineClick)
    return await explaining_digests.explain_digest_key(door.services, press.person, click.digest_id, click.line)


# --- judges and numbers ----------------------------------------------------------------------------


async def show_judge_arithmetic(door: Door, press: Press) -> Next | None:
    """Open how what is said of a judge was computed."""
    suite = decode(press.value, JudgeClick).suite

    async def show() -> None:
        await open_modal(door, press, arithmetic_view(await explaining.explain_judges(door.services, suite)))

    return show


async def share_judge(door: Door, press: Press) -> Next | None:
    """Show what is known of a judge to the whole channel."""
    suite = decode(press.value, JudgeClick).suite

    async def share() -> None:
        reports = await get_judges(door, suite)
        await post_shared(door, press, judge_message(reports, door.command, shared_by=press.person.mention))

    return share


async def share_judge_reasons(door: Door, press: Press) -> Next | None:
    """Show where what is said of a judge comes from to the whole channel."""
    suite = decode(press.value, JudgeClick).suite

    async def share() -> None:
        await get_judges(door, suite)
        [explanation, *_] = await explaining.explain_judges(door.services, suite)
        await post_shared(door, press, explanation_message(explanation, door.command, shared_by=press.person.mention))

    return share


async def show_arithmetic(door: Door, press: Press) -> Next | None:
    """Open how a number was computed."""
    click = decode(press.value, NumberClick)
    run = await browsing.get_run(door.services, press.person, click.run_id)

    async def show() -> None:
        explanation = await explaining.explain_key(door.services, press.person, run, click.number)
        await open_modal(door, press, arithmetic_view([explanation]))

    return show


async def share_number(door: Door, press: Press) -> Next | None:
    """Show where a number comes from to the whole channel."""
    click = decode(press.value, NumberClick)
    run = await browsing.get_run(door.services, press.person, click.run_id)

    async def share() -> None:
        explanation = await explaining.explain_key(door.services, press.person, run, click.number)
        await post_shared(door, press, explanation_message(explanation, door.command, shared_by=press.person.mention))

    return share
