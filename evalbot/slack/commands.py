"""Commands: what is typed after the slash command or a mention, answered to the asker alone."""

from __future__ import annotations

from evalbot.errors import BadRequest, EvalbotError
from evalbot.grading.trials import JudgeReport
from evalbot.people import Role
from evalbot.runs.requests import Preview, RunRequest
from evalbot.runs.runs import Run
from evalbot.slack.blocks import Payload
from evalbot.slack.channels import check_may_post, find_channel
from evalbot.slack.command_text import parse_command
from evalbot.slack.command_values import (
    CancelCommand,
    Command,
    DigestAction,
    DigestCommand,
    ExplainCommand,
    HelpCommand,
    JudgeCommand,
    RerunCommand,
    ResumeCommand,
    ReviewCommand,
    RunCommand,
    StatusCommand,
    SuitesCommand,
)
from evalbot.slack.door import Asker, Door
from evalbot.slack.views.calibrations import calibration_preview
from evalbot.slack.views.errors import error_message
from evalbot.slack.views.explain import explanation_message
from evalbot.slack.views.help import help_message, suites_message
from evalbot.slack.views.judges import judge_message, judges_message
from evalbot.slack.views.notices import linked_notice, notice_message
from evalbot.slack.views.previews import preview_message
from evalbot.slack.views.runs import RunState, status_message
from evalbot.workflows import (
    browsing,
    digesting,
    explaining,
    explaining_digests,
    going_on,
    judge_reports,
    previewing,
    reviewing,
    running,
)
from evalbot.workflows.starting_calibrations import CalibrationRequest, preview_calibration


async def answer_text(door: Door, asker: Asker, text: str) -> Payload:
    """Carry out a command and give the private answer; what cannot be done is answered with one sentence and a next step."""
    try:
        return await answer(door, asker, parse_command(text))
    except EvalbotError as error:
        return error_message(error)


async def answer(door: Door, asker: Asker, command: Command) -> Payload:
    """Carry out a parsed command."""
    if asker.person.role is Role.OUTSIDER:
        raise BadRequest("evalbot works for members of its own workspace only.", "Ask a colleague there.")
    match command:
        case RunCommand():
            return await _run(door, asker, command)
        case StatusCommand():
            return await _status(door, asker, command)
        case CancelCommand():
            return await _cancel(door, asker, command)
        case ResumeCommand():
            return await _resume(door, asker, command)
        case RerunCommand():
            return await _rerun(door, asker, command)
        case ReviewCommand():
            return await _review(door, asker, command)
        case DigestCommand():
            return await _digest(door, asker, command)
        case SuitesCommand():
            return suites_message(await browsing.list_suites(door.services))
        case JudgeCommand():
            return await _judge(door, asker, command)
        case ExplainCommand():
            return await _explain(door, asker, command)
        case HelpCommand():
            return help_message(command.verb, door.command)


async def _run(door: Door, asker: Asker, command: RunCommand) -> Payload:
    """Show what a run would take; its card appears in the channel when it is started."""
    request = RunRequest(
        suite=command.suite,
        person=asker.person,
        targets=command.targets,
        limit=command.n,
        repeats=command.repeat,
        concurrency=command.concurrency,
        holdout=command.holdout,
        versus=command.vs,
        channel=asker.channel,
        budget=command.budget,
    )
    return await preview(door, request)


async def preview(door: Door, request: RunRequest) -> Payload:
    """Give the preview of a run as a message; raises UserError."""
    return preview_message(await look_ahead(door, request))


async def look_ahead(door: Door, request: RunRequest) -> Preview:
    """Give what a run would take, if evalbot may post its card where that is to go; raises UserError."""
    await check_may_post(door.client, request.channel, door.command)
    return await previewing.preview_run(door.services, request)


def started_words(run: Run, where: str) -> str:
    """Say that a run has started, or that it waits; `where` names the place of its card."""
    if not run.going:
        return f"Run {run.number} of {run.suite} waits for an approver. Its card is in {where}."
    asked = f"{run.size:,} answers from {len(run.targets)} target{'s' if len(run.targets) > 1 else ''}"
    return f"Run {run.number} of {run.suite} has started: {asked}. Its card is in {where}."


async def _status(door: Door, asker: Asker, command: StatusCommand) -> Payload:
    """Tell how a run is doing, or what runs now, or what ran last."""
    if command.run is not None or asker.thread_run is not None:
        return status_message([await _state(door, await _named_run(door, asker, command.run))])
    found = [run for run in await browsing.recent_runs(door.services, 20) if run.open]
    found = found or await browsing.recent_runs(door.services, 3)
    return status_message([await _state(door, run) for run in found])


async def _state(door: Door, run: Run) -> RunState:
    """Load what a status line shows."""
    summary = None if run.open else await browsing.run_summary(door.services, run)
    return RunState(run, await browsing.run_progress(door.services, run), summary)


async def _named_run(door: Door, asker: Asker, number: int | None) -> Run:
    """Give the run of a number, else the thread's run, else the newest."""
    if number is None and asker.thread_run is not None:
        return await browsing.get_run(door.services, asker.person, asker.thread_run)
    return await browsing.find_run(door.services, number)


async def _cancel(door: Door, asker: Asker, command: CancelCommand) -> Payload:
    """Stop a run."""
    run = await _named_run(door, asker, command.run)
    await running.cancel_run(door.services, door.engine, asker.person, run)
    return notice_message(f"Run {run.number} is stopped. What was answered is kept and scored in its card.")


async def _resume(door: Door, asker: Asker, command: ResumeCommand) -> Payload:
    """Let a paused run go on."""
    run = await _named_run(door, asker, command.run)
    await running.resume_run(door.services, door.engine, asker.person, run)
    return notice_message(f"Run {run.number} goes on with what it misses.")


