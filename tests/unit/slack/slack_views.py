"""Every view there is, made of samples whose every foreign text can be replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evalbot.errors import UnknownName
from evalbot.grading.consensus import Consensus
from evalbot.grading.reviews import ReviewStatus
from evalbot.people import PersonId
from evalbot.reporting.digests import Digest, SkillLine
from evalbot.reporting.estimates import OVERALL, Degenerate, RunSummary, ScoreRow
from evalbot.runs.forecasts import Forecast
from evalbot.runs.outputs import Failure, Unit
from evalbot.runs.requests import Preview, RunRequest
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.slack.command_values import Verb
from evalbot.slack.views.calibrations import calibration_preview, decided_calibration_card, waiting_calibration_card
from evalbot.slack.views.digests import digest_message, digest_numbers_view
from evalbot.slack.views.errors import error_message, failure_message
from evalbot.slack.views.explain import arithmetic_view, explanation_message, explanation_view
from evalbot.slack.views.feedback import candidate_card, edit_candidate_view, reject_candidate_view, thanks_message
from evalbot.slack.views.help import help_message, suites_message
from evalbot.slack.views.home import HomeState, home_view
from evalbot.slack.views.judges import calibration_card, judge_message, judges_message
from evalbot.slack.views.previews import change_preview_view, preview_message, preview_view, waiting_card
from evalbot.slack.views.reviews import (
    better_answer_view,
    full_text_view,
    grade_noted,
    reason_view,
    review_card,
    round_card,
    rubric_view,
)
from evalbot.slack.views.run_details import failures_view, numbers_view
from evalbot.slack.views.runs import RunState, run_card, run_verdict_card, status_message
from evalbot.suites.candidates import Candidate, CandidateStatus
from evalbot.suites.items import Item, ItemId
from evalbot.suites.rubrics import Rubric, RubricExample, Scale, Step
from evalbot.suites.targets import Target
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.browsing import Failing, SuiteLine
from tests.unit.slack.judge_samples import (
    make_calibration,
    make_calibration_preview,
    make_explanation,
    make_judge_explanation,
    make_report,
)
from tests.unit.slack.slack_samples import (
    DEAR_FORECAST,
    DIGEST_LINKS,
    FIRST_FORECAST,
    FORECAST,
    NOW,
    corrected,
    make_approved,
    make_asker,
    make_candidate,
    make_change,
    make_digest,
    make_estimate,
    make_failing,
    make_grade,
    make_home,
    make_item,
    make_judge_grade,
    make_output,
    make_review_state,
    make_round_state,
    make_rubric,
    make_run,
    make_settled_state,
    make_suite_line,
    make_summary,
    unverified,
)

Sent = dict[str, Any]


class Samples:
    """The samples with a text in every place that comes from outside; the empty name leaves them as they are."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def _or(self, usual: str) -> str:
        return usual if self.text is None else self.text

    def run(self, **changes: Any) -> Run:
        """Give the run."""
        labels = ("candidate", "baseline") if self.text is None else (self.text, f"{self.text}2")
        targets = tuple(Target(f"stub:{label}", label) for label in labels)
        names = {"suite": self._or("support-desk"), "started_name": self._or("Dana"), "note": self.text or ""}
        return make_run(**{"targets": targets, **names, **changes})

    def preview(self, forecast: Forecast | None = None, *, waits: bool = False) -> Preview:
        """Give the preview of the run."""
        run = self.run(status=RunStatus.RUNNING, finished_at=None)
        labels = tuple(target.label for target in run.targets)
        request = RunRequest(run.suite, make_asker(), labels, limit=180, channel=run.channel, budget=2_000_000_000)
        shown = forecast or FORECAST
        unknown = shown.unknown and (self._or("candidate"),)
        return Preview("draft1", request, run, replace(shown, unknown=unknown), waits)

    def summary(self) -> RunSummary:
        """Give the summary, with as many skills as a large suite has when the text is foreign."""
        if self.text is None:
            return make_summary()
        names = [OVERALL, *(f"{self.text}{number}" for number in range(40))]
        rows = tuple(ScoreRow(self.text, name, self.text, make_estimate(method=self.text)) for name in names)
        changes = tuple(
            make_change(name, (-1) ** place * 0.1 * (place % 3), target=self.text, against=self.text)
            for place, name in enumerate(names)
        )
        return make_summary(rows=rows, changes=changes, judge=self.text)

    def item(self) -> Item:
        """Give the item."""
        if self.text is None:
            return make_item()
        return make_item(
            id=ItemId(self.text), vars={"question": self.text}, reference=self.text, skill=self.text, level=self.text
        )

    def rubric(self) -> Rubric:
        """Give the rubric."""
        if self.text is None:
            return make_rubric()
        steps = tuple(Step(value, self.text, self.text) for value in range(1, 6))
        examples = (RubricExample(self.text, self.text, 2, self.text),) * 9
        return make_rubric(name=self.text, question=self.text, scale=Scale(steps), examples=examples)

    def review(self, state: ReviewState) -> ReviewState:
        """Give a review state with the samples' texts."""
        judge = make_judge_grade() if self.text is None else make_judge_grade(reason=self.text)
        output = make_output() if self.text is None else make_output(self.text)
        return replace(state, run=self.run(), item=self.item(), output=output, rubric=self.rubric(), judge=judge)

    def round(self, done: int) -> RoundState:
        """Give a round state."""
        thanks = (
            (PersonId("U0LEE"), PersonId("U0KIM")) if self.text is None else (PersonId(self.text), PersonId("U0KIM"))
        )
        state = make_round_state(done, run=self.run(), thanks=thanks)
        return state if self.text is None else replace(state, round=replace(state.round, strategy=self.text))

    def candidate(self, candidate: Candidate) -> Candidate:
        """Give a candidate."""
        if self.text is None:
            return candidate
        text = self.text
        named = replace(candidate, suite=text, author_name=text, decided_name=text, nearest=text)
        return replace(named, item=self.item(), bad_output=text, reason=text, why=text)

    def digest(self) -> Digest:
        """Give the digest."""
        digest = make_digest()
        if self.text is None:
            return digest
        change = make_change(OVERALL, -0.1, target=self.text, against=self.text)
        lines = tuple(SkillLine(self.text, self.text, f"{self.text}{n}", make_estimate(), change) for n in range(40))
        trends = tuple(replace(trend, suite=self.text, target=self.text, skill=self.text) for trend in digest.trends)
        exhibits = tuple(replace(one, title=self.text, kind=self.text) for one in digest.exhibits)
        told = replace(digest, headline=self.text, sentences=(self.text,) * 3, graders=(self.text, "U0LEE"))
        return replace(told, lines=lines, trends=trends, exhibits=exhibits)

    def failing(self) -> Failing:
        """Give a failing output."""
        if self.text is None:
            return make_failing()
        output = make_output(self.text, unit=Unit(self.text, ItemId(self.text), 0))
        return Failing(output, self.text, self.text, self.text)

    def suite(self) -> SuiteLine:
        """Give a suite in a list; its name was checked when it was loaded."""
        return make_suite_line() if self.text is None else make_suite_line(description=self.text, last_run=self.run())

    def home(self) -> HomeState:
        """Give the Home tab's state."""
        home = make_home()
        if self.text is None:
            return home
        runs = tuple(RunState(self.run(), state.progress, self.summary()) for state in home.runs)
        contributions = tuple(self.candidate(one) for one in home.contributions)
        schedules = tuple(replace(one, channel=self.text) for one in home.schedules)
        suites = (self.suite(),) * 30
        address = self.text if len(self.text) < 3_000 else ""
        return replace(
            home, runs=runs, contributions=contributions, schedules=schedules, suites=suites, queue_address=address
        )


