"""Rubrics that a grader writes out as one sentence instead of naming a rubric file."""

from __future__ import annotations

import re

from evalbot.library.project_files import ProjectFiles
from evalbot.library.prompts import digest_of
from evalbot.library.rubrics import usual_judge
from evalbot.suites.rubrics import Rubric, Scale, Step

YES_NO = Scale((Step(1, "No", "The answer does not meet this."), Step(2, "Yes", "The answer meets this.")))


def inline_rubric(question: str, metric: str | None, files: ProjectFiles) -> Rubric:
    """Give a yes-or-no rubric that asks whether an output meets a sentence; the same sentence has the same name."""
    stem = re.sub(r"[^a-z0-9]+", "-", (metric or "meets").lower()).strip("-")[:40] or "meets"
    name = f"{stem}-{digest_of(question)[:8]}"
    return Rubric(name, 1, question.strip(), YES_NO, pass_from=2, judge=usual_judge(files))
