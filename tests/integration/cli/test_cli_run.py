"""`evalbot run` against a local model server whose right and wrong answers are known."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import NormalDist

import pytest

from tests.integration.cli.cli_world import KEY, SHARED, ChatServer, Reply, Said, one_sentence, write_problems

Call = Callable[..., Said]

WRITINGS = (
    "A: {n}",
    "The answer is {n}.",
    "So the total comes to **{n}**.",
    "Adding up gives \\boxed{{{n}}}",
    "First 3 of 7, then 12.\n#### {n}",
    "It is ${n}",
    "= {n}.00",
    "12 + 30 and so on, hence {n} litres",
)
"""Ways to write a right number, in which the number stands last."""


def number_of(answer: str) -> str:
    """Give the number behind the last `A:` of a reference."""
    return answer.rpartition("A:")[2].strip().replace(",", "")


def grouped(number: str) -> str:
    """Write a whole number of thousands with commas."""
    return f"{int(number):,}" if number.lstrip("-").isdigit() else number


def known_answers(rows: list[tuple[str, str]]) -> dict[str, Reply]:
    """Give a reply for each question: of ten, six are right, two wrong, one refused for good (400) and one broken (500)."""
    replies: dict[str, Reply] = {}
    for place, (question, answer) in enumerate(rows):
        number = number_of(answer)
        match place % 10:
            case 0:
                replies[question] = Reply(f"{number} is a trap; I say {float(number) + 1:g}")
            case 1:
                replies[question] = Reply("I cannot work that out.")
            case 2:
                replies[question] = Reply(status=400)
            case 3:
                replies[question] = Reply(status=500)
            case _:
                writing = WRITINGS[place // 10 % len(WRITINGS)]
                whole = "." not in number
                replies[question] = Reply(writing.format(n=grouped(number) if whole else number.rstrip("0") or "0"))
    return replies


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Give the bounds of the 95 % score interval from its quadratic equation."""
    z, p = NormalDist().inv_cdf(0.975), successes / n
    root = z * math.sqrt(z * z + 4 * n * p * (1 - p))
    return (2 * n * p + z * z - root) / (2 * (n + z * z)), (2 * n * p + z * z + root) / (2 * (n + z * z))


def imported(evalbot: Call, file: Path | str, suite: str) -> None:
    """Import a file of word problems."""
    said = evalbot("import", file, "--map", "question=vars.question,answer=reference", "--suite", suite)
    assert said.code == 0, said.err


def answer_from(replies: Mapping[str, Reply]) -> Callable[[str], Reply]:
    """Give the script that looks a question up."""
    return lambda question: replies[question]


def check_report(said: Said, suite: str, replies: Mapping[str, Reply], right: int) -> None:
    """Compare a report with what the server is known to have answered."""
    errors = sum(reply.status != 200 for reply in replies.values())
    report = said.json
    assert {name: report[name] for name in ("run", "suite", "version", "status")} == {
        "run": 1,
        "suite": suite,
        "version": 1,
        "status": "done",
    }
    assert said.counts == {"items": len(replies), "outputs": len(replies), "errors": errors, "ungraded": 0}
    (row,) = report["estimates"]
    n = len(replies) - errors
    assert (row["target"], row["skill"], row["graded_by"], row["n"]) == ("anything", "overall", "check", n)
    assert row["score"] == pytest.approx(right / n, abs=1e-12)
    assert (row["lower"], row["upper"]) == pytest.approx(wilson(right, n), abs=1e-9)
    assert row["interval"] == "Wilson score"


def run_of_known_answers(evalbot: Call, chat: ChatServer, file: Path, suite: str, rows: list[tuple[str, str]]) -> None:
    """Import a file, run it, and compare everything that is reported."""
    replies = known_answers(rows)
    chat.script = answer_from(replies)
    imported(evalbot, file, suite)
    said = evalbot("run", suite, "--target", "openai:anything", "--concurrency", "50", "--json")
    assert (said.code, said.err.count("\n")) == (0, 1), "one line: what the run would take"
    assert said.out.count("\n") == 1
    right = sum(place % 10 >= 4 for place in range(len(rows)))
    check_report(said, suite, replies, right)
    assert KEY not in said.out + said.err
    for question, reply in replies.items():
        assert chat.asked[question] == (3 if reply.status == 500 else 1), "only what may get better is asked again"
    assert chat.most_in_flight <= 50


def test_scores_of_known_answers_are_exact(evalbot: Call, chat: ChatServer, project: Path) -> None:
    """Counts, score and Wilson bounds are those of what the server answered; failures stand apart from wrong answers."""
    rows = write_problems(project / "problems.jsonl", 60)
    run_of_known_answers(evalbot, chat, project / "problems.jsonl", "sums", rows)