RUNNING = {"status": RunStatus.RUNNING, "finished_at": None}
PAUSED = {
    "status": RunStatus.PAUSED,
    "finished_at": None,
    "note": "candidate failed 10 times in a row: The model's server did not accept the API key (401). Check the key.",
}
PROGRESS = Progress(360, 62, 2, 120, 0)


def _contested(samples: Samples) -> Sent:
    """Give the card of a review on which people differ."""
    state = make_settled_state(ReviewStatus.CONTESTED, consensus=Consensus(1, False, 2, 1))
    grades = (make_grade(1), make_grade(4, "U0KIM", blind=False), make_grade(None, "U0DANA"))
    return review_card(samples.review(replace(state, grades=grades)))


def _unanswered(samples: Samples) -> Sent:
    """Give the card of an output that is a failure."""
    state = samples.review(make_review_state())
    failure = Failure("timeout", samples.text if samples.text is not None else "The target did not answer in 30 s.")
    return review_card(replace(state, output=make_output(None, failure=failure)))


def _rejected(samples: Samples) -> Candidate:
    """Give a candidate that was rejected."""
    return samples.candidate(
        make_approved(status=CandidateStatus.REJECTED, why="we have this one", released_version=None)
    )


def _unverified(samples: Samples) -> RunSummary:
    """Give a summary of an unverified judge."""
    if samples.text is None:
        return unverified(samples.summary())
    found = unverified(samples.summary(), samples.text)
    return replace(found, degenerate=(Degenerate(f"{samples.text}2", samples.text, 180),))


