"""Whole reports for tests: a run of two skills with every state of an answer, and the hostile texts as answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.reporting.comparisons import compare_scores
from evalbot.reporting.estimates import RunSummary
from evalbot.reporting.scores import score_output, score_rows
from evalbot.reports.contents import RunReport, StoredRun, report_run
from evalbot.runs.outputs import Output, OutputId
from evalbot.runs.runs import RunStatus
from evalbot.suites.items import Item, ItemId, Split
from evalbot.suites.suites import Suite
from tests.factories import make_failed_output, make_grade, make_item, make_output, make_run, make_suite

HOSTILE = Path(__file__).parents[4] / "shared" / "hostile" / "outputs.jsonl"
SECRET = "the holdout's own question"

EVIL = (
    "</pre></details><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]><failure/><!--",
    "<![CDATA[x]]>",
    "&lt;b&gt; &amp; &#x0; &bogus;",
    "::error::pwned\n::set-output name=x::y\n##[error]pwned",
    "| a | b |\n|---|---|\n**bold** [x](https://bad.example) @dana `code` <b>",
    "{{ 7 * 7 }} {% raw %} ${x} %(x)s {0}",
    "=1+1",
    " \u00a0=cmd|'/c calc'!A0",
    "＝1+1",
    "\u200b＠SUM(A1)",
    "-2+3",
    "+1",
    "\tx",
    "\rx",
    "'=quoted",
    "\x00\x08\x0b\x0c\x1b[2J\ufffe\uffff\ud83d",
    "\u202efdp.exe",
    "",
    " \n",
)
"""Texts against every format that is written."""


def hostile_texts() -> list[str]:
    """Give the hostile outputs that come with the project's shared files, and those of our own; skips loudly without them."""
    if not HOSTILE.is_file():
        pytest.skip(f"HOSTILE TEXTS NOT TESTED: there is no {HOSTILE}")
    rows = [json.loads(line)["parts"] for line in HOSTILE.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [*EVIL, *("".join(text * times for text, times in parts) for parts in rows)]


def make_stored(outputs: Sequence[Output], grades: Sequence[Grade], suite: Suite, **changes: Any) -> StoredRun:
    """Give a stored run of one check per item."""
    by_output: dict[OutputId, list[Grade]] = {}
    for grade in grades:
        by_output.setdefault(grade.output_id, []).append(grade)
    scores = [score_output(one, by_output.get(one.id, ()), 1) for one in outputs]
    asked = list(dict.fromkeys(one.unit.item_id for one in outputs))
    run = make_run(item_ids=tuple(asked), status=RunStatus.DONE)
    stored = StoredRun(run, suite, outputs, by_output, [score for score in scores if score], ())
    return replace(stored, **changes)


def summary_of(stored: StoredRun, before: StoredRun | None = None) -> RunSummary:
    """Give the summary of a stored run, with what changed since another one."""
    skills = {item.id: item.skill for item in stored.suite.items}
    changes = compare_scores(before.scores, stored.scores, skills, "main", "run 6") if before else []
    errors = sum(not one.answered for one in stored.outputs)
    complete = sum(score.complete for score in stored.scores)
    return RunSummary(
        tuple(score_rows(stored.scores, skills, frozenset())),
        tuple(changes),
        len(stored.run.item_ids),
        len(stored.outputs),
        errors,
        len(stored.outputs) - errors - complete,
        "",
        None,
        0,
        0.42,
        72.0,
    )


def grade_of(output: Output, passed: bool | None, **changes: Any) -> Grade:
    """Give a check's grade of an output."""
    return make_grade(passed, output_id=output.id, **({"reason": "" if passed else "Not found."} | changes))


def person(output: Output, name: str, passed: bool) -> Grade:
    """Give a person's grade of an output."""
    return replace(grade_of(output, passed), grader=Grader(GraderKind.HUMAN, name), criterion="helpful", level=1)


def mixed_stored() -> StoredRun:
    """Give a run of twelve items: 4 pass, 3 fail, then an error, no verdict, in review, a failing holdout item, not asked."""
    names = [f"item-{n}" for n in range(12)]
    items: list[Item] = [make_item(name, skill="tone" if n % 2 else "citations") for n, name in enumerate(names)]
    items[10] = make_item("item-10", vars={"question": SECRET}, skill="tone", split=Split.HOLDOUT)
    outputs = [make_output(name) for name in names[:11]]
    outputs[7] = make_failed_output("item-7")
    verdicts: list[bool | None] = [True, True, True, True, False, False, False, None, None, False, False]
    grades = [grade_of(one, passed) for one, passed in zip(outputs, verdicts, strict=True) if one.answered]
    grades = [replace(one, error="timed out") if one.passed is None else one for one in grades]
    grades += [person(outputs[4], "U0ANN", False), person(outputs[4], "U0BOB", True), person(outputs[9], "U0ANN", True)]
    stored = make_stored(outputs, grades, make_suite(*items), in_review={outputs[9].id})
    return replace(stored, run=replace(stored.run, item_ids=tuple(ItemId(name) for name in names)))


def mixed_report(**choices: Any) -> RunReport:
    """Give the report of that run."""
    stored = mixed_stored()
    return report_run(stored, summary_of(stored), **choices)


def report_of(texts: Sequence[str], passed: bool = False) -> RunReport:
    """Give a report in which each text is an answer, and the question, reference, reason, skill, item id and more besides."""
    texts = list(dict.fromkeys(texts))
    items = [
        make_item(f"{n:02d} {text[:200]}", vars={"question": text}, reference=text, skill=text[:500] or None)
        for n, text in enumerate(texts)
    ]
    outputs = [make_output(item.id, text=text) for item, text in zip(items, texts, strict=True)]
    grades = [
        grade_of(one, passed, reason=text, criterion=text[:100] or "correct")
        for one, text in zip(outputs, texts, strict=True)
    ]
    stored = make_stored(outputs, grades, make_suite(*items))
    return report_run(stored, summary_of(stored))
