"""The answer bank: for every question of the starter suites several answers of known quality."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz, process

ANSWERS = Path(__file__).parent / "answers"
NEAR_ENOUGH = 90.0  # per cent of equal letters that make a paraphrase
LONGEST_PARAPHRASE = 2000
SHORTEST_QUOTED = 20
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class KnownAnswer:
    """One written answer to a question of a suite; quality is 1 (wrong) to 4 (very good), as its author meant it."""

    text: str
    quality: int
    suite: str = ""


@dataclass(frozen=True)
class KnownQuestion:
    """A question of a starter suite with its written answers; difficulty runs from 0 (first level) to 1 (last level)."""

    suite: str
    item: str
    skill: str
    difficulty: float
    question: str
    answers: tuple[KnownAnswer, ...]

    def nearest(self, quality: int) -> tuple[KnownAnswer, ...]:
        """Give the answers of this quality, or of the nearest one that was written (the lower of two equally near)."""
        found = min({answer.quality for answer in self.answers}, key=lambda have: (abs(have - quality), have))
        return tuple(answer for answer in self.answers if answer.quality == found)


def plain(text: str) -> str:
    """Give the text as it is compared: one space between words, case folded."""
    return " ".join(text.split()).casefold()


class AnswerBank:
    """Every known question and answer, found by their text."""

    def __init__(self, questions: Sequence[KnownQuestion], openings: Sequence[str], closings: Sequence[str]) -> None:
        """openings, closings: phrases of personas around an answer, taken off before an answer is looked up."""
        self.questions = questions
        self._by_text = {plain(question.question): question for question in questions}
        self._answers = {plain(answer.text): answer for question in questions for answer in question.answers}
        self._openings = ["", *(plain(opening) for opening in openings if opening.strip())]
        self._closings = ["", *(plain(closing) for closing in closings if closing.strip())]
        self._by_numbers: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for text in self._by_text:
            self._by_numbers[_numbers(text)].append(text)
        self._find_near = lru_cache(maxsize=4096)(self._search_near)

    def find(self, text: str) -> KnownQuestion | None:
        """Give the question put by this text: the same words, or nearly the same words with the same numbers."""
        wanted = plain(text)
        return self._by_text.get(wanted) or self._find_near(wanted)

    def find_answer(self, text: str) -> KnownAnswer | None:
        """Give the written answer behind a text, or None when it is not from this bank."""
        wanted = plain(text)
        for opening in filter(wanted.startswith, self._openings):
            for closing in filter(wanted.endswith, self._closings):
                inner = wanted[len(opening) : len(wanted) - len(closing)].strip()
                if inner in self._answers:
                    return self._answers[inner]
        return None

    def find_quoted(self, text: str) -> KnownAnswer | None:
        """Give the longest written answer that stands somewhere in a text, or None; answers of a few words are left out."""
        wanted = plain(text)
        inside = [known for known in self._answers if len(known) >= SHORTEST_QUOTED and known in wanted]
        return self._answers[max(inside, key=len)] if inside else None

    def _search_near(self, wanted: str) -> KnownQuestion | None:
        """Search a paraphrase; other numbers make it another question."""
        choices = self._by_numbers.get(_numbers(wanted), []) if len(wanted) < LONGEST_PARAPHRASE else []
        best = process.extractOne(wanted, choices, scorer=fuzz.ratio, score_cutoff=NEAR_ENOUGH)
        return self._by_text[best[0]] if best else None


def _numbers(text: str) -> tuple[str, ...]:
    """Give the numbers of a text in order of their spelling."""
    return tuple(sorted(_NUMBER.findall(text)))


def load_questions(folder: Path = ANSWERS) -> list[KnownQuestion]:
    """Give the questions of every answer file (JSON lines) of a folder, in the order of file names and lines."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines() if line]
    return [_question(json.loads(line)) for line in lines]


def _question(row: dict[str, object]) -> KnownQuestion:
    """Read one line of an answer file."""
    answers = row["answers"]
    assert isinstance(answers, list)
    return KnownQuestion(
        suite=str(row["suite"]),
        item=str(row["id"]),
        skill=str(row["skill"]),
        difficulty=float(str(row["difficulty"])),
        question=str(row["question"]),
        answers=tuple(
            KnownAnswer(str(answer["text"]), int(answer["quality"]), str(row["suite"])) for answer in answers
        ),
    )
