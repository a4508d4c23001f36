"""Suite files into suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalbot.library.project import load_suite
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import ItemStatus, Message, Source, Split
from evalbot.suites.suites import DigestPolicy, ReviewPolicy, RunDefaults
from evalbot.suites.targets import Target
from tests.integration.library.library_files import JUDGE, RUBRIC, load_text, make_project, refusal_of

WHOLE = """
name: desk
description: Answers of the help desk
owner: "#desk"
prompts: [file://prompts/reply.md]
targets:
  - openai:gpt-4.1-mini
  - {id: openai:gpt-4.1, label: candidate, config: {temperature: 0}}
baseline: openai:gpt-4.1-mini
skills:
  rules: {description: Knows the rules, levels: [names, applies]}
  tone: {description: Polite}
defaults:
  graders: [{type: rubric, rubric: good, threshold: 2}]
items:
  - id: rules-1
    skill: rules
    level: applies
    vars: {question: "Can I return it?", days: 20}
    reference: ["within 30 days", "thirty days"]
    graders:
      - {type: contains-any}
      - {type: numeric, value: 30, tolerance: 0.5, weight: 2, negate: true, metric: days, extract: first}
    tags: [returns]
    split: holdout
    status: probation
    source: {kind: feedback, by: U1, at: "2026-11-21"}
    metadata: {a: [1, null]}
  - {id: tone-1, skill: tone, messages: [{role: user, content: Hi}]}
  - file://items/*.jsonl
run: {epochs: 2, max_concurrency: 4, budget: {usd: 2.00, tokens: 500k}, judge: {target: openai:gpt-4.1, calibrate: true}}
review: {sample: 12, strategy: uncertain, graders_per_item: 3, blind: false, channel: "#evals"}
digest: {channel: "#quality", cron: "0 9 * * mon", tz: Europe/Berlin, when: changed}
retire: {saturated: {pass_rate: 0.98, runs: 4}}
schedule: [{run: weekly, cron: "0 6 * * mon", tz: Europe/Berlin}]
gate: {fail_if: ["overall.lower < 0.80"]}
"""
PROMPT = "---\nname: reply\ninputs: [question]\nmessages: true\n---\n## system\nBe brief.\n## user\n{{ question }}\n"


def test_everything_a_suite_says_arrives(tmp_path: Path) -> None:
    """Each key of a whole suite is found in the noun."""
    files = {"prompts__reply_md": PROMPT, "rubrics__good_yaml": RUBRIC, "prompts__judge__rubric_md": JUDGE}
    suite = load_text(tmp_path, WHOLE, **files, suites__items__a_jsonl='{"id": "z", "input": "Zed?", "ideal": "26"}\n')
    assert (suite.name, suite.version, suite.owner, suite.baseline) == ("desk", 0, "#desk", "gpt-4.1-mini")
    assert suite.targets[1] == Target("openai:gpt-4.1", "candidate", {"temperature": 0})
    assert suite.prompts[0].messages == (Message("system", "Be brief."), Message("user", "{{ question }}"))
    assert suite.skills["rules"].levels == ("names", "applies")
    assert suite.graders == (GraderSpec(GraderType.RUBRIC, rubric="good", threshold=2.0),)
    assert suite.run == RunDefaults(2, 4, Target("openai:gpt-4.1", "gpt-4.1"), 2.0)
    assert suite.review == ReviewPolicy(12, "disagree", 3, False, "#evals")
    assert suite.digest == DigestPolicy("#quality", "0 9 * * mon", "Europe/Berlin", "changed")
    rubric = suite.rubrics["good"]
    assert (rubric.version, rubric.scale.highest, rubric.pass_from, rubric.examples[0].grade) == (2, 3, 2, 3)
    assert rubric.judge is not None
    assert (rubric.judge.name, rubric.judge.version, rubric.judge.template[:9]) == ("rubric", 4, "## system")


def test_everything_an_item_says_arrives(tmp_path: Path) -> None:
    """Each key of an item is found in the noun, inline and from a file."""
    files = {"prompts__reply_md": PROMPT, "rubrics__good_yaml": RUBRIC, "prompts__judge__rubric_md": JUDGE}
    suite = load_text(tmp_path, WHOLE, **files, suites__items__a_jsonl='{"id": "z", "input": "Zed?", "ideal": "26"}\n')
    first, second, third = suite.items
    assert (first.id, first.skill, first.level, first.split) == ("rules-1", "rules", "applies", Split.HOLDOUT)
    assert first.vars == {"question": "Can I return it?", "days": 20}
    assert first.references == ("within 30 days", "thirty days")
    numeric = GraderSpec(GraderType.NUMERIC, 30, None, None, 0.5, "first", True, 2.0, "days")
    assert first.graders == (GraderSpec(GraderType.CONTAINS_ANY), numeric)
    assert (first.tags, first.status, first.metadata) == (("returns",), ItemStatus.PROBATION, {"a": [1, None]})
    assert first.source == Source("feedback", by="U1", at="2026-11-21")
    assert second.messages == (Message("user", "Hi"),)
    assert (third.id, third.vars, third.reference) == ("z", {"question": "Zed?"}, "26")


def test_names_of_other_tools_are_accepted(tmp_path: Path) -> None:
    """A suite in the words of a well-known tool loads, without ids too."""
    suite = load_text(
        tmp_path,
        """
        name: desk
        prompts: ["Answer: {{question}}", [{role: user, content: "{{question}}!"}]]
        providers: [echo]
        defaultTest: {assert: [{type: llm-rubric, value: Is polite}], vars: {shop: Acme}}
        tests:
          - {vars: {question: a}, assert: [{type: exact, value: x}], target: t}
          - {vars: {question: b, shop: Own}}
          - {question: c, ideal: d}
        run: {repeat: 3}
        """,
    )
    assert [prompt.name for prompt in suite.prompts] == ["prompt-1", "prompt-2"]
    assert (suite.run.epochs, suite.targets[0].id, suite.items[0].reference) == (3, "echo", "t")
    assert suite.items[0].graders[0].type is GraderType.EQUALS
    assert [item.vars.get("shop") for item in suite.items] == ["Acme", "Own", "Acme"]
    assert len({item.id for item in suite.items}) == 3
    (name,) = suite.rubrics
    assert (suite.graders[0].rubric, suite.rubrics[name].question, suite.rubrics[name].pass_from) == (
        name,
        "Is polite",
        2,
    )


ITEM = "name: desk\nitems:\n  - {id: a, input: q, %s}\n"
TOP = "name: desk\nitems:\n  - {id: a, input: q}\n%s\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ITEM % 'expcted: "5"', "suites/desk.yaml:3: field `items[0].expcted`: unknown key; did you mean `expected`?"),
        (ITEM % "expected: 5", "suites/desk.yaml:3: field `items[0].expected`: must be text; put it in quotes."),
        (ITEM % "expected: true", "suites/desk.yaml:3: field `items[0].expected`: must be text; put it in quotes."),
        (ITEM % "tags: [1]", "field `items[0].tags[0]`: must be text; put it in quotes (a number now)."),
        (ITEM % "expected: a, ideal: b", "field `items[0]`: `expected` and `ideal` say the same; keep one."),
        (ITEM % "messages: [{role: user, content: x}]", "asks twice, with `messages` and `input`; keep one."),
        (ITEM % "split: train", "field `items[0].split`: `train` is unknown; known are `practice`, `holdout`."),
        (ITEM % "graders: [{type: rouge-n}]", "graders of type `rouge-n` are not in this version; use one of equals,"),
        (ITEM % "graders: [{type: equal}]", "`equal` is not a grader type; did you mean `equals`?"),
        (
            ITEM % "graders: [{type: equals}]",
            "its check `equals` has nothing to compare with; give the item a `reference`.",
        ),
        (
            ITEM % "graders: [{type: equals, value: 4}]",
            "graders[0].value`: of `equals` must be text or a list of texts; put",
        ),
        (ITEM % "graders: [{type: numeric, value: [4]}]", "graders[0].value`: of `numeric` must be a number."),
        (ITEM % "graders: [{type: regex, value: '('}]", "graders[0].value`: is not a regular expression"),
        (
            ITEM % "graders: [{type: regex, value: '(a{1000}){1000}'}]",
            "graders[0].value`: the pattern repeats too much",
        ),
        (ITEM % "graders: [{type: json-schema, value: {type: 5}}]", "graders[0].value`: is not a valid JSON Schema"),
        (ITEM % "graders: [{type: json-schema, value: {$ref: 'http://x'}}]", "a `$ref` must stay within the schema"),
        (ITEM % "graders: [{type: json-schema, value: {pattern: '('}}]", "value`: is not a regular expression"),
        (ITEM % "graders: [{type: contains, value: x, weight: 0}]", "graders[0].weight`: must be more than 0"),
        (ITEM % "graders: [{type: contains, value: x, threshold: 2}]", "threshold`: of a check lies between 0 and 1."),
        (
            ITEM % "graders: [{type: rubric}]",
            "a rubric grader names a `rubric`, or holds its question as text in `value`.",
        ),
        (
            ITEM % "graders: [{type: rubric, rubric: goood}]",
            "rubric`: there is no rubric of this name; did you mean `good`?",
        ),
        (ITEM % "graders: [{type: rubric, rubric: good, threshold: 5}]", "must lie on the rubric's scale, 1 to 3."),
        (ITEM % "level: x", "field `items[0].level`: has a level but no skill."),
        (TOP % "skills: {tone: }", "field `skills.tone`: must hold keys and values."),
        (TOP % "graders: []", "suites/desk.yaml:4: field `graders`: unknown key; it stands under `defaults`"),
        (TOP % "skils: {}", "suites/desk.yaml:4: field `skils`: unknown key; did you mean `skills`?"),
        (TOP % "run: {epochs: 0}", "suites/desk.yaml:4: field `run.epochs`: must be at least 1."),
        (TOP % "run: {repeat: 1000}", "field `run.repeat`: must be at most 100."),
        (TOP % "run: {budget: {usd: -1}}", "field `run.budget.usd`: must be at least 0"),
        (TOP % "run: {cache: 1}", "field `run.cache`: must be true or false."),
        (TOP % "review: {strategy: fails}", "`fails` is unknown; did you mean `fail`?"),
        (TOP % "digest: {cron: 0 9 * * 1}", "field `digest.cron`: names days like `mon` or `mon-fri`, not by number."),
        (TOP % "digest: {tz: Berlin}", "field `digest.tz`: is not the name of a time zone, like `Europe/Berlin`."),
        (TOP % "split: {holdout: 120%}", "field `split.holdout`: must be a share below 100%, like `25%` or `0.25`."),
        (TOP % "targets: [a:b, {id: 'c:b'}]", "field `targets[1]`: another target has the label `b`; give this one"),
        (TOP % "targets: [a:b]\nbaseline: a:c", "field `baseline`: no target is called this; did you mean `a:b`?"),
        (
            TOP % "targets: [{id: a, config: {api_key: x}}]",
            "field `targets[0].config.api_key`: a key must not stand in",
        ),
        (TOP % "prompts: ['{{ 9 ** 9 }}']", "suites/desk.yaml:4: a template may not use `pow`."),
        (TOP % "prompts: ['{{ x']", "suites/desk.yaml:4: the template is not valid"),
        (
            "name: Desk\nitems: []\n",
            "suites/desk.yaml:1: field `name`: may hold small letters, digits and single hyphens",
        ),
        ("items: []\n", "suites/desk.yaml:1: field `name`: is missing. The file has 1 more problem."),
        ("name: desk\nitems: [5]\n", "suites/desk.yaml:2: field `items[0]`: must hold keys and values."),
    ],
)
def test_refusals_say_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    """Each fault of a suite file has its place and its sentence."""
    assert said in refusal_of(tmp_path, text, rubrics__good_yaml=RUBRIC)


def test_skills_and_levels_must_be_known(tmp_path: Path) -> None:
    """Where a suite lists skills, items name these; several faults are counted."""
    text = """
    name: desk
    skills: {rules: {levels: [names, applies]}}
    items:
      - {id: a, input: q, skill: rule}
      - {id: b, input: q, skill: rules, level: aplies}
    """
    said = refusal_of(tmp_path, text)
    assert "suites/desk.yaml:4: field `items[0].skill`: `rule` is not one of the skills; did you mean `rules`?" in said
    assert "The file has 1 more problem." in said


def test_a_double_id_is_refused_across_files(tmp_path: Path) -> None:
    """Ids are unique in a suite, also between inline items and files."""
    text = "name: desk\nitems: [{id: a, input: q}, file://items/*.jsonl]\n"
    said = refusal_of(tmp_path, text, suites__items__a_jsonl='{"input": "p"}\n{"id": "a", "input": "r"}\n')
    assert said == "suites/items/a.jsonl:2: field `id`: this id was used before; ids are unique in a suite."


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a_jsonl", '{"id": "b", "input": \n', "suites/items/a.jsonl:1: the line is not JSON"),
        ("a_jsonl", '{"input": "x", "expected": NaN}\n', "suites/items/a.jsonl:1: the line holds NaN"),
        (
            "a_jsonl",
            '{"input": "x"}\n{"input": "y", "expcted": 1}\n',
            "a.jsonl:2: field `expcted`: unknown key; did you mean",
        ),
        (
            "a_jsonl",
            '{"input": "x", "expected": false}\n',
            "a.jsonl:1: field `expected`: must be text; put it in quotes.",
        ),
        ("a_jsonl", "\n", "suites/desk.yaml:2: field `items`: the named files hold no items."),
        (
            "a_yaml",
            "- {input: x}\n- {inpt: x}\n",
            "suites/items/a.yaml:2: field `[1].inpt`: unknown key; did you mean `input`?",
        ),
        ("a_yaml", "a: 1\n", "suites/items/a.yaml:1: the file must hold a list of items."),
        ("a_csv", "a,b\n", "suites/items/a.csv: items come in .jsonl or .yaml files; import other files first."),
    ],
)
def test_faults_of_item_files_are_placed_in_them(tmp_path: Path, name: str, text: str, said: str) -> None:
    """A fault in a named file is told with that file and its line."""
    assert said in refusal_of(tmp_path, "name: desk\nitems: [file://items/*]\n", **{f"suites__items__{name}": text})


def test_holdout_keeps_its_share_in_each_skill_and_is_stable(tmp_path: Path) -> None:
    """A quarter of each skill is held back; order does not matter, one item more moves at most one other."""
    lines = [f"  - {{id: i{n}, input: q{n}, skill: {'ab'[n % 2]}}}" for n in range(40)]
    head = "name: desk\nsplit: {holdout: 25%, by: skill, seed: 7}\nitems:\n"
    suite = load_text(tmp_path, head + "\n".join(lines))
    held = {item.id for item in suite.items if item.split is Split.HOLDOUT}
    assert [sum(item.id in held for item in suite.items if item.skill == skill) for skill in "ab"] == [5, 5]
    turned = load_text(tmp_path, head + "\n".join(reversed(lines)))
    assert {item.id for item in turned.items if item.split is Split.HOLDOUT} == held
    more = load_text(tmp_path, head + "\n".join([*lines, "  - {id: new, input: q, skill: a}"]))
    assert len({item.id for item in more.items if item.split is Split.HOLDOUT} ^ held) <= 2


def test_an_item_may_say_its_split_itself(tmp_path: Path) -> None:
    """What an item says counts against the policy."""
    text = "name: desk\nsplit: {holdout: 0.9}\nitems: [{input: a, split: practice}, {input: b}]\n"
    assert [item.split for item in load_text(tmp_path, text).items] == [Split.PRACTICE, Split.HOLDOUT]


def test_one_file_can_hold_other_peoples_templates(tmp_path: Path) -> None:
    """Text that looks like a template or a format string in an item is only text."""
    text = "name: desk\nitems: [{id: a, input: \"{{ ''.__class__ }} {x:>9}\", expected: '{{ y }}'}]\n"
    assert load_text(tmp_path, text).items[0].question == "{{ ''.__class__ }} {x:>9}"


def test_a_suite_outside_the_project_is_refused(tmp_path: Path) -> None:
    """Only files of the project are loaded."""
    project = make_project(tmp_path / "p", {"a.txt": ""})
    (tmp_path / "x.yaml").write_text("name: x\nitems: [{input: a}]\n")
    with pytest.raises(Exception, match="lies outside the project folder"):
        load_suite(tmp_path / "x.yaml", project)


def test_two_rubrics_of_one_name_are_refused(tmp_path: Path) -> None:
    """A suite cannot hold two forms of a rubric."""
    text = "name: desk\nrubrics: [good, file://rubrics/other.yaml]\nitems: [{input: a}]\n"
    other = RUBRIC.replace("version: 2", "version: 3")
    said = refusal_of(tmp_path, text, rubrics__good_yaml=RUBRIC, rubrics__other_yaml=other)
    assert said == "suites/desk.yaml:2: field `rubrics[1]`: another rubric is called `good` too."
