"""Graders of a suite file with the rubrics and prompts that come with evalbot."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalbot.errors import BadFile
from evalbot.grading.judge_prompts import Material, fill_judge_prompt, verdict_schema
from evalbot.library.project import Project, load_suite
from evalbot.library.rubrics import load_rubric
from evalbot.library.written_form import item_lines, judge_text, rubric_text, suite_text
from evalbot.suites.graders import JUDGED, GraderSpec, GraderType
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target
from tests.integration.library.library_files import RUBRIC, make_project

ROOT = Path(__file__).parents[3]
MARK = "k3v9x2q7"
EVERY_KIND = """
name: desk
targets: [openai:a, {id: openai:b, label: b, config: {api: responses}}]
defaults:
  metadata: {team: support}
  graders:
    - {type: latency, threshold: 2500ms}
    - {type: not-is-refusal}
items:
  - id: whole
    vars: {question: Q?, context: [One., Two.]}
    reference: R
    metadata: {kind: all}
    graders:
      - {type: is-json}
      - {type: levenshtein, threshold: 3}
      - {type: fuzzy, mode: f1, threshold: 0.6, ignore_case: true}
      - {type: similar, threshold: 0.8, target: {id: openai:text-embedding-3-large, config: {max_concurrency: 2}}}
      - {type: model-graded-closedqa, value: Names the form}
      - {type: factuality, value: The truth}
      - {type: context-faithfulness, threshold: 0.6}
      - {type: answer-relevance, target: anthropic:judge}
      - {type: context-recall}
      - {type: toxicity, weight: 2}
      - {type: pairwise}
      - {type: select-best, value: Which is shorter?, against: b}
      - {type: tool-calls, value: [{name: f, arguments: {a: 1}}], mode: exact}
      - {type: cost, threshold: $0.01}
      - {type: word-count, value: {min: 2}}
      - {type: "python:checks.tone:polite", value: {limit: 3}}
      - {type: assert-set, threshold: 0.5, metric: form, assert: [{type: contains, value: a}, {type: not-regex, value: b}]}
      - {type: human, rubric: good}
      - {type: llm-rubric, value: Is kind, threshold: 0.8}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A suite with a grader of every kind, in a project that has evalbot's own files behind it."""
    make_project(tmp_path, {"suites/desk.yaml": EVERY_KIND, "rubrics/good.yaml": RUBRIC})
    return load_suite(tmp_path / "suites" / "desk.yaml", Project(tmp_path, ROOT))


def grader(suite: Suite, kind: str) -> GraderSpec:
    """Give the item's grader of a kind."""
    return next(one for one in suite.items[0].graders if one.type == kind)


def test_every_kind_of_grader_can_be_named(suite: Suite) -> None:
    """Each arrives with what it was told; each that a judge carries out has a rubric with a prompt."""
    kinds = {spec.type for spec in (*suite.graders, *suite.items[0].graders)}
    words = {"equals", "contains", "icontains", "contains-any", "contains-all", "starts-with"}
    assert frozenset(GraderType) - kinds == words | {"regex", "numeric", "json-schema", "choice"}
    assert [spec.threshold for spec in suite.graders] == [2.5, None]
    assert grader(suite, "similar").target == Target(
        "openai:text-embedding-3-large", "text-embedding-3-large", {"max_concurrency": 2}
    )
    assert grader(suite, "python").function == "checks.tone:polite"
    assert grader(suite, "rubric").threshold == pytest.approx(1.8)
    assert grader(suite, "assert-set").graders[1] == GraderSpec(GraderType.REGEX, "b", negate=True)
    assert suite.items[0].metadata == {"team": "support", "kind": "all"}
    for spec in suite.items[0].graders:
        if spec.type in JUDGED:
            rubric = suite.rubrics[spec.rubric or ""]
            assert rubric.judge is not None
            assert rubric.judge.name == ("rubric" if spec.type is GraderType.RUBRIC else spec.type)


def test_what_the_judge_is_asked_is_part_of_its_rubric(suite: Suite) -> None:
    """A criterion makes a rubric of its own name; a kind without one has the name of the kind."""
    closed, best = grader(suite, "closedqa"), next(one for one in suite.items[0].graders if one.against)
    assert suite.rubrics[closed.rubric or ""].question == "Names the form"
    assert suite.rubrics[best.rubric or ""].question == "Which is shorter?"
    assert (closed.value, best.value) == (None, None)
    assert grader(suite, "factuality").rubric == grader(suite, "factuality").criterion == "factuality"
    assert grader(suite, "factuality").value == "The truth"


def test_a_suite_with_every_kind_is_written_and_read_back(suite: Suite, tmp_path: Path) -> None:
    """Nothing of a grader is lost on the way into files."""
    files = {"suites/desk.yaml": suite_text(suite, "file://items.jsonl"), "suites/items.jsonl": item_lines(suite.items)}
    for rubric in suite.rubrics.values():
        judge = f"prompts/judge/{rubric.judge.name}.md" if rubric.judge else None
        files[f"rubrics/{rubric.name}.yaml"] = rubric_text(rubric, f"file://{judge}" if judge else None)
        if rubric.judge and judge:
            files[judge] = judge_text(rubric.judge)
    folder = tmp_path / "again"
    make_project(folder, files)
    assert load_suite(folder / "suites" / "desk.yaml", Project(folder)) == suite


