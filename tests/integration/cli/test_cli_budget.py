"""Money on the command line: what a run would take is said first, and a budget ends it with what it bought."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.cli_world import ChatServer, Said

Call = Callable[..., Said]

SUITE = """
name: sums
targets:
  - id: openai:sim
    label: sim
    config: {max_tokens: 10, price: {input: 0, output: 1000}}
run: {max_concurrency: 1}
defaults: {graders: [{type: numeric}]}
items:
"""
"""Each call may cost one cent at most: ten tokens at a tenth of a cent."""


@pytest.fixture
def sums(project: Path) -> Path:
    """A project with a suite of twelve items."""
    items = "".join(f"  - {{id: i{n}, input: 'What is {n} + {42 - n}?', reference: '42'}}\n" for n in range(12))
    (project / "suites").mkdir(exist_ok=True)
    (project / "suites" / "sums.yaml").write_text(SUITE + items)
    return project


def test_a_dry_run_says_what_it_would_take_and_asks_nobody(sums: Path, evalbot: Call, chat: ChatServer) -> None:
    """Items, calls, cost, time, exactness: in words, and as numbers for programs."""
    said = evalbot("run", "sums", "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "sums: 12 items, 12 calls, $0.12, under a minute, exact to ±28 points (n 12), shows changes from 40 points.\n"
    )
    data = evalbot("run", "sums", "--dry-run", "--budget", "0.05", "--json").json
    assert (data["items"], data["calls"], data["cost_usd"], data["budget_left_usd"]) == (12, 12, [0.12, 0.12], 0.05)
    assert (data["half_width"], data["smallest_change"]) == (pytest.approx(0.2829), pytest.approx(0.4044))
    assert chat.asked.total() == 0
    assert evalbot("runs").code == 3


def test_a_budget_ends_a_run_which_is_gone_on_with(sums: Path, evalbot: Call, chat: ChatServer) -> None:
    """The exit code tells a script that the run is not whole; rerun asks the rest and nothing twice."""
    said = evalbot("run", "sums", "--budget", "0.05")
    assert said.code == 2
    assert "Run 1 stopped before its end. The budget of $0.05 is used up: " in said.err
    bought = chat.asked.total()
    assert 5 <= bought < 12
    again = evalbot("rerun", "1", "--budget", "1", "--json")
    assert (again.code, again.counts["outputs"]) == (0, 12)
    assert chat.asked.total() == 12
    assert "has all its answers" in evalbot("rerun", "2").err


def test_a_dear_run_needs_a_yes(sums: Path, evalbot: Call, chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal nobody can be asked: the run is refused unless --yes was given or a small budget."""
    monkeypatch.setenv("EVALBOT_APPROVAL_ABOVE", "0.10")
    said = evalbot("run", "sums")
    assert said.code == 2
    assert (
        "This run would cost $0.12, and above $0.10 somebody must agree. Add --yes, or a smaller --budget." in said.err
    )
    assert chat.asked.total() == 0
    assert evalbot("run", "sums", "--yes").code == 0
    assert evalbot("run", "sums", "--budget", "0.09").code in (0, 2)


@pytest.mark.parametrize("amount", ["nothing", "0", "-1"])
def test_a_budget_that_is_no_amount_is_refused(sums: Path, evalbot: Call, chat: ChatServer, amount: str) -> None:
    """One line says what is wrong, and nothing is asked."""
    said = evalbot("run", "sums", f"--budget={amount}")
    assert (said.code, chat.asked.total()) == (2, 0)
    assert "is not an amount of money" in said.err


def test_a_budget_needs_a_price(sums: Path, evalbot: Call, chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that nobody can price is refused with a budget; EVALBOT_PRICES gives it one."""
    said = evalbot("run", "sums", "--target", "openai:nobody-knows", "--budget", "1")
    assert said.code == 2
    assert "nobody knows what nobody-knows costs. Give openai:nobody-knows a price in evalbot.toml" in said.err
    monkeypatch.setenv("EVALBOT_PRICES", '{"openai:nobody-knows": {"input": 1, "output": 1}}')
    assert evalbot("run", "sums", "--target", "openai:nobody-knows", "--budget", "1").code == 0