async def _rerun(door: Door, asker: Asker, command: RerunCommand) -> Payload:
    """Go on with a run that ended early, in a new one."""
    old = await _named_run(door, asker, command.run)
    await check_may_post(door.client, old.channel or asker.channel, door.command)
    run = await going_on.go_on(door.services, asker.person, old, command.budget)
    if run.going:
        await door.engine.submit(run.id)
    return notice_message(started_words(run, "this channel" if run.channel == asker.channel else "its channel"))


async def _review(door: Door, asker: Asker, command: ReviewCommand) -> Payload:
    """Open a round of reviews."""
    run = await _named_run(door, asker, command.run)
    channel = asker.channel if command.here or not run.channel else run.channel
    await check_may_post(door.client, channel, door.command)
    opened = await reviewing.open_round(
        door.services,
        reviewing.RoundRequest(run, asker.person.id, command.n, command.by, command.graders, channel),
    )
    where = "the run's thread" if channel == run.channel else "this channel"
    return notice_message(f"{opened.state.round.size} answers of run {run.number} are put up for grading in {where}.")


async def _digest(door: Door, asker: Asker, command: DigestCommand) -> Payload:
    """Post, schedule or stop the digest."""
    channel = await find_channel(door.client, command.channel) if command.channel else asker.channel
    if command.action is DigestAction.OFF:
        stopped = await digesting.stop_digest(door.services, asker.person, channel)
        return notice_message("The weekly digest here is off." if stopped else "There was no weekly digest here.")
    if command.action is DigestAction.STATUS:
        return await _digest_status(door, asker)
    await check_may_post(door.client, channel, door.command)
    if command.action is DigestAction.ON:
        when = f"{command.when or 'mon 09:00'} {command.tz or asker.person.tz}"
        schedule = await digesting.schedule_digest(door.services, asker.person, channel, when)
        day = schedule.day.capitalize()
        return linked_notice(
            f"The weekly digest comes to <#{channel}> each {day} at {schedule.at:%H:%M} ({schedule.tz})."
        )
    if command.action is DigestAction.PREVIEW:
        channel = asker.person.id
    await digesting.digest_now(door.services, asker.person, channel)
    return notice_message(
        "The digest is on its way" + (" to your direct messages." if channel == asker.person.id else ".")
    )


async def _judge(door: Door, asker: Asker, command: JudgeCommand) -> Payload:
    """Tell how far a judge may be believed, or show what its calibration would take."""
    suite = command.suite or await _thread_suite(door, asker)
    if command.calibrate:
        suite = suite or await _only_judged(door)
        return await preview_judge(door, CalibrationRequest(asker.person, suite, asker.channel, command.budget))
    if suite:
        return judge_message(await get_judges(door, suite), door.command)
    return judges_message(
        [one for name in await judge_reports.judged_suites(door.services) for one in await _judges(door, name)],
        door.command,
    )


async def preview_judge(door: Door, request: CalibrationRequest) -> Payload:
    """Give the preview of a calibration, if evalbot may post its card where that is to go; raises UserError."""
    await check_may_post(door.client, request.channel, door.command)
    return calibration_preview(await preview_calibration(door.services, request))


async def get_judges(door: Door, suite: str) -> list[JudgeReport]:
    """Give what is known of the judges of a suite; raises BadRequest where there is none."""
    found = await _judges(door, suite)
    if not found:
        raise BadRequest(
            f"Suite {suite} has no judge that grades what people grade.",
            "Its code checks need none; give it one to compare.",
        )
    return found


async def _judges(door: Door, suite: str) -> list[JudgeReport]:
    """Give what is known of the judges of a suite."""
    return await judge_reports.judge_reports(door.services, suite)


async def _thread_suite(door: Door, asker: Asker) -> str:
    """Name the suite of the thread's run, empty outside of one."""
    if asker.thread_run is None:
        return ""
    return (await browsing.get_run(door.services, asker.person, asker.thread_run)).suite


async def _only_judged(door: Door) -> str:
    """Name the one suite that has a judge; raises BadRequest when there are several or none."""
    names = await judge_reports.judged_suites(door.services)
    if len(names) != 1:
        known = f"There are: {', '.join(names[:12])}." if names else "No suite has one."
        raise BadRequest("The judge of which suite?", known)
    return names[0]


async def _explain(door: Door, asker: Asker, command: ExplainCommand) -> Payload:
    """Tell where a number comes from."""
    if command.about_judge:
        suite = command.judge or await _thread_suite(door, asker) or await _only_judged(door)
        await get_judges(door, suite)
        return explanation_message((await explaining.explain_judges(door.services, suite))[0], door.command)
    if command.about_digest:
        explanation = await explaining_digests.explain_digest(door.services, asker.person, asker.channel, command.words)
        return explanation_message(explanation, door.command)
    newest = command.latest
    run = await (browsing.find_run(door.services, None) if newest else _named_run(door, asker, command.run))
    explanation = await explaining.explain_number(door.services, asker.person, run, command.words)
    return explanation_message(explanation, door.command)


async def _digest_status(door: Door, asker: Asker) -> Payload:
    """Tell which channels get a digest, and when."""
    found = await browsing.list_schedules(door.services, asker.person.team)
    if not found:
        return notice_message(f"No channel gets a digest yet. Type {door.command} digest on mon 09:00 in one.")
    lines = [f"<#{one.channel}>: {one.day.capitalize()} {one.at:%H:%M} ({one.tz})" for one in found]
    return linked_notice("Weekly digests: " + "; ".join(lines) + ".")