VIEWS: dict[str, Callable[[Samples], Sent]] = {
    "run_card": lambda s: run_card(s.run(**RUNNING), PROGRESS, 38.0),
    "preview": lambda s: preview_message(s.preview()),
    "preview_first": lambda s: preview_message(s.preview(FIRST_FORECAST)),
    "preview_waits": lambda s: preview_message(s.preview(DEAR_FORECAST, waits=True)),
    "preview_over_home": lambda s: preview_view(s.preview(DEAR_FORECAST, waits=True)),
    "preview_change": lambda s: change_preview_view(
        "draft1", s.preview().request, s.run(), "https://hooks.slack.com/x"
    ),
    "waiting_card": lambda s: waiting_card(
        s.run(status=RunStatus.WAITING, note=s.text or "It may cost up to $5.20, so it waits for an approver.")
    ),
    "run_card_paused": lambda s: run_card(s.run(**PAUSED), PROGRESS, None),
    "run_card_judging": lambda s: run_card(s.run(**RUNNING), Progress(360, 360, 0, 120, 40), None),
    "run_verdict_card": lambda s: run_verdict_card(s.run(), s.summary(), 12, s.text or "The model is simulated"),
    "run_verdict_card_first": lambda s: run_verdict_card(
        s.run(),
        replace(s.summary(), changes=(), agreement=None, human_outputs=4, cost_usd=None, errors=0),
        0,
    ),
    "run_verdict_card_corrected": lambda s: run_verdict_card(s.run(), corrected(s.summary()), 12),
    "run_verdict_card_unverified": lambda s: run_verdict_card(s.run(), _unverified(s), 12),
    "run_verdict_card_stopped": lambda s: run_verdict_card(
        s.run(status=RunStatus.CANCELLED), replace(s.summary(), rows=(), changes=()), 12
    ),
    "status": lambda s: status_message(
        [RunState(s.run(**RUNNING), PROGRESS), RunState(s.run(number=127), PROGRESS, s.summary())]
    ),
    "status_nothing": lambda s: status_message([]),
    "failures": lambda s: failures_view(s.run(), [s.failing()] * 20, 3),
    "failures_none": lambda s: failures_view(s.run(), []),
    "numbers": lambda s: numbers_view(s.run(), s.summary()),
    "numbers_corrected": lambda s: numbers_view(s.run(), corrected(s.summary())),
    "numbers_unverified": lambda s: numbers_view(s.run(), _unverified(s)),
    "round_card": lambda s: round_card(s.round(3)),
    "round_card_done": lambda s: round_card(s.round(12)),
    "review_card": lambda s: review_card(s.review(make_review_state())),
    "review_card_settled": lambda s: review_card(s.review(make_settled_state())),
    "review_card_contested": _contested,
    "review_card_unanswered": _unanswered,
    "rubric": lambda s: rubric_view(s.rubric()),
    "judge": lambda s: judge_message([make_report(s.text)]),
    "judge_shared": lambda s: judge_message([make_report(s.text, 200, 2)], shared_by="<@U0DANA>"),
    "judge_unmeasured": lambda s: judge_message([make_report(s.text, 4, 1, graded=9)]),
    "judges": lambda s: judges_message([make_report(s.text), make_report(s.text, 4, 1)]),
    "judges_none": lambda s: judges_message([]),
    "calibration_preview": lambda s: calibration_preview(make_calibration_preview(s.text)),
    "calibration_preview_waits": lambda s: calibration_preview(make_calibration_preview(s.text, waits=True)),
    "calibration_waiting": lambda s: waiting_calibration_card(make_calibration(s.text).calibration, "$0.80 to $4.10"),
    "calibration_decided": lambda s: decided_calibration_card([make_calibration(s.text).calibration], "<@U0KIM>"),
    "calibration_card": lambda s: calibration_card(make_calibration(s.text)),
    "calibration_card_plain": lambda s: calibration_card(make_calibration(s.text, examples=0, n=12)),
    "explanation": lambda s: explanation_message(make_explanation(s.text)),
    "explanation_judge": lambda s: explanation_message(make_judge_explanation(s.text), shared_by="<@U0DANA>"),
    "explanation_whole": lambda s: explanation_view(make_explanation(s.text)),
    "explanation_digest": lambda s: explanation_message(
        replace(
            make_explanation(s.text),
            run_id=None,
            digest_id="dig5",
            shown=None,
            said=s.text or "−40 points (−48 to −31)",
        )
    ),
    "arithmetic": lambda s: arithmetic_view([make_explanation(s.text), make_judge_explanation(s.text)]),
    "full_text": lambda s: full_text_view(s.review(make_review_state())),
    "reason": lambda s: reason_view(s.review(make_review_state()), 1),
    "better_answer": lambda s: better_answer_view(s.review(make_review_state())),
    "grade_noted": lambda s: grade_noted(s.review(make_review_state()), 1, changed=True),
    "candidate_card": lambda s: candidate_card(s.candidate(make_candidate())),
    "candidate_card_approved": lambda s: candidate_card(s.candidate(make_approved())),
    "candidate_card_rejected": lambda s: candidate_card(_rejected(s)),
    "candidate_edit": lambda s: edit_candidate_view(s.candidate(make_candidate())),
    "candidate_reject": lambda s: reject_candidate_view(s.candidate(make_candidate())),
    "thanks": lambda s: thanks_message(s.candidate(make_approved())),
    "digest": lambda s: digest_message(s.digest(), DIGEST_LINKS, has_picture=True),
    "digest_numbers": lambda s: digest_numbers_view(s.digest()),
    "home": lambda s: home_view(s.home()),
    "home_empty": lambda s: home_view(HomeState(NOW)),
    "help": lambda s: help_message(),
    "help_run": lambda s: help_message(Verb.RUN),
    "suites": lambda s: suites_message([s.suite()] * 25),
    "suites_none": lambda s: suites_message([]),
    "error": lambda s: error_message(
        UnknownName(s.text if s.text is not None else "There is no suite `suport`.", "Did you mean `support-desk`?"),
        "e-1f",
    ),
    "failure": lambda s: failure_message("e-1f"),
}
"""Name of a view to what makes it from samples."""