def test_scores_of_public_word_problems_are_exact(evalbot: Call, chat: ChatServer, project: Path) -> None:
    """The same holds for the 673 problems of the shared data set."""
    source = SHARED / "data" / "gsm8k_qa.jsonl"
    if not source.is_file():
        pytest.skip("THE FILE shared/data/gsm8k_qa.jsonl BESIDE THE CHECKOUT IS MISSING: its run was not tested")
    found = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    rows = [(row["question"], row["answer"]) for row in found]
    run_of_known_answers(evalbot, chat, source, "gsm8k", rows)


@pytest.fixture
def sums(evalbot: Call, chat: ChatServer, project: Path) -> list[tuple[str, str]]:
    """A suite `sums` of twelve word problems."""
    rows = write_problems(project / "problems.jsonl", 12)
    imported(evalbot, "problems.jsonl", "sums")
    return rows


def test_every_call_failing_is_an_exit_code_of_its_own(
    evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]
) -> None:
    """When nothing could be asked the exit code is 4 with one sentence; no answer counts as wrong."""
    chat.script = lambda question: Reply(status=401)
    said = evalbot("run", "sums", "--target", "openai:anything", "-n", "5", "--quiet", "--json")
    assert said.code == 4
    assert said.counts == {"items": 5, "outputs": 5, "errors": 5, "ungraded": 0}
    assert said.json["estimates"] == []
    assert one_sentence(said.err), said.err
    assert KEY not in said.out + said.err


def test_a_target_that_is_down_pauses_the_run(evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]) -> None:
    """After ten failures in a row the run stops with exit code 4 and what to do; the same command goes on with all of it."""
    chat.script = lambda question: Reply(status=401)
    command = ("run", "sums", "--target", "openai:anything", "--quiet", "--json")
    said = evalbot(*command)
    assert (said.code, said.out) == (4, "")
    assert said.err == (
        "evalbot: Run 1 is paused: anything failed 10 times in a row: The model's server did not accept the API key (401). "
        "Check the key and what it may do. The same command goes on with it.\n"
    )
    chat.script = answer_from({question: Reply(answer) for question, answer in sums})
    again = evalbot(*command)
    assert (again.code, again.json["run"]) == (0, 1)
    assert again.counts == {"items": 12, "outputs": 12, "errors": 0, "ungraded": 0}


def test_answers_are_used_again_where_wanted(evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]) -> None:
    """With --cache what was answered before is not asked again; the second run costs nothing and says what it used."""
    chat.script = answer_from({question: Reply(answer) for question, answer in sums})
    first = evalbot("run", "sums", "-t", "openai:anything", "-n", "5", "--cache", "--json")
    second = evalbot("run", "sums", "-t", "openai:anything", "--cache", "--json")
    assert "0 of 5 answers came from the cache.\n" in first.err
    assert "5 of 12 answers came from the cache.\n" in second.err
    assert sorted(chat.asked.values()) == [1] * 12
    assert second.counts == {"items": 12, "outputs": 12, "errors": 0, "ungraded": 0}


def test_people_get_a_table(evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]) -> None:
    """Without --json the result is a table with interval and n on standard output."""
    chat.script = answer_from({question: Reply(answer) for question, answer in sums})
    said = evalbot("run", "sums", "-t", "openai:anything")
    assert said.code == 0
    assert "Run 1: sums version 1, done" in said.out
    assert "100.0%" in said.out
    assert "12 outputs of 12 items" in said.out


def test_limit_and_repeat(evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]) -> None:
    """A limited run asks a fixed choice of items, each as often as wanted; n counts items."""
    chat.script = answer_from({question: Reply(answer) for question, answer in sums})
    said = evalbot("run", "sums", "-t", "openai:anything", "-n", "5", "--repeat", "3", "--json")
    assert (said.json["counts"]["items"], said.json["counts"]["outputs"]) == (5, 15)
    assert said.json["estimates"][0]["n"] == 5
    assert sorted(chat.asked.values()) == [3] * 5
    first = set(chat.asked)
    evalbot("run", "sums", "-t", "openai:other", "-n", "5", "--json")
    assert set(chat.asked) == first, "two limited runs ask the same items"