def test_a_project_may_have_its_own_rubric_for_a_kind(tmp_path: Path) -> None:
    """A rubric called like the kind goes before the one that comes with evalbot, and any rubric can be named."""
    text = """
    name: desk
    items:
      - {input: q, graders: [{type: toxicity}, {type: answer-relevance, rubric: good}]}
    """
    own = RUBRIC.replace("name: good", "name: toxicity")
    make_project(tmp_path, {"suites/desk.yaml": text, "rubrics/toxicity.yaml": own, "rubrics/good.yaml": RUBRIC})
    suite = load_suite(tmp_path / "suites" / "desk.yaml", Project(tmp_path, ROOT))
    assert {name: rubric.question for name, rubric in suite.rubrics.items()} == {
        "toxicity": "Is it good?",
        "good": "Is it good?",
    }


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ("{type: factuality}", "its check `factuality` has nothing to compare with"),
        ("{type: pairwise}", "its check `pairwise` has nothing to compare with"),
        ("{type: fuzzy}", "its check `fuzzy` has nothing to compare with"),
        ("{type: assert-set, assert: [{type: equals}]}", "its check `equals` has nothing to compare with"),
        ("{type: assert-set, assert: [{type: regex, value: '('}]}", "assert[0].value`: is not a regular expression"),
        ("{type: is-json, value: {type: 5}}", "is not a valid JSON Schema"),
        ("{type: similar, value: x, target: 'openai: x'}", "graders[0].target`: must be written `provider:model`"),
        ("{type: pairwise, value: x, against: nobody}", "against`: no target is called this"),
    ],
)
def test_what_cannot_work_is_refused_when_loading(tmp_path: Path, grader: str, said: str) -> None:
    """A grader that could only fail later is told with its place."""
    text = f"name: desk\ntargets: [echo]\nitems:\n  - {{id: a, input: q, graders: [{grader}]}}\n"
    make_project(tmp_path, {"suites/desk.yaml": text})
    with pytest.raises(BadFile) as caught:
        load_suite(tmp_path / "suites" / "desk.yaml", Project(tmp_path, ROOT))
    assert said in str(caught.value)
    assert str(caught.value).startswith("suites/desk.yaml:4: ")


KINDS = sorted(ROOT.glob("rubrics/kinds/*.yaml"))


@pytest.mark.parametrize("path", KINDS, ids=lambda path: str(path.stem))
def test_the_shipped_rubrics_of_kinds_can_be_judged_with(path: Path) -> None:
    """Each prompt can be filled, frames all it is shown with the mark, and names the scale it is to answer with."""
    rubric = load_rubric(path, Project(ROOT).files)
    assert (rubric.name, rubric.judge and rubric.judge.name) == (path.stem, path.stem)
    material = Material("the task", "the answer", ("the reference",), "the context", "the rival")
    system, user = fill_judge_prompt(rubric, material, MARK)
    assert (system.role, user.role) == ("system", "user")
    assert rubric.question in system.content
    for step in rubric.scale.steps:
        assert f"{step.value} = {step.label}: {step.anchor}" in system.content
    shown = [part for part in ("task", "answer", "reference", "context", "rival") if f"the {part}" in user.content]
    for part in shown:
        assert f" {MARK}\nthe {part}\nEND " in user.content
    assert "task" in shown
    assert user.content.count(MARK) == 2 * len(shown)
    assert verdict_schema(rubric)["properties"]["grade"]["enum"] == [step.value for step in rubric.scale.steps]


def test_every_judged_kind_has_its_rubric() -> None:
    """No kind is without; `rubric` itself is what a suite writes."""
    assert {path.stem for path in KINDS} == {kind.value for kind in JUDGED - {GraderType.RUBRIC}}


def test_prompts_are_put_to_every_target(tmp_path: Path) -> None:
    """Two prompts and two targets are four targets; the baseline is the pair with the first prompt."""
    text = """
    name: desk
    prompts:
      - {id: "file://prompts/short.txt", label: short}
      - {name: long, messages: [{role: user, content: "At length: {{ question }}"}]}
    targets: [echo, {id: "openai:m", label: m, prompt: long}]
    baseline: echo
    items: [{input: q}]
    """
    make_project(tmp_path, {"suites/desk.yaml": text, "prompts/short.txt": "Briefly: {{ question }}"})
    suite = load_suite(tmp_path / "suites" / "desk.yaml", Project(tmp_path))
    assert [target.label for target in suite.targets] == ["echo (short)", "echo (long)", "m"]
    assert [target.prompt for target in suite.targets] == ["short", "long", "long"]
    assert suite.baseline == "echo (short)"
    files = {"suites/desk.yaml": suite_text(suite, "file://i.jsonl"), "suites/i.jsonl": item_lines(suite.items)}
    make_project(tmp_path / "again", files)
    again = load_suite(tmp_path / "again" / "suites" / "desk.yaml", Project(tmp_path / "again"))
    assert (again.targets, again.prompts) == (suite.targets, suite.prompts)
    make_project(tmp_path, {"suites/desk.yaml": text.replace("prompt: long", "prompt: lang")})
    with pytest.raises(BadFile, match="no prompt is called this; did you mean `long`"):
        load_suite(tmp_path / "suites" / "desk.yaml", Project(tmp_path))
