"""The simulated models as personas: how good each is at what, how that drifts over twelve weeks, and how it talks."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist

from evalbot.playground.simulated.bank import KnownQuestion

PERSONAS = Path(__file__).parent / "personas.json"
WEEKS = 12

SHARED = 0.6  # share of an item's difficulty that all personas have in common; the rest is the persona's own
WEEKLY = 0.05  # share of variance that is new every week
REPEATED = 0.04  # share of variance that is new in every repeat
STEP_LOGIT = 1.3  # how much harder (in log-odds) the last level of a skill is than the first
GREAT_WHEN_PASSED = 0.6
PARTIAL_WHEN_FAILED = 0.65

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Voice:
    """What a persona says before and after its answers in some skills; empty strings mean that it says nothing."""

    openings: tuple[str, ...]
    closings: tuple[str, ...]


@dataclass(frozen=True)
class Persona:
    """A simulated model. passes: by skill, the chance of a good answer by week (index: weeks ago); voices: by skill."""

    name: str
    description: str
    otherwise: float
    passes: Mapping[str, tuple[float, ...]]
    voices: Mapping[str, Voice]

    def chance(self, question: KnownQuestion, weeks_ago: int) -> float:
        """Give the chance that this persona answers well in that week: its skill, less on harder levels."""
        by_week = self.passes.get(question.skill)
        level = by_week[min(weeks_ago, WEEKS - 1)] if by_week else self.otherwise
        logit = math.log(level / (1 - level)) + STEP_LOGIT * (0.5 - question.difficulty)
        return 1 / (1 + math.exp(-logit))


def uniform(*parts: object) -> float:
    """Give a number in (0, 1) that depends on the parts alone."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=7).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**56


class Cast:
    """All personas with the bank's questions ranked by how hard each finds them."""

    def __init__(self, personas: Sequence[Persona], questions: Sequence[KnownQuestion]) -> None:
        """Ranks are spread evenly within a skill, so a persona's pass rate is near its chance even with few items."""
        self.personas = {persona.name: persona for persona in personas}
        self._latent = {
            (persona.name, item): latent for persona in personas for item, latent in _ranked(persona.name, questions)
        }

    def answer(self, model: str, question: KnownQuestion, weeks_ago: int, repeat: int) -> str:
        """Give what this simulated model answers to a known question; the same arguments give the same text."""
        persona = self.personas[model]
        quality = self.quality(model, question, weeks_ago, repeat)
        written = question.nearest(quality)
        text = _pick([answer.text for answer in written], model, question.item, repeat)
        voice = persona.voices.get(question.skill)
        if voice is None or quality < 2:
            return text
        opening = _pick(voice.openings, "opening", model, question.item, repeat)
        closing = _pick(voice.closings, "closing", model, question.item, repeat)
        return " ".join(part for part in (opening, text, closing) if part)

    def quality(self, model: str, question: KnownQuestion, weeks_ago: int, repeat: int) -> int:
        """Give the intended quality, 1 to 4: a lasting difficulty with a little noise per week and per repeat."""
        lasting = self._latent[model, question.item] * math.sqrt(1 - WEEKLY - REPEATED)
        week = _NORMAL.inv_cdf(uniform("week", model, question.item, weeks_ago)) * math.sqrt(WEEKLY)
        again = _NORMAL.inv_cdf(uniform("repeat", model, question.item, weeks_ago, repeat)) * math.sqrt(REPEATED)
        hardship = _NORMAL.cdf(lasting + week + again)
        passed = self.personas[model].chance(question, weeks_ago)
        if hardship < passed:
            return 4 if hardship < passed * GREAT_WHEN_PASSED else 3
        return 2 if hardship < passed + (1 - passed) * PARTIAL_WHEN_FAILED else 1


def load_personas(path: Path = PERSONAS) -> list[Persona]:
    """Give the personas of the data file."""
    return [_persona(name, row) for name, row in json.loads(path.read_text("utf-8")).items()]


def _persona(name: str, row: Mapping[str, object]) -> Persona:
    """Read one persona; a single chance counts for every week."""
    passes, voices = row["passes"], row["voices"]
    assert isinstance(passes, dict)
    assert isinstance(voices, list)
    return Persona(
        name=name,
        description=str(row["description"]),
        otherwise=float(str(row["otherwise"])),
        passes={skill: tuple(p) if isinstance(p, list) else (p,) * WEEKS for skill, p in passes.items()},
        voices={skill: Voice(tuple(v["openings"]), tuple(v["closings"])) for v in voices for skill in v["skills"]},
    )


def _ranked(model: str, questions: Sequence[KnownQuestion]) -> list[tuple[str, float]]:
    """Give each item's lasting hardship for a model as a normal score of its rank within the skill."""
    by_skill: dict[str, list[KnownQuestion]] = defaultdict(list)
    for question in questions:
        by_skill[question.skill].append(question)
    ranked: list[tuple[str, float]] = []
    for members in by_skill.values():
        members.sort(key=lambda question: _hardship(model, question.item))
        ranked += [
            (question.item, _NORMAL.inv_cdf((place + 0.5) / len(members))) for place, question in enumerate(members)
        ]
    return ranked


def _hardship(model: str, item: str) -> float:
    """Mix what is hard for everybody with what is hard for this model."""
    everybody = _NORMAL.inv_cdf(uniform("item", item))
    own = _NORMAL.inv_cdf(uniform("own", model, item))
    return math.sqrt(SHARED) * everybody + math.sqrt(1 - SHARED) * own


def _pick(options: Sequence[str], *parts: object) -> str:
    """Choose one option by the parts alone."""
    return options[int(uniform("pick", *parts) * len(options))]
