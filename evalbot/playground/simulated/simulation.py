"""The state of the simulated model server: who answers what in which week, and what it was asked so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from evalbot.playground.simulated.bank import AnswerBank, load_questions
from evalbot.playground.simulated.fallback import fallback_answer
from evalbot.playground.simulated.faults import Fault, FaultPlan
from evalbot.playground.simulated.judge import read_judge_prompt, verdict
from evalbot.playground.simulated.personas import WEEKS, Cast, load_personas

JUDGE = "sim-judge"
JUDGE_DESCRIPTION = (
    "Simulated judge of the playground: grades the answers of its prepared bank by rubric, "
    "well for support-desk, far too kindly for straight-answers."
)
NOT_A_JUDGE_PROMPT = "Simulated judge: this text is not a rubric prompt with a framed answer, so there is no grade."
SETTINGS = ("weeks_ago", "latency_ms", "script", "faults", "fault_models", "fault_limit", "retry_after_s", "reset")


class SimulationError(ValueError):
    """A setting of the simulation cannot be used; the message says which and what is allowed."""


class Simulation:
    """All simulated models together with what tests and the demo may set."""

    def __init__(self, latency_ms: float = 15.0, weeks_ago: int = 0) -> None:
        """Load the answer bank and the personas."""
        personas = load_personas()
        voices = [voice for persona in personas for voice in persona.voices.values()]
        self.bank = AnswerBank(
            load_questions(),
            sorted({opening for voice in voices for opening in voice.openings}),
            sorted({closing for voice in voices for closing in voice.closings}),
        )
        self.cast = Cast(personas, self.bank.questions)
        self.models = {persona.name: persona.description for persona in personas} | {JUDGE: JUDGE_DESCRIPTION}
        self.latency_ms = latency_ms
        self.weeks_ago = weeks_ago
        self.script: dict[str, Any] = {}
        self.faults = FaultPlan()
        self.requests: Counter[str] = Counter()
        self._asked: Counter[tuple[str, str, int]] = Counter()

    def answer(self, model: str, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        """Give a model's answer to a conversation: scripted, judged, from the bank, or the open fallback."""
        texts = [content_text(message.get("content")) for message in messages]
        scripted = self._scripted(model, texts)
        if scripted is not None:
            return scripted
        if model == JUDGE:
            task = read_judge_prompt("\n".join(texts))
            return verdict(task, self.bank) if task else NOT_A_JUDGE_PROMPT
        asked = next((text for text, m in zip(texts[::-1], messages[::-1], strict=True) if m.get("role") == "user"), "")
        question = self.bank.find(asked)
        if question is None:
            return fallback_answer(model, asked)
        return self.cast.answer(model, question, self.weeks_ago, self._repeat(model, question.item, body))

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Change settings; raises SimulationError and changes nothing when one cannot be used."""
        for name in changes:
            if name not in SETTINGS:
                near = get_close_matches(name, SETTINGS, n=1)
                raise SimulationError(
                    f"Unknown setting {name!r}; did you mean {near[0] if near else ', '.join(SETTINGS)}?"
                )
        weeks_ago = changes.get("weeks_ago", self.weeks_ago)
        if isinstance(weeks_ago, bool) or not isinstance(weeks_ago, int) or not 0 <= weeks_ago < WEEKS:
            raise SimulationError(f"weeks_ago must be a whole number from 0 (now) to {WEEKS - 1}.")
        latency_ms = _at_least_zero("latency_ms", changes.get("latency_ms", self.latency_ms))
        faults = self._planned(changes)
        script = changes.get("script", self.script)
        if not isinstance(script, dict):
            raise SimulationError("script must be an object of prompt substrings and answers.")
        if changes.get("reset"):
            self.requests.clear()
            self._asked.clear()
            faults = faults if "faults" in changes else FaultPlan()
            script = changes.get("script", {})
        self.weeks_ago, self.latency_ms, self.faults, self.script = weeks_ago, latency_ms, faults, script

    def state(self) -> dict[str, Any]:
        """Give the settings and the counts of requests and faults."""
        return {
            "simulated": True,
            "weeks_ago": self.weeks_ago,
            "latency_ms": self.latency_ms,
            "faults": {fault.value: rate for fault, rate in self.faults.rates.items()},
            "faults_met": dict(self.faults.met),
            "fault_models": sorted(self.faults.models),
            "fault_limit": self.faults.limit,
            "retry_after_s": self.faults.retry_after_s,
            "script": self.script,
            "requests": dict(self.requests),
            "models": self.models,
        }

    def quality(self, text: str) -> dict[str, Any]:
        """Give the quality an answer was written with; an unknown answer counts as 1 and says that it is unknown."""
        known = self.bank.find_answer(text)
        return {"level": known.quality if known else 1, "known": known is not None, "simulated": True}

    def _scripted(self, model: str, texts: Sequence[str]) -> str | None:
        """Give the scripted answer of the longest substring found; plain lines are for all models but the judge."""
        if not self.script:
            return None
        lines = {key: value for key, value in self.script.items() if isinstance(value, str) and model != JUDGE}
        own = self.script.get(model)
        lines |= own if isinstance(own, dict) else {}
        prompt = "\n".join(texts)
        found = [key for key in lines if key in prompt]
        return str(lines[max(found, key=len)]) if found else None

    def _repeat(self, model: str, item: str, body: Mapping[str, Any]) -> int:
        """Give the repeat: the seed if one was sent, 0 at temperature 0, else how often this was asked before."""
        seed = body.get("seed")
        if isinstance(seed, int):
            return seed
        if body.get("temperature") == 0:
            return 0
        key = (model, item, self.weeks_ago)
        self._asked[key] += 1
        return self._asked[key] - 1

    def _planned(self, changes: Mapping[str, Any]) -> FaultPlan:
        """Give the fault plan after the changes; a new plan starts counting anew."""
        if not changes.keys() & {"faults", "fault_models", "fault_limit", "retry_after_s"}:
            return self.faults
        rates = changes.get("faults", self.faults.rates)
        if not isinstance(rates, Mapping) or not rates.keys() <= {fault.value for fault in Fault}:
            raise SimulationError(f"faults must be an object of rates by name; names: {', '.join(Fault)}.")
        shares = {Fault(name): _at_least_zero(name, rate) for name, rate in rates.items()}
        if sum(shares.values()) > 1:
            raise SimulationError("The rates of all faults together must not be above 1.")
        models, limit = changes.get("fault_models", []), changes.get("fault_limit")
        if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
            raise SimulationError("fault_models must be a list of models.")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
            raise SimulationError("fault_limit must be a whole number, or null for no limit.")
        return FaultPlan(
            rates=shares,
            models=frozenset(models),
            limit=limit,
            retry_after_s=_at_least_zero("retry_after_s", changes.get("retry_after_s", self.faults.retry_after_s)),
        )


def content_text(content: object) -> str:
    """Give the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _at_least_zero(name: str, value: object) -> float:
    """Give a number that is not negative, or raise SimulationError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SimulationError(f"{name} must be a number of at least 0.")
    return float(value)
