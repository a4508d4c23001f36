"""A run before its start: what it would take and show, its form, and the card of one that waits for an approver."""

from __future__ import annotations

from collections.abc import Mapping

from evalbot.reporting.estimates import FEWEST
from evalbot.reports.forecast_words import change_words, cost_words, preview_line, time_words, width_words
from evalbot.reports.words import counted, money_words
from evalbot.runs.budgets import Scope, dollars
from evalbot.runs.forecasts import Forecast, Precision
from evalbot.runs.requests import Preview, RunRequest
from evalbot.runs.runs import Run
from evalbot.slack.blocks import (
    Element,
    Payload,
    View,
    actions,
    button,
    confirm,
    context,
    fields,
    message,
    modal,
    section,
    text_input,
)
from evalbot.slack.ids import FIELD, ActionId, BlockId, CallbackId, DraftClick, RunClick, encode
from evalbot.slack.text import Block, mrkdwn, one_line

_NAME = 60
MOST_NAMED = 5
MOST_LINE = 150
"""The longest text of a one-line box."""

WHOSE = {
    Scope.RUN: "of this run's budget",
    Scope.PERSON_DAY: "of your budget for today",
    Scope.DAY: "of the workspace's budget for today",
    Scope.MONTH: "of the workspace's budget for this month",
}


def preview_message(preview: Preview) -> Payload:
    """Give what a run would take and show, with the buttons that start, change or drop it."""
    blocks = [*_told(preview), context(" · ".join(_basis(preview))), _buttons(preview)]
    return message(f"{_title(preview).replace('*', '')}. {preview_line(preview.forecast)}", blocks)


def preview_view(preview: Preview, command: str = "/evalbot") -> View:
    """Give the same as a modal that starts the run or is closed."""
    change = f"to change it, type `{command} run {mrkdwn(preview.run.suite, _NAME)}`"
    return modal(
        "Run a suite",
        CallbackId.PREVIEW_START,
        [*_told(preview), context(" · ".join(_basis(preview))), context(f"Its card comes to your messages · {change}")],
        submit="Ask for approval" if preview.waits else "Start",
        close="Cancel",
        metadata=encode(DraftClick(preview.draft_id)),
    )


def _title(preview: Preview) -> str:
    """Ask whether a run is wanted, and say how large it is."""
    run = preview.run
    return f"*Run {mrkdwn(run.suite, _NAME)}?* {_size_words(run)} · {_targets(run)}"


def _told(preview: Preview) -> list[Block]:
    """Say what a run would take and show, and what may come as a surprise."""
    forecast, warnings = preview.forecast, _warnings(preview)
    told = [f"*Cost*\n{cost_words(forecast)}", f"*Time*\n{time_words(forecast.seconds)}"]
    told += [f"*Exact to*\n{width_words(forecast)}", f"*Shows changes from*\n{change_words(forecast)}"]
    blocks = [section(_title(preview)), fields(told)]
    return [*blocks, section("\n".join(warnings))] if warnings else blocks


def _targets(run: Run) -> str:
    """Name the targets."""
    shown = ", ".join(mrkdwn(target.label, _NAME) for target in run.targets[:MOST_NAMED])
    more = len(run.targets) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _size_words(run: Run) -> str:
    """Say how many items are asked, and how often."""
    words = counted(len(run.item_ids), "item")
    words += f" × {len(run.targets)} targets" if len(run.targets) > 1 else ""
    return f"{words} × {run.repeats} repeats" if run.repeats > 1 else words


def _warnings(preview: Preview) -> list[str]:
    """Say what may come as a surprise."""
    forecast, lines = preview.forecast, []
    if forecast.unknown:
        lines.append(unpriced_line(forecast))
    if forecast.may_stop_early:
        lines.append(f"The money may not last to the end: {least_left(forecast.left or {})} is left.")
    if preview.waits:
        lines.append("A run of this price waits for an approver; nothing is asked before.")
    return lines


def unpriced_line(forecast: Forecast) -> str:
    """Say of what nobody knows the cost."""
    names = ", ".join(mrkdwn(name, _NAME) for name in forecast.unknown[:MOST_NAMED])
    return f"Nobody knows what {names} costs: give it a price to see the cost here."


def least_left(left: Mapping[Scope, int], whose: Mapping[Scope, str] = WHOSE) -> str:
    """Say what is left where least is left."""
    scope = min(left, key=lambda one: left[one])
    return f"{money_words(dollars(max(left[scope], 0)))} {whose[scope]}"