def test_holdout_items_are_asked_on_demand_only(evalbot: Call, chat: ChatServer, project: Path) -> None:
    """Items that are kept back are asked with --holdout alone."""
    items = [f"  - {{id: i{n}, input: 'Say {n}', reference: '{n}', split: {'holdout' if n % 3 == 0 else 'practice'}}}"
             for n in range(9)]  # fmt: skip
    text = "name: kept\ndefaults: {graders: [{type: contains}]}\nitems:\n" + "\n".join(items) + "\n"
    (project / "suites" / "kept.yaml").write_text(text)
    without = evalbot("run", "kept", "-t", "openai:anything", "--json")
    assert without.json["counts"]["items"] == 6
    assert not {"Say 0", "Say 3", "Say 6"} & set(chat.asked)
    whole = evalbot("run", "kept", "-t", "openai:anything", "--holdout", "--json")
    assert whole.json["counts"]["items"] == 9


def test_two_targets_are_reported_side_by_side(evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]) -> None:
    """Each target has its own estimate; the second run of a target is compared with its first."""
    chat.script = answer_from({question: Reply(answer) for question, answer in sums})
    said = evalbot("run", "sums", "-t", "openai:one", "-t", "openai:two", "--json")
    assert [row["target"] for row in said.json["estimates"]] == ["one", "two"]
    chat.script = lambda question: Reply(f"no idea: {question[:20]}")
    (change,) = evalbot("run", "sums", "-t", "openai:one", "--json").json["changes"]
    assert (change["against"], change["difference"], change["n"]) == ("run 1", -1.0, 12)


def test_one_answer_to_everything_is_not_scored(evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]]) -> None:
    """A target that says the same to every question is named, and has neither a score nor a change."""
    chat.script = answer_from({question: Reply(answer) for question, answer in sums})
    evalbot("run", "sums", "-t", "openai:one", "--json")
    chat.script = lambda question: Reply("no idea")
    said = evalbot("run", "sums", "-t", "openai:one", "--json").json
    assert (said["estimates"], said["changes"]) == ([], [])
    assert said["degenerate"] == [{"target": "one", "items": 12, "scored": False}]
    assert "one answer to all of 12 items" in evalbot("show", "2").out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("run smus -t openai:x", "Did you mean sums"),
        ("run sums", "names no target"),
        ("run sums -t nothing", "provider:model"),
        ("run sums -t opnai:x", "Did you mean `openai`"),
        ("run sums -t openai:", "names no model"),
        ("run sums -t anthropic:x", "pip install"),
        ("run sums -t openai:x --limit 0", "1 or more"),
        ("run sums -t openai:x --repeat 0", "1 to 50"),
        ("run sums -t openai:x --concurrency 501", "1 to 500"),
    ],
)
def test_runs_that_cannot_be_are_refused_before_any_call(
    evalbot: Call, chat: ChatServer, sums: list[tuple[str, str]], words: str, named: str
) -> None:
    """What cannot be run is refused in one sentence that names the nearest thing; nothing is asked and no run is kept."""
    said = evalbot(*words.split())
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert named in said.err
    assert chat.calls == 0
    assert kept_runs() == 0


def kept_runs() -> int:
    """Count the runs in the database of the working folder."""
    with sqlite3.connect("evalbot.db") as database:
        found: int = database.execute("SELECT count(*) FROM runs").fetchone()[0]
    database.close()
    return found


def test_a_missing_key_is_told_before_any_call(evalbot: Call, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key and without an address of one's own an openai: target is refused."""
    write_problems(project / "problems.jsonl", 2)
    imported(evalbot, "problems.jsonl", "sums")
    said = evalbot("run", "sums", "-t", "openai:gpt-4.1-mini")
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert "OPENAI_API_KEY" in said.err


def test_a_broken_suite_hides_no_other(evalbot: Call, chat: ChatServer, project: Path, sums: object) -> None:
    """A file that is refused is a warning on standard error; the other suites run."""
    (project / "suites" / "broken.yaml").write_text("name: broken\nitmes: []\n")
    said = evalbot("run", "sums", "-t", "openai:x", "--json")
    assert said.code == 0
    assert "suites/broken.yaml:2" in said.err
    assert said.json["status"] == "done"


def test_an_item_that_cannot_be_asked_fails_the_run(evalbot: Call, chat: ChatServer, project: Path) -> None:
    """A prompt that needs a variable which an item lacks ends the run as failed, in one sentence and without a traceback."""
    text = (
        "name: holes\nprompts: ['{{ question }} for {{ name }}']\ndefaults: {graders: [{type: contains}]}\nitems:\n"
        "  - {id: a, vars: {question: Hello, name: Ann}, reference: x}\n  - {id: b, vars: {question: Hello}, reference: x}\n"
    )
    (project / "suites" / "holes.yaml").write_text(text)
    said = evalbot("run", "holes", "-t", "openai:x", "--json", "--quiet")
    assert said.code == 2
    assert one_sentence(said.err), said.err
    assert "name" in said.err
