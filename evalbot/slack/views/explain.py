"""Where a number comes from, in words; and the arithmetic with the real numbers behind a button."""

from __future__ import annotations

from collections.abc import Sequence

from evalbot.reporting.arithmetic import Formula
from evalbot.reporting.explanations import Explanation
from evalbot.slack.blocks import Payload, View, actions, button, context, divider, message, modal, section
from evalbot.slack.ids import ActionId, CallbackId, DigestLineClick, JudgeClick, NumberClick, encode
from evalbot.slack.text import Block, mrkdwn, preformatted
from evalbot.slack.views.numbers import score_words

MOST_FACTS = 8
_TITLE, _TEXT, _STEPS = 200, 700, 2_500


def explanation_message(explanation: Explanation, command: str = "/evalbot", shared_by: str = "") -> Payload:
    """Answer `explain`: the number, what it means, what it rests on and its formula. `shared_by` is a mention where it is
    posted for all."""
    title = mrkdwn(explanation.title, _TITLE)
    blocks = [section(f"*{title}*\n{_number(explanation)}{mrkdwn(explanation.meaning, _TEXT)}")]
    if explanation.doubt:
        blocks.append(section(f"⚠ {mrkdwn(explanation.doubt, _TEXT)}"))
    blocks.append(section("\n".join(_fact_lines(explanation))))
    blocks += [_formula_block(explanation)]
    if shared_by:
        blocks.append(context(f"shared by {shared_by}"))
    else:
        blocks.append(_buttons(explanation))
        if explanation.more:
            blocks.append(context("Also: " + " · ".join(f"`{mrkdwn(one, 90)}`" for one in explanation.more)))
    return message(f"{title}: {_plain_number(explanation)}", blocks)


def explanation_view(explanation: Explanation, command: str = "/evalbot") -> View:
    """Give the modal that says all of a number at once: what it rests on, its formulas, and their steps."""
    title = mrkdwn(explanation.title, _TITLE)
    blocks = [section(f"*{title}*\n{_number(explanation)}{mrkdwn(explanation.meaning, _TEXT)}")]
    if explanation.doubt:
        blocks.append(section(f"⚠ {mrkdwn(explanation.doubt, _TEXT)}"))
    blocks += [section("\n".join(_fact_lines(explanation))), divider()]
    for formula in explanation.formulas:
        blocks += _formula_blocks(formula)
    if explanation.more:
        blocks.append(context("Also: " + " · ".join(f"`{command} {mrkdwn(one, 90)}`" for one in explanation.more[:3])))
    return modal("Where it comes from", CallbackId.READ_ONLY, blocks)


def arithmetic_view(explanations: Sequence[Explanation]) -> View:
    """Give the modal with the steps of the arithmetic."""
    blocks: list[Block] = []
    for explanation in explanations:
        blocks += [divider()] if blocks else []
        blocks.append(section(f"*{mrkdwn(explanation.title, _TITLE)}*\n{_plain_number(explanation)}"))
        for formula in explanation.formulas:
            blocks += _formula_blocks(formula)
    return modal("The arithmetic", CallbackId.READ_ONLY, blocks)


def _formula_blocks(formula: Formula) -> list[Block]:
    """Give a formula with its steps and its source."""
    steps = "\n".join(formula.steps)
    blocks = [section(f"*{mrkdwn(formula.name, 80)}.* {mrkdwn(formula.sentence, _TEXT)}")]
    blocks += [preformatted(steps, _STEPS, "steps")] if steps else []
    return [*blocks, context(f"Source: {mrkdwn(formula.source, 300)}")] if formula.source else blocks


def _number(explanation: Explanation) -> str:
    """Give the number in bold, with those made in other ways, each on a line; nothing where there is none."""
    if explanation.shown is None:
        return f"*{mrkdwn(explanation.said, _TEXT)}*\n" if explanation.said else ""
    lines = [f"*{score_words(explanation.shown)}*"]
    lines += [f"{one.name}: {score_words(one.estimate)}" for one in explanation.beside]
    return "\n".join(lines) + "\n"


def _plain_number(explanation: Explanation) -> str:
    """Give the number without markup of its own."""
    said = mrkdwn(explanation.said, _TEXT) if explanation.said else "not measured yet"
    return score_words(explanation.shown) if explanation.shown else said


def _fact_lines(explanation: Explanation) -> list[str]:
    """Give what the number rests on."""
    return [f"*{mrkdwn(fact.name, 40)}:* {mrkdwn(fact.text, _TEXT)}" for fact in explanation.facts[:MOST_FACTS]]


def _formula_block(explanation: Explanation) -> Block:
    """Give the formula in a sentence, with its source."""
    formula = explanation.formulas[0]
    source = f"\n_Source: {mrkdwn(formula.source, 300)}_" if formula.source else ""
    return section(f"*How it is computed:* {mrkdwn(formula.sentence, _TEXT)}{source}")


def _buttons(explanation: Explanation) -> Block:
    """Give what can be done with an explanation."""
    if explanation.digest_id:
        value = encode(DigestLineClick(explanation.digest_id, explanation.key))
        steps = any(formula.steps for formula in explanation.formulas)
        return actions(
            button("Show the arithmetic", ActionId.DIGEST_ARITHMETIC, value) if steps else None,
            button("Share", ActionId.DIGEST_LINE_SHARE, value, spoken="Share with the channel"),
        )
    if explanation.run_id is None:
        value = encode(JudgeClick(explanation.suite))
        return actions(
            button("Show the arithmetic", ActionId.JUDGE_EXPLAIN, value),
            button("Share", ActionId.JUDGE_REASONS_SHARE, value, spoken="Share with the channel"),
        )
    value = encode(NumberClick(explanation.run_id, explanation.key))
    return actions(
        button("Show the arithmetic", ActionId.NUMBER_ARITHMETIC, value),
        button("Share", ActionId.NUMBER_SHARE, value, spoken="Share with the channel"),
    )