def _basis(preview: Preview) -> list[str]:
    """Say what the figures are reckoned from."""
    forecast, precision = preview.forecast, preview.forecast.precision
    parts = [counted(forecast.calls, "call")]
    if forecast.left and not forecast.may_stop_early:
        parts.append(f"{least_left(forecast.left)} is left")
    if forecast.high:
        parts.append(f"cost as in run {forecast.cost_from}" if forecast.cost_from else "cost guessed from the prompts")
    return parts if forecast.items < FEWEST else [*parts, _precision_basis(precision)]


def _precision_basis(precision: Precision) -> str:
    """Say where the spread of scores comes from, and how sure a change is seen."""
    source = f"exactness as in run {precision.from_run}" if precision.from_run else "exactness guessed with caution"
    return f"{source} · a change of that size shows 4 times in 5"


def _buttons(preview: Preview) -> Block:
    """Give the buttons of a preview."""
    value = encode(DraftClick(preview.draft_id))
    suite, start = one_line(preview.run.suite, 40), "Ask for approval" if preview.waits else "Start"
    return actions(
        button(start, ActionId.PREVIEW_START, value, style="primary", spoken=f"Start the run of {suite}"),
        button("Change…", ActionId.PREVIEW_CHANGE, value, spoken=f"Change the run of {suite}"),
        button("Cancel", ActionId.PREVIEW_CANCEL, value, spoken=f"Do not run {suite}"),
    )


# --- the form --------------------------------------------------------------------------------------


def change_preview_view(draft_id: str, request: RunRequest, run: Run, where: str) -> View:
    """Give the form that changes what is run; `where` is the address at which the preview is shown anew, empty without one."""
    budget = f"{dollars(request.budget):.2f}" if request.budget is not None else ""
    blocks = [
        _line_input("Suite", BlockId.SUITE, request.suite),
        _line_input(
            "Targets", BlockId.TARGETS, ", ".join(request.targets), hint="Empty: all of the suite's", optional=True
        ),
        _line_input("How many items", BlockId.ITEMS, _number(request.limit), hint="Empty: all of them", optional=True),
        _line_input("How often each is asked", BlockId.REPEAT, str(run.repeats), optional=True),
        _line_input(
            "Budget in dollars", BlockId.BUDGET, budget, hint="The run stops when it is used up", optional=True
        ),
    ]
    metadata = f"{encode(DraftClick(draft_id))}\n{where}"
    return modal(
        "Change the run",
        CallbackId.PREVIEW_CHANGE,
        blocks,
        submit="Show preview",
        close="Back",
        metadata=metadata if len(metadata) <= 3_000 else encode(DraftClick(draft_id)),
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _line_input(label: str, block_id: BlockId, initial: str, hint: str = "", optional: bool = False) -> Block:
    """Give a text box of one line."""
    block = text_input(label, block_id, FIELD, initial=initial[:MOST_LINE], hint=hint, optional=optional)
    element: Element = {**block["element"], "multiline": False, "max_length": MOST_LINE}
    return {**block, "element": element}


# --- waiting for an approver -----------------------------------------------------------------------


def waiting_card(run: Run) -> Payload:
    """Give the card of a run that waits for an approver, with the buttons for them and for its starter."""
    suite, name = mrkdwn(run.suite, _NAME), mrkdwn(run.started_name, _NAME)
    value = encode(RunClick(run.id))
    title = f"{suite} waits for an approver"
    blocks = [
        section(f"*{title}*\n{mrkdwn(run.note, 300)} Nothing is asked before that."),
        actions(
            button("Approve", ActionId.RUN_APPROVE, value, style="primary", spoken=f"Approve run {run.number}"),
            button("Reject", ActionId.RUN_REJECT, value, confirm=_reject_confirm(run)),
            button("Cancel", ActionId.RUN_CANCEL, value, spoken=f"Cancel run {run.number}"),
        ),
        context(
            f"Run {run.number} by {name} · {_targets(run)} · {_size_words(run)} · somebody else than {name} decides"
        ),
    ]
    return message(f"{title}. {mrkdwn(run.note, 300)}", blocks)


def _reject_confirm(run: Run) -> Element:
    """Ask before a run is rejected."""
    return confirm(f"Reject run {run.number}?", "It ends without asking anything.", "Reject", style="danger")
